"""Layout of raw voxels, as a header states it, and the source that reads them.

MetaImage, NRRD, NIfTI, VGI, JSON and a bare file name all say the same few things: which file,
from which byte, which numbers, how many, how large. They meet here, and so do the checks.
"""

from __future__ import annotations

import bz2
import os
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from typing_extensions import override

from poroscale.engine.byte_words import bytes_in_words
from poroscale.io.flat.stacked import StackedSource
from poroscale.io.flat.voxels import FlatSource
from poroscale.io.read.channels import Channel, Interleaved, pixels_of
from poroscale.io.read.source import Source, Voxels, require_numeric
from poroscale.io.read.wrappers import AtCorner, Picked
from poroscale.io.write.staging import staged
from poroscale.volume import Index, Shape, VoxelSize

Compression = Literal["raw", "gzip", "zlib", "bzip2"]
_STEP = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Layout of the voxels of a volume in its files.

    Attributes
    ----------
    header
        The file that says so, for messages.
    data
        The file that holds the voxels; may be `header` itself.
    shape
        (z, y, x), x running fastest in the file.
    stored
        dtype in the file with its byte order.
    offset
        First byte of the (compressed) voxels; None for "the last bytes of the file".
    skip
        Bytes before the first voxel once unpacked, where a header is compressed with them.
    kind
        Name of the format.
    rest
        Further files, each with as many slices as `data`, that follow it along z.
    channels, interleaved
        Numbers of a voxel, and whether they lie side by side or volume after volume.
    colours, opaque
        See `Pixels`.
    origin
        Absolute index of the first voxel.
    notes
        Clauses on what was guessed.
    """

    header: Path
    data: Path
    shape: Shape
    stored: np.dtype[Any]
    voxel_size: VoxelSize | None
    kind: str
    offset: int | None = 0
    compression: Compression = "raw"
    skip: int = 0
    rest: tuple[Path, ...] = ()
    channels: int = 1
    interleaved: bool = True
    colours: int = 0
    opaque: bool = False
    origin: Index = (0, 0, 0)
    notes: tuple[str, ...] = ()

    @property
    def stored_shape(self) -> Shape:
        """(z, y, x) as one grey volume that holds the numbers of all channels."""
        z, y, x = self.shape
        return (z, y, x * self.channels) if self.interleaved else (z * self.channels, y, x)

    @property
    def unpacked_bytes(self) -> int:
        """Bytes of the voxels and what comes before them, once unpacked."""
        return self.skip + self.voxel_bytes

    @property
    def voxel_bytes(self) -> int:
        """Bytes of the voxels once unpacked."""
        return prod(self.stored_shape) * self.stored.itemsize


@dataclass(frozen=True, kw_only=True)
class UnpackedSource(FlatSource):
    """A compressed file's voxels, unpacked to scratch; known by the compressed file."""

    packed: Path

    @property
    @override
    def name(self) -> str:
        return self.packed.name

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {
            "format": self.kind,
            "file": self.packed.name,
            "bytes": self.packed.stat().st_size,
            "offset": self.offset,
            "stored": self.stored.str,
        }


@dataclass(frozen=True, kw_only=True)
class PackedSource(Source):
    """A compressed file that has not been unpacked: all is known of it but its voxels."""

    layout: Layout

    @classmethod
    def of(cls, layout: Layout) -> PackedSource:
        """Layout that the header states."""
        return cls(
            shape=layout.stored_shape,
            dtype=require_numeric(layout.stored, layout.header.name),
            voxel_size=layout.voxel_size,
            layout=layout,
        )

    @property
    @override
    def name(self) -> str:
        return self.layout.data.name

    @override
    def fingerprint(self) -> dict[str, Any]:
        size = self.layout.data.stat().st_size
        return {"format": f"{self.layout.kind} compressed", "file": self.name, "bytes": size}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        raise ValueError(
            f"{self.name} is {self.layout.compression}-compressed and cannot be read box by box: "
            "give open_source a folder `scratch` to unpack it to, or unpack it yourself"
        )


def layout_source(layout: Layout, scratch: Path | None, channel: Channel | None = None) -> Source:
    """The source for `layout`; compressed voxels are unpacked into the folder `scratch` first.

    Without `scratch`, compressed voxels give a source that tells its shape and cannot be read.

    Raises
    ------
    FileNotFoundError
        If the data file does not exist.
    ValueError
        If the sizes of file and header disagree, or a `channel` must be chosen.
    """
    require_numeric(layout.stored, layout.header.name)
    pixels = pixels_of(
        layout.channels,
        channel,
        layout.header.name,
        colours=layout.colours,
        opaque=layout.opaque,
    )
    missing = [path.name for path in (layout.data, *layout.rest) if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"{layout.header.name}: its data file {missing[0]} does not exist")
    source = _stored_source(layout, scratch)
    if layout.interleaved:
        source = Interleaved.of(source, pixels)
    else:
        first = (pixels.choice or 0) * layout.shape[0]
        source = Picked.of(source, tuple(range(first, first + layout.shape[0])))
    return AtCorner.of(source, layout.origin, layout.notes + _links(layout))


def _stored_source(layout: Layout, scratch: Path | None) -> Source:
    if layout.rest:
        return _stacked_source(layout)
    if layout.compression != "raw":
        return _unpacked_source(layout, scratch) if scratch else PackedSource.of(layout)
    return FlatSource(
        path=layout.data, offset=_checked_offset(layout), **_common(layout, layout.kind)
    )


def _stacked_source(layout: Layout) -> StackedSource:
    files = (layout.data, *layout.rest)
    z = layout.stored_shape[0]
    apart = layout.channels > 1 and not layout.interleaved
    if layout.compression != "raw" or apart:
        raise ValueError(
            f"{layout.header.name}: voxels in several files must be neither compressed nor in "
            "volumes one after the other"
        )
    if z % len(files):
        raise ValueError(f"{layout.header.name}: {z} slices cannot be shared by {len(files)} files")
    one = replace(layout, shape=(z // len(files), *layout.shape[1:]), rest=())
    parts = tuple(
        FlatSource(
            path=path,
            offset=_checked_offset(replace(one, data=path)),
            **_common(one, layout.kind),
        )
        for path in files
    )
    return StackedSource.of(parts, layout.header.name)


def _links(layout: Layout) -> tuple[str, ...]:
    """Voxels that lie elsewhere than they seem are read, and it is said."""
    home = layout.header.parent.resolve()
    away = [
        path.name
        for path in (layout.data, *layout.rest)
        if path.is_symlink() and not path.resolve().is_relative_to(home)
    ]
    return (f"{away[0]} is a link to a file in another folder",) if away else ()


def _common(layout: Layout, kind: str) -> dict[str, Any]:
    return {
        "shape": layout.stored_shape,
        "dtype": require_numeric(layout.stored, layout.header.name),
        "voxel_size": layout.voxel_size,
        "stored": layout.stored,
        "kind": kind,
    }


def _checked_offset(layout: Layout) -> int:
    size = layout.data.stat().st_size
    offset = size - layout.voxel_bytes if layout.offset is None else layout.offset
    if offset < 0 or size != offset + layout.voxel_bytes:
        z, y, x = layout.shape
        what = f"{layout.channels} channels of " if layout.channels > 1 else ""
        raise ValueError(
            f"{layout.data.name} has {size} bytes, but {layout.header.name} says "
            f"{what}{x} x {y} x {z} voxels of {layout.stored.name} after {max(offset, 0)} bytes, "
            f"which is {max(offset, 0) + layout.voxel_bytes} bytes"
        )
    return offset


def _unpacked_source(layout: Layout, scratch: Path) -> UnpackedSource:
    scratch.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(scratch).free
    if layout.unpacked_bytes > free:
        raise OSError(
            f"{layout.data.name} unpacks to {bytes_in_words(layout.unpacked_bytes)} and "
            f"{bytes_in_words(free)} are free"
        )
    target = scratch / f"{layout.data.name}.unpacked"
    if not target.is_file() or target.stat().st_size != layout.unpacked_bytes:
        _unpack(layout, target)
    return UnpackedSource(
        path=target,
        offset=layout.skip,
        packed=layout.data,
        **_common(layout, f"{layout.kind} compressed"),
    )


def _unpack(layout: Layout, target: Path) -> None:
    """Decompress to `target` in bounded memory, stopping at the first byte too many."""
    with staged(target, overwrite=True) as partial:
        written = 0
        with layout.data.open("rb") as packed, partial.open("wb") as unpacked:
            packed.seek(layout.offset or 0)
            for piece in _pieces(packed, layout):
                written += len(piece)
                if written > layout.unpacked_bytes:
                    break
                unpacked.write(piece)
        if written != layout.unpacked_bytes:
            more = "more than the" if written > layout.unpacked_bytes else f"{written} instead of"
            raise ValueError(
                f"{layout.data.name} unpacks to {more} {layout.unpacked_bytes} bytes that "
                f"{layout.header.name} says"
            )


def _pieces(packed: BinaryIO, layout: Layout) -> Iterator[bytes]:
    decoder = _decoder(layout.compression)
    try:
        while data := packed.read(_STEP):
            yield decoder.decompress(data, _STEP)
            while not decoder.eof and _pending(decoder):
                yield decoder.decompress(_leftover(decoder), _STEP)
            if decoder.eof:
                if not decoder.unused_data.strip(b"\0"):
                    return
                packed.seek(-len(decoder.unused_data), os.SEEK_CUR)
                decoder = _decoder(layout.compression)
        if not isinstance(decoder, bz2.BZ2Decompressor):
            yield decoder.flush()
    except (zlib.error, OSError) as error:
        raise ValueError(f"{layout.data.name} cannot be unpacked: {error}") from error


def _decoder(compression: Compression) -> Any:
    # wbits 47 takes both zlib and gzip headers
    return bz2.BZ2Decompressor() if compression == "bzip2" else zlib.decompressobj(47)


def _pending(decoder: Any) -> bool:
    if isinstance(decoder, bz2.BZ2Decompressor):
        return not decoder.needs_input
    return bool(decoder.unconsumed_tail)


def _leftover(decoder: Any) -> bytes:
    return b"" if isinstance(decoder, bz2.BZ2Decompressor) else decoder.unconsumed_tail
