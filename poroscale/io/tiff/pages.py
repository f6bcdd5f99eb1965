"""One TIFF page: opened, checked before any work is done, and decoded window by window."""

from __future__ import annotations

import logging
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from poroscale.io.read.source import Voxels
from poroscale.io.slices.coded_size import UNBOUNDED, coded_size

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
_DEFLATE, _MOST_DEFLATED = {8, 32946, 50013}, 1100
_COLOURS = {0, 1, 2, 3, 4, 6}
# tifffile logs before it raises, and the user gets one sentence; who sets up logging has both
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@contextmanager
def opened_tiff(path: Path) -> Iterator[tifffile.TiffFile]:
    """`tifffile.TiffFile(path)`, its complaints turned into one sentence.

    Its `series` and its `pages` must not be asked of one object: what is asked first changes what
    the other hands out.

    Raises
    ------
    ValueError
        If the file is no TIFF, or ends before its first page does.
    """
    try:
        with tifffile.TiffFile(path, _multifile=False) as tiff:
            if len(tiff.pages) < 1:
                raise ValueError(f"{path.name}: the file holds no image")
            yield tiff
    except (*DAMAGE, ValueError) as error:
        if isinstance(error, ValueError) and path.name in str(error):
            raise  # a sentence of ours
        raise ValueError(f"{path.name}: not a whole TIFF file: {error}") from error


@dataclass(frozen=True)
class TiffFrame:
    """Bytes of a file of one plain page besides its voxels: header, directory, tags.

    A file of the same frame holds the same page. To compare some hundred bytes takes a thirtieth
    of the time in which tifffile reads them, and a stack has thousands of slices.
    """

    head: bytes
    tail: bytes
    size: int

    @classmethod
    def of(cls, page: tifffile.TiffPage, path: Path) -> TiffFrame | None:
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
        """True if the file `path` has this frame."""
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


def is_plain(page: tifffile.TiffPage) -> bool:
    """True if the voxels lie in the file as they are, in one run."""
    return bool(page.is_contiguous and page.predictor == 1 and page.fillorder == 1)


def check_page(page: tifffile.TiffPage, path: Path, name: str) -> None:
    """Refuse a page that is no image of a known kind, cannot be decoded here, or is cut off."""
    if page.dtype is None or 0 in page.shaped:
        raise ValueError(f"{name}: the page holds no image of numbers")
    if page.shaped[1] != 1 or (page.is_subsampled and page.compression == 1):
        raise ValueError(f"{name}: slices must be grey, got pixels of shape {page.shape}")
    if page.samplesperpixel > 1 and int(page.photometric) not in _COLOURS:
        raise ValueError(f"{name}: slices must be grey, got {_word(page.photometric)}")
    if page.compression != 1:
        _require_decoder(page, name)
    spans = list(zip(page.dataoffsets, page.databytecounts))  # noqa: B905
    size = path.stat().st_size
    if not spans or max(start + count for start, count in spans) > size:
        raise ValueError(f"{name} is truncated: its voxels reach past the file's {size} bytes")
    if page.compression in _DEFLATE and 0 not in page.databytecounts:
        most = _MOST_DEFLATED * sum(page.databytecounts)
        if page.nbytes > most:
            raise ValueError(
                f"{name}: {sum(page.databytecounts)} bytes of deflate hold at most {most}, "
                f"its header says {page.nbytes}"
            )


def _word(tag: Any) -> str:
    """A tag's value by its name where it has one."""
    return str(getattr(tag, "name", tag))


def _require_decoder(page: tifffile.TiffPage, name: str) -> None:
    if int(page.compression) in UNBOUNDED:
        raise ValueError(f"{name}: {_word(page.compression)} compression is not supported")
    try:
        tifffile.TIFF.DECOMPRESSORS[page.compression]
    except KeyError as error:
        raise ValueError(
            f"{name}: {_word(page.compression)} compression needs the package imagecodecs: "
            "pip install 'poroscale[io]'"
        ) from error


def require_like(
    page: tifffile.TiffPage, first: tifffile.TiffPage, name: str, where: str = " as on page 1"
) -> None:
    """Refuse a page whose shape, dtype or meaning is not that of the `first`."""
    for word, got, wanted in (
        ("shape", page.shape, first.shape),
        ("dtype", page.dtype, first.dtype),
        ("photometric tag", page.photometric, first.photometric),
        ("planar configuration", page.planarconfig, first.planarconfig),
    ):
        if got != wanted:
            raise ValueError(f"{name}: the {word} must be {wanted}{where}, got {got}")
    if page is not first and not np.array_equal(_palette(page), _palette(first)):
        raise ValueError(f"{name}: the palette must be that{where or ' of the first'}")


def _palette(page: tifffile.TiffPage) -> Voxels:
    return np.asarray(0 if page.colormap is None else page.colormap)


def segment_bytes(page: tifffile.TiffPage) -> int:
    """Bytes that decoding one strip or tile takes: what is read with what comes of it, or copies.

    tifffile drops what it has read before it swaps bytes or unpacks, each of which makes a copy;
    it takes horizontal differences back in place.
    """
    tall, wide = _segment_shape(page)
    samples = page.shaped[4]
    decoded = tall * wide * samples * page.dtype.itemsize
    foreign = page.parent.byteorder != ("<" if sys.byteorder == "little" else ">")
    copies = 1 + foreign + (page.predictor not in {1, 2})
    copies += page.bitspersample not in {8, 16, 32, 64}
    return int(max(max(page.databytecounts) + decoded, copies * decoded))


def decode_window(
    page: tifffile.TiffPage, corner: tuple[int, int], out: Voxels, *, sample: int = 0
) -> None:
    """Fill `out` with the window of `page` at `corner`, decoding the segments it touches.

    Columns are numbers, so that interleaved pixels make rows that much longer. `sample` is the
    plane of a page that stores the numbers of its pixels separately.
    """
    height, width = out.shape
    samples = page.shaped[4]
    across = -(-page.imagewidth // page.tilewidth) if page.is_tiled else 1
    tall, wide = _segment_shape(page)
    wide *= samples
    first = sample * across * -(-page.imagelength // tall)
    for row in range(corner[0] // tall, -(-(corner[0] + height) // tall)):
        for column in range(corner[1] // wide, -(-(corner[1] + width) // wide)):
            top, left = row * tall, column * wide
            y0, x0 = max(corner[0], top), max(corner[1], left)
            y1 = min(corner[0] + height, top + tall, page.imagelength)
            x1 = min(corner[1] + width, left + wide, page.imagewidth * samples)
            target = out[y0 - corner[0] : y1 - corner[0], x0 - corner[1] : x1 - corner[1]]
            where = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
            _fill(target, page, first + row * across + column, where)


def _fill(target: Voxels, page: tifffile.TiffPage, index: int, where: tuple[slice, slice]) -> None:
    """Put the part `where` of a segment into `target`; the segment is gone when this returns."""
    segment = _segment(page, index)
    if segment is None:
        target[...] = page.nodata
        return
    if segment[where].shape != target.shape:
        raise OSError(
            f"{page.parent.filehandle.name}: segment {index} holds {segment.shape}, not what "
            "its page says"
        )
    target[...] = segment[where]


def _require_size(page: tifffile.TiffPage, data: bytes) -> None:
    """Refuse a stream that says another image than the strip or tile that it stands for."""
    tall, wide = _segment_shape(page)
    said = coded_size(data, int(page.compression))
    if said is not None and said[0] * said[1] > tall * wide:
        raise ValueError(f"it says {said[0]} x {said[1]} pixels, its page {tall} x {wide}")


def _segment_shape(page: tifffile.TiffPage) -> tuple[int, int]:
    """Rows and columns of a strip or tile."""
    if page.is_tiled:
        return page.tilelength, page.tilewidth
    return min(page.rowsperstrip, page.imagelength), page.imagewidth


def _segment(page: tifffile.TiffPage, index: int) -> Voxels | None:
    """Rows of numbers of one strip or tile; None where it was left out on purpose."""
    count, offset = page.databytecounts[index], page.dataoffsets[index]
    handle = page.parent.filehandle
    if not count:
        if not offset:  # as GDAL leaves out what is empty
            return None
        raise OSError(f"{handle.name}: segment {index} has no bytes")
    try:
        # each of these may read from the file when it is asked first: before the seek, not after
        decode, tables, header = page.decode, page.jpegtables, page.jpegheader
        handle.seek(offset)
        data = handle.read(count)
        _require_size(page, data)
        decoded = decode(data, index, jpegtables=tables, jpegheader=header)[0]
    except (*DAMAGE, ValueError, MemoryError) as error:  # a damaged header may claim any size
        raise OSError(f"{handle.name}: segment {index} cannot be decoded: {error}") from error
    return None if decoded is None else decoded[0].reshape(decoded.shape[1], -1)
