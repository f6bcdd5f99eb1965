"""The voxel size that a TIFF file states: OME-XML, ImageJ's description, or resolution tags.

Resolution tags are trusted only where they can be a scanner's: 72, 96, 300 dpi and the like are
what image editors write by default, and are no voxel size.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import tifffile

from poroscale.io.read.lengths import um_per, voxel_size_um
from poroscale.io.read.position import index_at
from poroscale.volume import Index, VoxelSize

_SCREEN_DPI = {1, 72, 75, 90, 96, 100, 120, 144, 150, 180, 200, 240, 300, 350, 400, 600, 1200, 2400}
Units = tuple[str | None, str | None, str | None]
_UM_PER_TAG_UNIT = {2: 25400.0, 3: 10000.0}


def multipage_voxel_size(tiff: tifffile.TiffFile, name: str) -> VoxelSize | None:
    """Voxel size (z, y, x) in um of a stack in one file, or None where it is not stated."""
    if tiff.is_ome:
        return _ome(tiff.ome_metadata or "", name)
    spacing, units = _described(tiff)
    pixel = _pixel_edges(tiff)
    if um_per(units[2]) is None or pixel is None:
        return _from_tags(tiff, name)
    if spacing is None and len(tiff.pages) == 1 and not _slices(tiff):
        return _flat_voxel(pixel, units, name)
    if spacing is None and pixel[0] == pixel[1] == 1:
        spacing = 1.0  # ImageJ leaves a spacing of 1 unit out
    return None if spacing is None else _in_um((spacing, *pixel), units, name)


def _flat_voxel(pixel: tuple[float, float], units: Units, name: str) -> VoxelSize | None:
    """A pixel's size taken along z, too, if it is square, as CT reconstructions are."""
    size = _in_um((pixel[1], *pixel), (units[2], *units[1:]), name)
    return size if size is not None and size[1] == size[2] else None


def slice_voxel_size(tiff: tifffile.TiffFile, name: str) -> VoxelSize | None:
    """Voxel size in um that one slice of a folder states.

    A slice knows the distance to its neighbours only where its description has a spacing. Else
    the pixels' size is taken along z too if they are square, as CT reconstructions are.
    """
    if tiff.is_ome:
        return _ome(tiff.ome_metadata or "", name)
    spacing, units = _described(tiff)
    pixel = _pixel_edges(tiff)
    if um_per(units[2]) is None or pixel is None:
        return _from_tags(tiff, name)
    if spacing is None:
        return _flat_voxel(pixel, units, name)
    return _in_um((spacing, *pixel), units, name)


def _described(tiff: tifffile.TiffFile) -> tuple[float | None, Units]:
    """Spacing and units (z, y, x) from ImageJ's description or the JSON one of tifffile.

    ImageJ writes `yunit` and `zunit` where they differ from `unit`.
    """
    said = _said(tiff)
    spacing, unit = said.get("spacing"), said.get("unit")
    named = [said.get(key) or unit for key in ("zunit", "yunit")]
    z, y, x = (str(word) if word else None for word in (*named, unit))
    if not isinstance(spacing, (int, float)) or not math.isfinite(spacing) or not spacing:
        return None, (z, y, x)
    return abs(float(spacing)), (z, y, x)


def _said(tiff: tifffile.TiffFile) -> dict[str, Any]:
    said: dict[str, Any] = dict(tiff.imagej_metadata or {})
    if not said and tiff.shaped_metadata:
        said = dict(tiff.shaped_metadata[0])
    return said


def _slices(tiff: tifffile.TiffFile) -> bool:
    return (tiff.imagej_metadata or {}).get("images", 1) != 1


def _pixel_edges(tiff: tifffile.TiffFile) -> tuple[float, float] | None:
    """Edges of a pixel along y and x, in the file's unit, from the resolution tags."""
    found = []
    for tag in ("YResolution", "XResolution"):
        value = tiff.pages.first.tags.get(tag)
        if value is None or len(value.value) != 2 or 0 in value.value:
            return None
        found.append(value.value[1] / value.value[0])
    return found[0], found[1]


def _from_tags(tiff: tifffile.TiffFile, name: str) -> VoxelSize | None:
    unit = tiff.pages.first.tags.get("ResolutionUnit")
    per_unit = _UM_PER_TAG_UNIT.get(int(unit.value)) if unit else None
    pixel = _pixel_edges(tiff)
    if per_unit is None or pixel is None or pixel[0] != pixel[1]:
        return None
    if _is_an_editors(pixel[0] * per_unit):
        return None
    return voxel_size_um([_rounded(per_unit * pixel[0])] * 3, "um", name)


def unlike_pixel_edges(path: Path) -> tuple[float, float] | None:
    """Edges of a pixel along y and x [um] where a TIFF file states two that differ: OME, or tags.

    Tags that an image editor may have written say nothing.
    """
    with tifffile.TiffFile(path) as tiff:
        if tiff.is_ome:
            sizes = _ome_edges(tiff.ome_metadata or "", path.name)
            unlike = sizes is not None and not math.isclose(sizes[1], sizes[2], rel_tol=1e-3)
            return (sizes[1], sizes[2]) if sizes is not None and unlike else None
        pixel = _pixel_edges(tiff)
        unit = tiff.pages.first.tags.get("ResolutionUnit")
        per_unit = um_per(_described(tiff)[1][2])
        if per_unit is None and unit is not None:
            per_unit = _UM_PER_TAG_UNIT.get(int(unit.value))
    if pixel is None or per_unit is None or math.isclose(*pixel, rel_tol=1e-3):
        return None
    y, x = (_rounded(edge * per_unit) for edge in pixel)
    return None if _is_an_editors(y) and _is_an_editors(x) else (y, x)


def _is_an_editors(edge: float) -> bool:
    """True if a pixel of `edge` um is one of a screen's or a printer's."""
    dpi = 25400 / edge
    return round(dpi) in _SCREEN_DPI and abs(dpi - round(dpi)) < 0.02


def _rounded(length: float) -> float:
    """Eight digits: the tags are ratios of two 32-bit numbers, often approximate ones."""
    return float(f"{length:.8g}")


def _in_um(edges: tuple[float, float, float], units: Units, name: str) -> VoxelSize | None:
    factors = [factor for factor in map(um_per, units) if factor is not None]
    if len(factors) != 3:
        return None
    z, y, x = (edge * factor for edge, factor in zip(edges, factors, strict=True))
    if factors[2] in _UM_PER_TAG_UNIT.values() and _is_an_editors(x):
        return None
    return voxel_size_um([z, _rounded(y), _rounded(x)], "um", name)


def stated_origin(
    tiff: tifffile.TiffFile, voxel_size: VoxelSize | None, name: str
) -> tuple[Index, tuple[str, ...]]:
    """Index of the first voxel that ImageJ's origin or OME's first plane states, and notes."""
    if tiff.is_ome:
        places = _ome_position(tiff.ome_metadata or "", name)
        return ((0, 0, 0), ()) if voxel_size is None else index_at(places, voxel_size)
    said = _said(tiff)
    values = [said.get(f"{axis}origin", 0) for axis in "zyx"]
    # ImageJ has the voxel at which its coordinates are zero
    return index_at([-v if isinstance(v, (int, float)) else 0 for v in values], (1, 1, 1))


def _ome_position(text: str, name: str) -> list[float]:
    places = [0.0, 0.0, 0.0]
    root = _parsed(text)
    plane = (
        None if root is None else next((i for i in root.iter() if i.tag.endswith("}Plane")), None)
    )
    if plane is None or any(plane.get(f"The{axis}", "0") != "0" for axis in "ZCT"):
        return places
    for k, axis in enumerate("ZYX"):
        factor = um_per(plane.get(f"Position{axis}Unit", "reference frame"))  # the default
        if factor is not None:
            places[k] = _length(plane.get(f"Position{axis}", "0"), f"Position{axis}", name) * factor
    return places


def _parsed(text: str) -> ElementTree.Element | None:
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None


def _length(text: str, key: str, name: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(f"{name}: {key} must be a number, got {text!r}") from error


def _ome(text: str, name: str) -> VoxelSize | None:
    edges = _ome_edges(text, name)
    if edges is None:
        return None
    z, y, x = edges
    z = x if z is None and x == y else z
    return None if z is None else voxel_size_um([z, y, x], "um", name)


def _ome_edges(text: str, name: str) -> tuple[float | None, float, float] | None:
    """Edges of a pixel along z, if it is stated, y and x [um]."""
    root = _parsed(text)
    items = () if root is None else root.iter()
    pixels = next((item for item in items if item.tag.endswith("}Pixels")), None)
    if pixels is None:
        return None
    sizes = []
    for axis in "ZYX":
        value = pixels.get(f"PhysicalSize{axis}")
        factor = um_per(pixels.get(f"PhysicalSize{axis}Unit", "um"))  # the schema's default
        if factor is None or (value is None and axis != "Z"):
            return None
        sizes.append(
            None if value is None else _length(value, f"PhysicalSize{axis}", name) * factor
        )
    return sizes[0], sizes[1] or 0.0, sizes[2] or 0.0
