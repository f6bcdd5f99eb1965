"""Edge of a pixel that makers of electron microscopes state in TIFF files, in tags of their own."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Any

from poroscale.io.read.lengths import um_per
from poroscale.io.slices.sequence import TIFF_SUFFIXES

ZEISS = ("ap_image_pixel_size", "ap_pixel_size")
"""Entries of Zeiss that state the edge of a pixel of the image."""


def makers_pixel_um(path: Path) -> float | None:
    """Edge of a pixel [um] by the tags of FEI (Thermo Fisher) or Zeiss; None where there are none.

    Parameters
    ----------
    path
        A picture that opened; only TIFF files have such tags.

    Raises
    ------
    ValueError
        If the pixels are not square.
    """
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return None
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        fei, zeiss = tiff.fei_metadata, tiff.sem_metadata
    if isinstance(fei, dict):
        return _of_fei(fei, path)
    return _of_zeiss(zeiss) if isinstance(zeiss, dict) else None


def _of_fei(tags: dict[str, Any], path: Path) -> float | None:
    """`PixelWidth` and `PixelHeight` of the section `Scan` [m]."""
    scan = tags.get("Scan")
    scan = scan if isinstance(scan, dict) else {}
    width = _positive(scan.get("PixelWidth"))
    height = _positive(scan.get("PixelHeight"))
    if width and height and abs(width - height) > 1e-3 * width:
        raise ValueError(f"{path.name} must have square pixels, got {width:g} x {height:g} m")
    return width * 1e6 if width else None


def _of_zeiss(tags: dict[str, Any]) -> float | None:
    """(name, number, unit) of the edge of a pixel."""
    for name in ZEISS:
        entry = tags.get(name, ())
        if len(entry) == 3 and (size := _positive(entry[1])) and (unit := um_per(entry[2])):
            return size * unit
    return None


def _positive(value: Any) -> float | None:
    known = isinstance(value, int | float) and isfinite(value) and value > 0
    return float(value) if known else None
