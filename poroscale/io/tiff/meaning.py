"""Meaning of the numbers of a TIFF page: channels, palette, ImageJ's calibration, white as zero."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from poroscale.io.read.cast import Looked, Scaled, Shifted
from poroscale.io.read.channels import Channel, Pixels, chosen_channel, pixels_of
from poroscale.io.read.palette import grey_table
from poroscale.io.read.source import Source
from poroscale.io.read.wrappers import AtCorner

_WHITE_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 2, 3, 6
_ORIENTATION = 274
_STRAIGHT, _NO_FUNCTION = 0, 20  # of ImageJ's calibration functions


@dataclass(frozen=True)
class TiffCalibration:
    """ImageJ's straight line from stored to true values."""

    slope: float
    intercept: float


@dataclass(frozen=True)
class Meaning:
    """Operations on a page's numbers, the same for every page of a volume."""

    pixels: Pixels
    table: tuple[int, ...] | None
    calibration: TiffCalibration | None
    notes: tuple[str, ...]


def meaning_of(
    tiff: tifffile.TiffFile, page: tifffile.TiffPage, channel: Channel | None, name: str
) -> Meaning:
    """Meaning of the numbers of `page`.

    Raises
    ------
    ValueError
        If that is colour and no channel was chosen, or cannot be told.
    """
    notes = []
    photometric = int(page.photometric)
    if photometric == _WHITE_IS_ZERO:
        notes.append("it stores white as zero; the values are as stored, `invert` reverses them")
    turned = page.tags.valueof(_ORIENTATION, 1)
    if turned != 1:
        notes.append(f"its Orientation tag ({turned}) was left out; rows are as stored")
    table = None
    if photometric == _PALETTE:
        pixels = Pixels(1)
        table, said = _table(tiff, page, channel, name)
        notes += said
    else:
        pixels = _pixels(page, channel, name)
    calibration = tiff_calibration(tiff, name)
    if calibration is not None:
        notes.append(
            "ImageJ's calibration was applied: "
            f"{calibration.slope:g} x stored value + {calibration.intercept:g}"
        )
    return Meaning(pixels, table, calibration, tuple(notes))


def shows_white_as_zero(path: Path) -> bool:
    """Whether the pixels of the first page of a TIFF file are bright where its numbers are low."""
    with tifffile.TiffFile(path) as tiff:
        return int(tiff.pages.first.photometric) == _WHITE_IS_ZERO


def applied(source: Source, meaning: Meaning) -> Source:
    """`source`, one number a voxel, as what it means."""
    if meaning.table is not None:
        source = Looked.of(source, meaning.table)
    line = meaning.calibration
    if line == TiffCalibration(1.0, -32768.0) and source.dtype == np.uint16:
        source = Shifted.of(source)
    elif line is not None:
        source = Scaled.of(source, slope=line.slope, intercept=line.intercept)
    return AtCorner.of(source, source.origin, meaning.notes)


def _pixels(page: tifffile.TiffPage, channel: Channel | None, name: str) -> Pixels:
    count, photometric = page.samplesperpixel, int(page.photometric)
    colours = {0: 1, 1: 1, _RGB: 3, _YCBCR: 3}.get(photometric, 0)
    extra = tuple(int(kind) for kind in page.extrasamples or ())
    opaque = count == colours + 1 and (colours == 3 or extra in {(1,), (2,)})
    if count == 1 or not (opaque or count == colours):
        colours = 0
    return pixels_of(count, channel, name, colours=colours, opaque=opaque)


def _table(
    tiff: tifffile.TiffFile, page: tifffile.TiffPage, channel: Channel | None, name: str
) -> tuple[tuple[int, ...] | None, list[str]]:
    """The values of a palette, or None where the stored numbers are the values."""
    if tiff.is_imagej and channel is None:
        # a lookup table of ImageJ colours the display; what it measures are the numbers
        return None, ["ImageJ's colours were left out; the values are as stored"]
    colours = page.colormap
    if colours is None or colours.ndim != 2 or len(colours) != 3:
        raise ValueError(f"{name}: the page must have a palette, it has none")
    if channel == "index":
        return None, []
    if channel is not None:
        colours = colours[[chosen_channel(channel, 3, name)] * 3]
    return grey_table(colours, name), ["the values of its palette were taken"]


def tiff_calibration(tiff: tifffile.TiffFile, name: str) -> TiffCalibration | None:
    """ImageJ's calibration of integer values; None where there is none.

    Raises
    ------
    ValueError
        If it is another function than a straight line.
    """
    said = tiff.imagej_metadata or {}
    function = said.get("cf", _STRAIGHT if "c1" in said else _NO_FUNCTION)
    if function == _NO_FUNCTION or tiff.pages.first.dtype.kind == "f":
        return None  # ImageJ does not apply any to floats either
    intercept, slope = said.get("c0"), said.get("c1")
    numbers = [value for value in (intercept, slope) if isinstance(value, (int, float))]
    if function != _STRAIGHT or len(numbers) != 2 or "c2" in said:
        raise ValueError(
            f"{name}: ImageJ's calibration must be a straight line, got function {function}; "
            "in Fiji, Analyze > Calibrate... > None keeps the stored values"
        )
    if not np.isfinite(numbers).all() or numbers[1] == 0:
        raise ValueError(f"{name}: ImageJ's calibration must be finite, got {numbers}")
    line = TiffCalibration(slope=float(numbers[1]), intercept=float(numbers[0]))
    return None if line == TiffCalibration(1.0, 0.0) else line
