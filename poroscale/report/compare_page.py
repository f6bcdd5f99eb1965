"""The page of a comparison: `compare.html`, which needs nothing but itself, and `compare.json`."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale import __version__
from poroscale.compare.sample import METRICS
from poroscale.manifest import write_durably
from poroscale.report.style import house_style, svg_of
from poroscale.report.template import render

if TYPE_CHECKING:
    from poroscale.compare import Comparison
    from poroscale.compare.comparison import Side

PAGE, NUMBERS = "compare.html", "compare.json"
PALETTE = {0: (255, 255, 255), 1: (178, 184, 190), 2: (26, 26, 26)}
WIDEST = 700


def write_comparison(found: Comparison) -> Path:
    """Write page and numbers into the comparison's folder; returns the page's path."""
    from poroscale.report.figures.matching import figures

    with house_style():
        panels = [
            {"name": name, "caption": caption, "svg": svg_of(figure, name)}
            for name, figure, caption in figures(found)
            if figure is not None
        ]
    first, second = found.roughness
    page = render(
        "compare.html",
        found=found,
        names=METRICS,
        summary=_summary(found),
        panels=panels,
        sections=[_sections(found.original), _sections(found.generated)],
        roughness=[(name, first[name], second.get(name)) for name in first],
        version=__version__,
    )
    found.folder.mkdir(parents=True, exist_ok=True)
    write_durably(found.folder / PAGE, page.encode())
    text = json.dumps(_finite(found.numbers()), indent=1, sort_keys=True, allow_nan=False)
    write_durably(found.folder / NUMBERS, text.encode())
    return found.folder / PAGE


def _summary(found: Comparison) -> list[str]:
    """How good the match is, in sentences."""
    agree = [name for name, each in found.distances.items() if each.ratio <= 1.5]
    lines = [
        f"{len(agree)} of {len(found.distances)} measures of the pores are as close to the "
        "original, within a factor of 1.5, as two halves of the original are to each other."
    ]
    worst = max(found.distances.items(), key=lambda item: item[1].ratio, default=None)
    if worst is not None:
        name, each = worst
        lines.append(
            f"The poorest is {METRICS[name].split(' (')[0].lower()}: {each.ratio:.2f} times the "
            "distance of the halves."
        )
    pictures = found.separations
    if pictures:
        name = max(pictures, key=lambda each: pictures[each].ratio)
        lines.append(
            f"The scattering separation S is at most {pictures[name].ratio:.2f} times P + P̂ "
            f"({'surface' if name == 'surface' else f'projection along {name}'}); "
            "equal laws give 1."
        )
    change = found.generated.pores_per_mm / found.original.pores_per_mm - 1
    lines.append(f"The generated parts hold {100 * change:+.1f} % pores per length.")
    return lines


def _sections(side: Side) -> list[dict[str, Any]]:
    """A layer, an upright section and a projection, as pictures of equal scale."""
    phases, projection = side.samples[0].phases, side.projections[0]
    z, y, x = phases.shape
    # An upright section as high as wide: parts of other lengths look alike.
    height = min(z, x)
    layer = phases.read((z // 2, 0, 0), (1, y, x))[0]
    upright = phases.read((0, y // 2, 0), (height, 1, x))[:, 0]
    depth = projection.along_y[:height]
    return [
        {"title": "Layer half way up", "png": _png(_coloured(layer))},
        {"title": "Upright section", "png": _png(_coloured(upright))},
        {"title": "Pores seen from the side", "png": _png(_shaded(depth))},
    ]


def _coloured(phases: NDArray[np.uint8]) -> NDArray[np.uint8]:
    table = np.zeros((256, 3), np.uint8)
    for value, colour in PALETTE.items():
        table[value] = colour
    step = max(1, -(-max(phases.shape) // WIDEST))
    return table[phases[::step, ::step]]


def _shaded(depth: NDArray[np.float64]) -> NDArray[np.uint8]:
    step = max(1, -(-max(depth.shape) // WIDEST))
    share = np.sqrt(depth[::step, ::step] / max(1.0, float(np.quantile(depth, 0.999))))
    grey = 255 - (255 * np.clip(share, 0, 1)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _png(picture: NDArray[np.uint8]) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _finite(value: Any) -> Any:
    """JSON without NaN and infinity."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
