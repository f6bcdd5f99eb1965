"""TIFF files opened: what their descriptions say is compared with the pages that are there.

All pages are looked at once, when the source is opened, so that a bad one is named before any work
is done. Series and pages of tifffile are asked of two objects, for either changes the other.
"""

from __future__ import annotations

from math import prod
from pathlib import Path

import tifffile

from poroscale.io.flat.voxels import FlatSource
from poroscale.io.read.channels import Channel, Interleaved, Planar
from poroscale.io.read.source import Source
from poroscale.io.read.wrappers import AtCorner, Picked, Transposed
from poroscale.io.tiff.meaning import Meaning, applied, meaning_of, tiff_calibration
from poroscale.io.tiff.ome import OmeImage, ome_image
from poroscale.io.tiff.pages import (
    TiffFrame,
    all_pages,
    check_page,
    is_plain,
    opened_tiff,
    require_like,
    require_unbroken_chain,
)
from poroscale.io.tiff.planes import Stack, selected, stack_of
from poroscale.io.tiff.scale import multipage_voxel_size, slice_voxel_size, stated_origin
from poroscale.io.tiff.source import page_dtype, source_of_pages
from poroscale.volume import Index, VoxelSize

Pages = list[tuple[int, tifffile.TiffPage]]


def open_multipage(path: Path, channel: Channel | None = None) -> Source:
    """The source for one TIFF file: each page is a slice; a single page is one slice.

    ImageJ's and tifffile's single-directory stacks are read as one flat array. Of an OME-TIFF, the
    planes are those that its XML lists, in this and in the other files of its set.

    Parameters
    ----------
    channel
        The channel, from 0, where a pixel or the stack has several; "index" for the numbers that
        a palette gives colours.

    Raises
    ------
    ValueError
        If a page is cut off, is no grey image, or differs from the first in shape or dtype, or if
        planes that the description counts are not there.
    """
    with opened_tiff(path) as tiff:
        image, voxel_size = _ome(tiff, path), multipage_voxel_size(tiff, path.name)
        origin, notes = stated_origin(tiff, voxel_size, path.name)
        stack = None if image is not None else stack_of(tiff, path.name)
    if image is not None:
        source = _open_ome(path, image, channel, voxel_size)
    else:
        assert stack is not None
        source = _open_stack(path, stack, channel, voxel_size)
    return AtCorner.of(source, origin, notes)


def _ome(tiff: tifffile.TiffFile, path: Path) -> OmeImage | None:
    if not tiff.is_ome:
        return None
    return ome_image(
        tiff.ome_metadata or "", path, tiff.pages.first.samplesperpixel, len(tiff.pages)
    )


def _open_stack(
    path: Path, stack: Stack, channel: Channel | None, voxel_size: VoxelSize | None
) -> Source:
    with opened_tiff(path) as tiff:
        require_unbroken_chain(tiff, path)
        first = tiff.pages.first
        of_pixel = first.samplesperpixel > 1 or int(first.photometric) == 3
        wanted = selected(stack.sizes, None if of_pixel else channel, path.name)
        meaning = meaning_of(tiff, first, channel if of_pixel else None, path.name)
        if stack.offset is not None and first.planarconfig == 1 and is_plain(first):
            flat = _flat_stack(path, tiff, stack, voxel_size)
            source: Source = Picked.of(flat, tuple(wanted))
            source = applied(Interleaved.of(source, meaning.pixels), meaning)
        else:
            pages = _checked_pages(tiff, path)
            _require_count(tiff, pages, stack, path)
            chosen = [(0, pages[number]) for number in wanted]
            source = _grey(path.parent, (path.name,), chosen, meaning, voxel_size)
    return source if stack.turned is None else Transposed.of(source, stack.turned)


def _checked_pages(tiff: tifffile.TiffFile, path: Path) -> list[tifffile.TiffPage]:
    pages = [page for page in all_pages(tiff, path) if not page.is_reduced]
    if not pages:
        raise ValueError(f"{path.name}: the file holds no full-resolution page")
    for number, page in enumerate(pages):
        check_page(page, path, f"{path.name}, page {number + 1}")
        require_like(page, pages[0], f"{path.name}, page {number + 1}")
    return pages


def _planes(tiff: tifffile.TiffFile, stack: Stack, pages: int | None, path: Path) -> int:
    """Planes that the description says; ImageJ's own count and the `pages` must be as many."""
    count = prod(size for _, size in stack.sizes)
    said = (tiff.imagej_metadata or {}).get("images", count)
    found = count if pages is None else pages
    if said != found:
        raise ValueError(f"{path.name} is truncated: ImageJ says {said} images, got {found} pages")
    if count != found:
        raise ValueError(f"{path.name}: its description says {count} planes, got {found} pages")
    return count


def _require_count(
    tiff: tifffile.TiffFile, pages: list[tifffile.TiffPage], stack: Stack, path: Path
) -> None:
    _planes(tiff, stack, len(pages), path)
    plane = pages[0].imagelength, pages[0].imagewidth
    if plane != stack.plane:
        raise ValueError(
            f"{path.name}: its description says planes of {stack.plane}, got pages of {plane}"
        )


def _flat_stack(
    path: Path, tiff: tifffile.TiffFile, stack: Stack, voxel_size: VoxelSize | None
) -> FlatSource:
    page = tiff.pages.first
    check_page(page, path, path.name)
    dtype = page_dtype(page, path.name)
    assert stack.offset is not None
    return FlatSource(
        shape=(_planes(tiff, stack, None, path), stack.plane[0], stack.plane[1] * page.shaped[4]),
        dtype=dtype,
        voxel_size=voxel_size,
        path=path,
        offset=stack.offset,
        stored=dtype.newbyteorder(tiff.byteorder),
        kind="TIFF",
    )


def _grey(
    folder: Path,
    files: tuple[str, ...],
    pages: Pages,
    meaning: Meaning,
    voxel_size: VoxelSize | None,
) -> Source:
    first, pixels = pages[0][1], meaning.pixels
    if first.planarconfig == 1 or pixels.count == 1:
        source = source_of_pages(folder, files, pages, voxel_size=voxel_size)
        return applied(Interleaved.of(source, pixels), meaning)
    parts = tuple(
        source_of_pages(folder, files, pages, voxel_size=voxel_size, sample=sample)
        for sample in pixels.used
    )
    return applied(parts[0] if len(parts) == 1 else Planar.of(parts, pixels), meaning)


def _open_ome(
    path: Path, image: OmeImage, channel: Channel | None, voxel_size: VoxelSize | None
) -> Source:
    with opened_tiff(path) as tiff:
        first = tiff.pages.first
        of_pixel = first.samplesperpixel > 1 or int(first.photometric) == 3
        meaning = meaning_of(tiff, first, channel if of_pixel else None, path.name)
    wanted = image.slices(None if of_pixel else channel, path.name)
    files = tuple(dict.fromkeys(page.name for page in wanted))
    number = {name: k for k, name in enumerate(files)}
    found: dict[str, list[tifffile.TiffPage]] = {}
    for name in files:
        if not (path.parent / name).is_file():
            raise ValueError(
                f"{path.name}: it is one of a set of {len(image.files)} files, of which {name} is "
                "missing: put all of them into one folder"
            )
        with opened_tiff(path.parent / name) as tiff:
            require_unbroken_chain(tiff, path.parent / name)
            found[name] = _checked_pages(tiff, path.parent / name)
            require_like(found[name][0], first, name, f" as in {path.name}")
    for page in wanted:
        if page.number >= len(found[page.name]):
            raise ValueError(
                f"{page.name}: its OME description says page {page.number + 1}, "
                f"it holds {len(found[page.name])}: the file was cut, or is one of a set"
            )
    pages = [(number[page.name], found[page.name][page.number]) for page in wanted]
    return _grey(path.parent, files, pages, meaning, voxel_size)


def open_slices(folder: Path, files: tuple[str, ...], channel: Channel | None = None) -> Source:
    """The source for a folder of TIFF slices in the order of `files`.

    Raises
    ------
    ValueError
        If a file is cut off, holds more than one page, is no grey image, or differs from the
        first in shape, dtype or meaning.
    """
    with opened_tiff(folder / files[0]) as tiff:
        first = tiff.pages.first
        check_page(first, folder / files[0], files[0])
        meaning = meaning_of(tiff, first, channel, files[0])
        frame = TiffFrame.of(first, folder / files[0])
    voxel_size, origin, notes = _place_of_first(folder, files)
    pages: Pages = []
    for number, file in enumerate(files):
        path = folder / file
        if number and frame is not None and frame.is_of(path):
            pages.append((number, first))
            continue
        with opened_tiff(path) as tiff:
            page = tiff.pages.first
            if len(tiff.pages) != 1:
                raise ValueError(f"{file}: a slice must hold one page, got {len(tiff.pages)}")
            check_page(page, path, file)
            require_like(page, first, file, f" as in {files[0]}")
            if tiff_calibration(tiff, file) != meaning.calibration:
                raise ValueError(f"{file}: ImageJ's calibration must be that of {files[0]}")
            pages.append((number, page))
    return AtCorner.of(_grey(folder, files, pages, meaning, voxel_size), origin, notes)


def _place_of_first(
    folder: Path, files: tuple[str, ...]
) -> tuple[VoxelSize | None, Index, tuple[str, ...]]:
    """Statements of the first slice; a folder with only some files of an OME set is no volume."""
    path = folder / files[0]
    with opened_tiff(path) as tiff:
        image, voxel_size = _ome(tiff, path), slice_voxel_size(tiff, path.name)
        origin, notes = stated_origin(tiff, voxel_size, path.name)
    listed = () if image is None or len(image.files) < 2 else image.files
    missing = [name for name in listed if name not in files]
    if missing:
        raise ValueError(
            f"{folder.name}: {path.name} is one of a set of {len(listed)} files, "
            f"of which {missing[0]} is missing"
        )
    return voxel_size, origin, notes
