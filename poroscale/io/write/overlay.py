"""The scan in grey with every pore in a colour of its own: an RGB stack for Fiji."""

from __future__ import annotations

import colorsys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Run
from poroscale.io.read.source import Source, Voxels
from poroscale.io.write.boxes import export_boxes
from poroscale.io.write.tiff import tiff_target

_COLOURS = 1024
_GOLDEN = 2654435769  # 2^32 divided by the golden ratio: neighbours in number differ in colour


def write_overlay(
    source: Source,
    labels: Source,
    path: Path,
    run: Run,
    *,
    window: tuple[float, float] | None = None,
    opacity: float = 0.6,
) -> None:
    """Write the grey `source` with the voxels of `labels` above zero coloured by label.

    Parameters
    ----------
    window
        Grey values shown as black and as white; by default what 99 % of a few slices span.
    opacity
        1 hides the scan under a pore, 0 hides the pores.

    Raises
    ------
    ValueError
        If shapes differ, labels are no integers, or the window does not ascend.
    """
    _check(source, labels, window, opacity)
    low, high = window or window_of_source(source)
    target = tiff_target(
        path, source.shape, np.dtype(np.uint8), voxel_size=source.voxel_size, rgb=True
    )
    target.reserve()
    copies = overlay_copies(source)
    for box in export_boxes(source, run, title=f"overlay {source.name}", copies=copies):
        grey = as_bytes(source(box.origin, box.shape), low, high)
        target.write(box, coloured(grey, labels(box.origin, box.shape), opacity))


def overlay_copies(source: Source) -> float:
    """How many times a box of `source` is in memory at once, its colours included."""
    return 4 + 16 / source.dtype.itemsize


def _check(
    source: Source, labels: Source, window: tuple[float, float] | None, opacity: float
) -> None:
    if labels.shape != source.shape:
        raise ValueError(
            f"{labels.name}: the labels must have the shape {source.shape} of {source.name}, "
            f"got {labels.shape}"
        )
    if labels.dtype.kind not in "ui":
        raise ValueError(f"{labels.name}: the labels must be integers, got {labels.dtype}")
    if window is not None and not window[0] < window[1]:
        raise ValueError(f"the grey window must ascend, got {window}")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must lie between 0 and 1, got {opacity}")


def window_of_source(source: Source) -> tuple[float, float]:
    """The 0.5th and 99.5th percentile of five slices; the whole range for uint8."""
    if source.dtype == np.uint8:
        return 0.0, 255.0
    places = sorted({int(part * (source.shape[0] - 1)) for part in (0.1, 0.3, 0.5, 0.7, 0.9)})
    planes = [source((z, 0, 0), (1, *source.shape[1:]))[0, ::2, ::2] for z in places]
    low, high = np.percentile(np.stack(planes), (0.5, 99.5))
    return (float(low), float(high)) if low < high else (float(low), float(low) + 1)


def as_bytes(voxels: Voxels, low: float, high: float) -> NDArray[np.uint8]:
    """Grey values from `low` (0) to `high` (255), clipped."""
    part = voxels.astype(np.float32)
    part -= low
    part *= 255 / (high - low)
    np.clip(part, 0, 255, out=part)
    return np.rint(part, out=part).astype(np.uint8)


def palette() -> NDArray[np.uint8]:
    """Bright colours (1024, 3), alike in lightness; the same in every file."""
    hues = np.arange(_COLOURS) / _COLOURS
    table = [colorsys.hsv_to_rgb(hue, 0.55 + 0.4 * (k % 2), 1.0) for k, hue in enumerate(hues)]
    return np.rint(np.array(table) * 255).astype(np.uint8)


def coloured(grey: NDArray[np.uint8], labels: Voxels, opacity: float) -> NDArray[np.uint8]:
    """RGB (z, y, x, 3) of `grey`, blended with its label's colour where there is a label."""
    rgb = np.repeat(grey[..., None], 3, axis=-1)
    inside = labels > 0
    mixed = (labels[inside].astype(np.uint64) * np.uint64(_GOLDEN)) & np.uint64(0xFFFFFFFF)
    colours = palette()[(mixed >> np.uint64(22)).astype(np.intp)]
    blend = (1 - opacity) * rgb[inside] + opacity * colours
    rgb[inside] = np.rint(blend).astype(np.uint8)
    return rgb
