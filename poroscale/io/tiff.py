"""TIFF pages as slices: one file with many pages, or one file for each slice.

Pages stored plainly are read by offset like any flat file. Compressed or tiled ones are decoded
strip by strip, tile by tile, and only those that the box touches. All pages are looked at once,
when the source is opened, so that a bad one is named before any work is done.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from typing_extensions import override

from poroscale.io.flat import FlatSource, open_file, read_window
from poroscale.io.source import BlockHint, Source, Voxels, require_numeric
from poroscale.io.tiff_pages import (
    DAMAGE,
    Frame,
    all_pages,
    check_page,
    decode_window,
    opened,
    require_like,
    require_unbroken_chain,
)
from poroscale.io.tiff_scale import multipage_voxel_size, slice_voxel_size
from poroscale.volume import Index, Shape


@dataclass(frozen=True, kw_only=True)
class Plane:
    """One page: in which file, where its directory and (if stored plainly) its voxels start."""

    file: int
    directory: int
    voxels: int | None


@dataclass(frozen=True, kw_only=True)
class TiffSource(Source):
    """Slices from TIFF pages.

    `files` are the file names in `folder`; `planes` says for each z which page it is.
    """

    folder: Path
    files: tuple[str, ...]
    planes: tuple[Plane, ...]
    stored: np.dtype[Any]
    rows_per_segment: int

    @property
    @override
    def name(self) -> str:
        return self.files[0] if len(self.files) == 1 else self.folder.name

    @property
    @override
    def preferred_block(self) -> BlockHint:
        plain = all(plane.voxels is not None for plane in self.planes)
        return (1, 1 if plain else self.rows_per_segment, None)

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
        self, path: Path, planes: tuple[Plane, ...], corner: tuple[int, int], out: Voxels
    ) -> None:
        plain = [plane.voxels for plane in planes if plane.voxels is not None]
        if len(plain) == len(planes):
            with open_file(path) as file:
                for k, offset in enumerate(plain):
                    read_window(file, offset, self.stored, self.shape[2], corner=corner, out=out[k])
            return
        try:
            with tifffile.TiffFile(path) as tiff:
                for k, plane in enumerate(planes):
                    tiff.filehandle.seek(plane.directory)
                    decode_window(tifffile.TiffPage(tiff, 0), corner, out[k])
        except DAMAGE as error:
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


def open_multipage(path: Path) -> Source:
    """The source for one TIFF file: each page is a slice; a single page is one slice.

    ImageJ's and tifffile's single-directory stacks are read as one flat array.

    Raises
    ------
    ValueError
        If a page is cut off, is no grey image, or differs from the first in shape or dtype.
    """
    with opened(path) as tiff:
        require_unbroken_chain(tiff, path)
        series = tiff.series[0]
        voxel_size = multipage_voxel_size(tiff, path.name)
        if len(tiff.series) == 1:
            _require_one_stack(series, path)
        if len(tiff.series) == 1 and series.dataoffset is not None:
            return _flat_stack(path, tiff, voxel_size)
        pages = [page for page in all_pages(tiff, path) if not page.is_reduced]
        if not pages:
            raise ValueError(f"{path.name}: the file holds no full-resolution page")
        for number, page in enumerate(pages):
            check_page(page, path, f"{path.name}, page {number + 1}")
            require_like(page, pages[0], f"{path.name}, page {number + 1}")
        _require_count(tiff, len(pages), path)
        return _source(
            path.parent, (path.name,), [(0, page) for page in pages], voxel_size=voxel_size
        )


def _require_one_stack(series: tifffile.TiffPageSeries, path: Path) -> None:
    """One axis beside y and x, whatever it is called: programs disagree on what a slice is."""
    sizes = [size for size in series.shape if size > 1]
    if len(sizes) > 3 or "S" in series.axes:
        raise ValueError(
            f"{path.name}: the file must hold one grey volume, got axes {series.axes} "
            f"of shape {series.shape}"
        )


def _flat_stack(path: Path, tiff: tifffile.TiffFile, voxel_size: Any) -> FlatSource:
    series = tiff.series[0]
    page = tiff.pages.first
    check_page(page, path, path.name)
    plane = (page.imagelength, page.imagewidth)
    _require_count(tiff, prod(series.shape) // prod(plane), path)
    stored = page.dtype.newbyteorder(tiff.byteorder)
    return FlatSource(
        shape=(prod(series.shape) // prod(plane), *plane),
        dtype=require_numeric(stored, path.name),
        voxel_size=voxel_size,
        path=path,
        offset=series.dataoffset,
        stored=stored,
        kind="TIFF",
    )


def open_slices(folder: Path, files: tuple[str, ...]) -> TiffSource:
    """The source for a folder of TIFF slices in the order of `files`.

    Raises
    ------
    ValueError
        If a file is cut off, holds more than one page, is no grey image, or differs from the
        first in shape or dtype.
    """
    first: tifffile.TiffPage | None = None
    frame: Frame | None = None
    pages: list[tuple[int, tifffile.TiffPage]] = []
    voxel_size = None
    for number, file in enumerate(files):
        path = folder / file
        if first is not None and frame is not None and frame.is_of(path):
            pages.append((number, first))
            continue
        with opened(path) as tiff:
            page = tiff.pages.first
            if len(tiff.pages) != 1:
                raise ValueError(f"{file}: a slice must hold one page, got {len(tiff.pages)}")
            check_page(page, path, file)
            if first is None:
                first, voxel_size = page, slice_voxel_size(tiff, file)
                frame = Frame.of(page, path)
            require_like(page, first, file, f" as in {files[0]}")
            pages.append((number, page))
    return _source(folder, files, pages, voxel_size=voxel_size)


def _source(
    folder: Path,
    files: tuple[str, ...],
    pages: list[tuple[int, tifffile.TiffPage]],
    *,
    voxel_size: Any,
) -> TiffSource:
    first = pages[0][1]
    byteorder = first.parent.byteorder
    # a plane read by offset must look the same in every file
    plain = all(page.is_contiguous and page.parent.byteorder == byteorder for _, page in pages)
    rows = first.tilelength if first.is_tiled else first.rowsperstrip
    return TiffSource(
        shape=(len(pages), first.imagelength, first.imagewidth),
        dtype=_dtype(first, folder.name),
        voxel_size=voxel_size,
        folder=folder,
        files=files,
        planes=tuple(
            Plane(file=file, directory=page.offset, voxels=page.dataoffsets[0] if plain else None)
            for file, page in pages
        ),
        stored=_dtype(first, folder.name).newbyteorder(byteorder),
        rows_per_segment=min(rows, first.imagelength),
    )


def _dtype(page: tifffile.TiffPage, name: str) -> np.dtype[Any]:
    # one-bit images are unpacked to 0 and 1
    dtype = np.dtype(np.uint8) if page.dtype == np.bool_ else page.dtype
    return require_numeric(dtype, name)


def _require_count(tiff: tifffile.TiffFile, count: int, path: Path) -> None:
    said = (tiff.imagej_metadata or {}).get("images", count)
    if len(tiff.series) > 1 and any(len(series.shape) > 2 for series in tiff.series):
        raise ValueError(f"{path.name}: the file must hold one stack, got {len(tiff.series)}")
    if said != count:
        raise ValueError(f"{path.name} is truncated: ImageJ says {said} images, got {count} pages")
