"""One TIFF page: opened, checked before any work is done, and decoded window by window."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import tifffile

from poroscale.io.source import Voxels

# What tifffile lets out when a damaged file's numbers make no sense to it.
DAMAGE = (
    tifffile.TiffFileError,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
)


_LONGEST_FRAME = 1 << 16


@contextmanager
def opened(path: Path) -> Iterator[tifffile.TiffFile]:
    """`tifffile.TiffFile(path)`, its complaints turned into one sentence.

    Raises
    ------
    ValueError
        If the file is no TIFF, or ends before its first page does.
    """
    try:
        with tifffile.TiffFile(path) as tiff:
            if len(tiff.pages) < 1:
                raise ValueError(f"{path.name}: the file holds no image")
            yield tiff
    except DAMAGE as error:
        raise ValueError(f"{path.name}: not a whole TIFF file: {error}") from error


@dataclass(frozen=True)
class Frame:
    """What a file of one plain page holds besides its voxels: header, directory, tags.

    A file of the same frame holds the same page. To compare some hundred bytes takes a thirtieth
    of the time in which tifffile reads them, and a stack has thousands of slices.
    """

    head: bytes
    tail: bytes
    size: int

    @classmethod
    def of(cls, page: tifffile.TiffPage, path: Path) -> Frame | None:
        """The frame of `path`; None where its page is not stored plainly, or there is too much."""
        if not page.is_contiguous:
            return None
        start, size = page.dataoffsets[0], path.stat().st_size
        stop = start + page.nbytes
        if start + size - stop > _LONGEST_FRAME:
            return None
        with FileIO(path, "r") as file:
            return cls(_at(file, 0, start), _at(file, stop, size - stop), size)

    def is_of(self, path: Path) -> bool:
        """Whether the file `path` has this frame."""
        with FileIO(path, "r") as file:
            return (
                os.fstat(file.fileno()).st_size == self.size
                and _at(file, 0, len(self.head)) == self.head
                and _at(file, self.size - len(self.tail), len(self.tail)) == self.tail
            )


def _at(file: FileIO, offset: int, length: int) -> bytes:
    return os.pread(file.fileno(), length, offset) if length else b""


def require_unbroken_chain(tiff: tifffile.TiffFile, path: Path) -> None:
    """A chain of pages that breaks off is an error, not a shorter volume."""
    count = len(tiff.pages)
    try:
        tiff.filehandle.seek(tiff.pages.next_page_offset)
        packed = tiff.filehandle.read(tiff.tiff.offsetsize)
        following = struct.unpack(tiff.tiff.offsetformat, packed)[0]
    except struct.error as error:
        raise ValueError(f"{path.name} is truncated within page {count}") from error
    if following != 0:
        raise ValueError(
            f"{path.name} is truncated: after page {count} it points to byte {following}, "
            f"the file has {path.stat().st_size} bytes"
        )


def all_pages(tiff: tifffile.TiffFile, path: Path) -> list[tifffile.TiffPage]:
    """All pages, each with its own shape and dtype."""
    tiff.pages.useframes = False
    pages = [tiff.pages[number] for number in range(len(tiff.pages))]
    if not all(isinstance(page, tifffile.TiffPage) for page in pages):
        raise ValueError(f"{path.name}: not a whole TIFF file: its pages cannot be told apart")
    return pages


def check_page(page: tifffile.TiffPage, path: Path, name: str) -> None:
    """Refuse a page that is no grey image, cannot be decoded here, or is cut off."""
    if page.dtype is None or 0 in page.shaped:
        raise ValueError(f"{name}: the page holds no image of numbers")
    if page.shaped[0] != 1 or page.shaped[1] != 1 or page.shaped[4] != 1:
        raise ValueError(f"{name}: slices must be grey, got pixels of shape {page.shape}")
    if page.compression != 1:
        try:
            tifffile.TIFF.DECOMPRESSORS[page.compression]
        except KeyError as error:
            raise ValueError(
                f"{name}: {page.compression!r} compression needs the package imagecodecs: "
                "pip install 'poroscale[io]'"
            ) from error
    ends = (start + count for start, count in zip(page.dataoffsets, page.databytecounts))  # noqa: B905
    size = path.stat().st_size
    if not page.dataoffsets or max(ends) > size:
        raise ValueError(f"{name} is truncated: its voxels reach past the file's {size} bytes")


def require_like(
    page: tifffile.TiffPage, first: tifffile.TiffPage, name: str, where: str = " as on page 1"
) -> None:
    """Refuse a page whose shape or dtype is not that of the `first`."""
    for word, got, wanted in (
        ("shape", page.shape, first.shape),
        ("dtype", page.dtype, first.dtype),
    ):
        if got != wanted:
            raise ValueError(f"{name}: the {word} must be {wanted}{where}, got {got}")


def decode_window(page: tifffile.TiffPage, corner: tuple[int, int], out: Voxels) -> None:
    """Fill `out` with the window of `page` at `corner`, decoding the segments it touches."""
    height, width = out.shape
    across = -(-page.imagewidth // page.tilewidth) if page.is_tiled else 1
    tall = page.tilelength if page.is_tiled else page.rowsperstrip
    wide = page.tilewidth if page.is_tiled else page.imagewidth
    for row in range(corner[0] // tall, -(-(corner[0] + height) // tall)):
        for column in range(corner[1] // wide, -(-(corner[1] + width) // wide)):
            segment = _segment(page, row * across + column)
            top, left = row * tall, column * wide
            y0, x0 = max(corner[0], top), max(corner[1], left)
            y1 = min(corner[0] + height, top + tall, page.imagelength)
            x1 = min(corner[1] + width, left + wide, page.imagewidth)
            target = out[y0 - corner[0] : y1 - corner[0], x0 - corner[1] : x1 - corner[1]]
            target[...] = (
                page.nodata
                if segment is None
                else segment[y0 - top : y1 - top, x0 - left : x1 - left]
            )


def _segment(page: tifffile.TiffPage, index: int) -> Voxels | None:
    count = page.databytecounts[index]
    if not count:
        return None
    handle = page.parent.filehandle
    handle.seek(page.dataoffsets[index])
    try:
        decoded = page.decode(
            handle.read(count), index, jpegtables=page.jpegtables, jpegheader=page.jpegheader
        )[0]
    except (*DAMAGE, ValueError, MemoryError) as error:  # a damaged header may claim any size
        raise OSError(f"{handle.name}: segment {index} cannot be decoded: {error}") from error
    return None if decoded is None else decoded[0, :, :, 0]
