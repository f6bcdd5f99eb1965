"""TIFF pages as slices: one file with many pages, or one file for each slice.

Pages stored plainly are read by offset like any flat file. Compressed or tiled ones are decoded
strip by strip, tile by tile, and only those that the box touches.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from typing_extensions import override

from poroscale.io.flat.voxels import open_file, read_window
from poroscale.io.read.source import BlockHint, Source, Voxels, require_numeric
from poroscale.io.tiff.pages import DAMAGE, decode_window, is_plain, segment_bytes
from poroscale.volume import Index, Shape, VoxelSize


@dataclass(frozen=True, kw_only=True)
class TiffPlane:
    """One page: in which file, where its directory and (if stored plainly) its voxels start."""

    file: int
    directory: int
    voxels: int | None


@dataclass(frozen=True, kw_only=True)
class TiffSource(Source):
    """Slices from TIFF pages; a row holds all numbers of interleaved pixels.

    `files` are the file names in `folder`; `planes` says for each z which page it is, `sample`
    which of the planes of a page that stores the numbers of its pixels separately.
    """

    folder: Path
    files: tuple[str, ...]
    planes: tuple[TiffPlane, ...]
    stored: np.dtype[Any]
    rows_per_segment: int
    segment: int
    sample: int = 0

    @property
    @override
    def name(self) -> str:
        return self.files[0] if len(self.files) == 1 else self.folder.name

    @property
    def _plain(self) -> bool:
        return all(plane.voxels is not None for plane in self.planes)

    @property
    @override
    def preferred_block(self) -> BlockHint:
        return (1, 1 if self._plain else self.rows_per_segment, None)

    @property
    @override
    def per_read(self) -> int:
        return 0 if self._plain else self.segment

    @override
    def slice_name(self, z: int) -> str:
        file = self.files[self.planes[z].file]
        return file if len(self.files) > 1 else f"slice {z}"

    @override
    def fingerprint(self) -> dict[str, Any]:
        return files_fingerprint("TIFF", self.folder, self.files)

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = np.empty(shape, self.dtype)
        planes = self.planes[origin[0] : origin[0] + shape[0]]
        start = 0
        while start < len(planes):
            stop = start + 1
            while stop < len(planes) and planes[stop].file == planes[start].file:
                stop += 1
            path = self.folder / self.files[planes[start].file]
            self._read_file(path, planes[start:stop], origin[1:], box[start:stop])
            start = stop
        return box

    def _read_file(
        self, path: Path, planes: tuple[TiffPlane, ...], corner: tuple[int, int], out: Voxels
    ) -> None:
        plain = [plane.voxels for plane in planes if plane.voxels is not None]
        if len(plain) == len(planes):
            with open_file(path) as file:
                for k, offset in enumerate(plain):
                    read_window(file, offset, self.stored, self.shape[2], corner=corner, out=out[k])
            return
        try:
            with tifffile.TiffFile(path, _multifile=False) as tiff:
                for k, plane in enumerate(planes):
                    tiff.filehandle.seek(plane.directory)
                    page = tifffile.TiffPage(tiff, 0)
                    decode_window(page, corner, out[k], sample=self.sample)
        except (*DAMAGE, ValueError) as error:
            raise OSError(f"{path.name} cannot be decoded: {error}") from error


def files_fingerprint(kind: str, folder: Path, files: tuple[str, ...]) -> dict[str, Any]:
    """Names and sizes of `files`, short however many there are."""
    sizes = [os.stat(f"{folder}/{file}").st_size for file in files]
    listing = "".join(f"{file}\0{size}\n" for file, size in zip(files, sizes, strict=True))
    return {
        "format": kind,
        "file": files[0] if len(files) == 1 else folder.name,
        "files": len(files),
        "first": files[0],
        "last": files[-1],
        "bytes": sum(sizes),
        "listing": sha256(listing.encode()).hexdigest(),
    }


def source_of_pages(
    folder: Path,
    files: tuple[str, ...],
    pages: list[tuple[int, tifffile.TiffPage]],
    *,
    voxel_size: VoxelSize | None,
    sample: int = 0,
) -> TiffSource:
    """The source of the `pages`, each with the number of its file among `files`."""
    first = pages[0][1]
    byteorder = first.parent.byteorder
    # a plane read by offset must look the same in every file
    plain = all(is_plain(page) and page.parent.byteorder == byteorder for _, page in pages)
    rows = first.tilelength if first.is_tiled else first.rowsperstrip
    dtype = page_dtype(first, folder.name)
    plane = first.imagelength * first.imagewidth * dtype.itemsize
    return TiffSource(
        shape=(len(pages), first.imagelength, first.imagewidth * first.shaped[4]),
        dtype=dtype,
        voxel_size=voxel_size,
        folder=folder,
        files=files,
        planes=tuple(
            TiffPlane(
                file=file,
                directory=page.offset,
                voxels=page.dataoffsets[0] + sample * plane if plain else None,
            )
            for file, page in pages
        ),
        stored=dtype.newbyteorder(byteorder),
        rows_per_segment=min(rows, first.imagelength),
        segment=0 if plain else max(segment_bytes(page) for _, page in pages),
        sample=sample,
    )


def page_dtype(page: tifffile.TiffPage, name: str) -> np.dtype[Any]:
    """dtype of the voxels; one-bit images are unpacked to 0 and 1."""
    dtype = np.dtype(np.uint8) if page.dtype == np.bool_ else page.dtype
    return require_numeric(dtype, name)
