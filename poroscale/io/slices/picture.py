"""PNG, JPEG and BMP slices, through Pillow. They state no voxel size that could be trusted.

A SkyScan folder does: the `.log` of the reconstruction beside the slices has the pixel size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from typing_extensions import override

from poroscale.io.read.cast import Looked
from poroscale.io.read.channels import Channel, Interleaved, Pixels, chosen_channel, pixels_of
from poroscale.io.read.palette import grey_table
from poroscale.io.read.source import Source, Voxels
from poroscale.io.tiff.source import files_fingerprint
from poroscale.volume import Index, Shape

if TYPE_CHECKING:
    from PIL import Image

_DTYPES = {"I;16": "u2", "I;16B": "u2", "I": "i4"}
_DTYPES |= dict.fromkeys(("1", "L", "P", "LA", "RGB", "RGBA"), "u1")
_PIXELS = {"LA": Pixels(2, 1, True), "RGB": Pixels(3, 3), "RGBA": Pixels(4, 3, True)}
_FORMATS, _MARK = ("PNG", "JPEG", "BMP"), 16  # and bytes by which these are told
_PNG_DEPTH, _PNG_GREYS = 24, (0, 3)  # where a PNG says bits a channel, then kind of colour


@dataclass(frozen=True)
class Head:
    """Header of a picture; `palette` has a row for each of red, green and blue."""

    shape: tuple[int, int]
    mode: str
    palette: bytes = b""

    def __str__(self) -> str:
        return f"{self.shape} {self.mode}{' with a palette' if self.palette else ''}"


@dataclass(frozen=True, kw_only=True)
class PictureSource(Source):
    """Slices from picture files; a row holds all numbers of its pixels, `count` each."""

    folder: Path
    files: tuple[str, ...]
    count: int

    @property
    @override
    def name(self) -> str:
        return self.files[0] if len(self.files) == 1 else self.folder.name

    @property
    @override
    def per_read(self) -> int:
        return 2 * self.shape[1] * self.shape[2] * self.dtype.itemsize  # Pillow's and ours

    @override
    def slice_name(self, z: int) -> str:
        return self.files[z] if len(self.files) > 1 else f"slice {z}"

    @override
    def fingerprint(self) -> dict[str, Any]:
        return files_fingerprint("pictures", self.folder, self.files)

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = np.empty(shape, self.dtype)
        window = tuple(slice(o, o + s) for o, s in zip(origin[1:], shape[1:], strict=True))
        for k in range(shape[0]):
            file = self.files[origin[0] + k]
            pixels = _pixels(self.folder / file)
            if pixels.size != self.shape[1] * self.shape[2]:
                raise OSError(f"{file}: the picture changed while it was read")
            box[k] = pixels.reshape(self.shape[1:])[window]
        return box


def open_pictures(folder: Path, files: tuple[str, ...], channel: Channel | None = None) -> Source:
    """The source for pictures in the order of `files`; only their headers are read.

    The values of a grey palette are taken, and grey that is stored as RGB(A) or with an opacity of
    one is grey; of anything else one `channel` must be chosen, or the "index" of a palette.

    Raises
    ------
    ValueError
        If a picture differs from the first in size, kind or palette, or no channel can be told.
    """
    heads = [_head(folder / file) for file in files]
    for file, head in zip(files, heads, strict=True):
        if head != heads[0] and str(head) == str(heads[0]):
            raise ValueError(f"{file}: its palette must be that of {files[0]}, and is another")
        if head != heads[0]:
            raise ValueError(f"{file}: the picture must be {heads[0]} as {files[0]}, got {head}")
    first = heads[0]
    pixels = _PIXELS.get(first.mode, Pixels(1))
    source: Source = PictureSource(
        shape=(len(files), first.shape[0], first.shape[1] * pixels.count),
        dtype=np.dtype(_DTYPES[first.mode]),
        voxel_size=None,
        folder=folder,
        files=files,
        count=pixels.count,
    )
    if first.palette:
        return _looked_up(source, first, channel, files[0])
    taken = pixels_of(pixels.count, channel, files[0], colours=pixels.colours, opaque=pixels.opaque)
    return Interleaved.of(source, taken)


def _looked_up(source: Source, head: Head, channel: Channel | None, name: str) -> Source:
    if channel == "index":
        return source
    colours = np.frombuffer(head.palette, np.uint8).reshape(-1, 3).T
    if channel is not None:
        colours = colours[[chosen_channel(channel, 3, name)] * 3]
    table = grey_table(colours, name)
    return source if table is None else Looked.of(source, table)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A picture whose pixels are not decoded yet.

    Pillow's `open` warns of pictures from 89 million pixels on and refuses them from 179 on, which
    a stitched micrograph or a slice of a large detector has. What memory allows is told by the
    plan, which knows the size from the header; so the reader of the format is called itself.
    """
    from PIL import Image

    Image.preinit()
    with path.open("rb") as file:
        start = file.read(_MARK)
        file.seek(0)
        for name in _FORMATS:
            factory, accept = Image.OPEN[name]
            if accept is not None and accept(start) is True:
                yield factory(file, str(path))
                return
        with Image.open(file) as image:
            yield image


def _head(path: Path) -> Head:
    from PIL import Image

    try:
        with _opened(path) as image:
            mode, (width, height) = image.mode, image.size
            palette = bytes(image.getpalette() or ()) if mode == "P" else b""
            clear = "transparency" in image.info and mode != "RGBA"
    # a header that Pillow does not know is an OSError, one that it cannot parse a SyntaxError
    except (OSError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise ValueError(f"{path.name}: not a picture that can be read: {error}") from error
    if mode not in _DTYPES:
        raise ValueError(f"{path.name}: slices must be grey, got a picture of mode {mode}")
    if clear:
        raise ValueError(f"{path.name}: slices must be grey, got a picture with transparent places")
    _require_all_bits(path)
    return Head((height, width), mode, palette)


def _require_all_bits(path: Path) -> None:
    """Pillow cuts 16 bits of colour to 8 without a word."""
    with path.open("rb") as file:
        start = file.read(_PNG_DEPTH + 2)
    if start.startswith(b"\x89PNG") and len(start) == _PNG_DEPTH + 2:
        depth, kind = start[_PNG_DEPTH], start[_PNG_DEPTH + 1]
        if depth == 16 and kind not in _PNG_GREYS:
            raise ValueError(
                f"{path.name}: a PNG of 16 bits must be grey without opacity, got several channels"
            )


def _pixels(path: Path) -> Voxels:
    from PIL import Image

    try:
        with _opened(path) as image:
            return np.asarray(image)
    # Pillow calls broken PNG chunks a SyntaxError
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise OSError(f"{path.name}: the picture cannot be decoded: {error}") from error
