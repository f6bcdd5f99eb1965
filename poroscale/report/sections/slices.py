"""Sections of the scan with the pores laid over them, as pictures inside the page.

Single slices are read, never the volume; slices larger than the page can show are
averaged over square cells. The pore mask becomes a transparent layer whose opacity is
the share of pore in the cell, so that small pores stay visible and none is made larger.
Where the phases have an outside, its outermost cells are a thin line: what was taken for the
part is seen at a glance.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from poroscale.pore_analysis.phases import Chosen
    from poroscale.report.sections.planes import Plane
    from poroscale.volume import Volume

LONGEST = 720
GREY_LEVELS = 64
PORE_COLOUR = (213, 94, 0)
EDGE_COLOUR = (86, 180, 233)
SHOWN = 330
"""Pixels across which a picture is shown where three stand side by side."""
PHASE_GREYS = (250, 165, 250)  # outside, solid, and pores under their colour


@dataclass(frozen=True)
class SliceView:
    """One picture: PNG data URIs of grey values, pores and outer edge, and its size in um."""

    view: str
    index: int
    position_um: float
    grey: str
    mask: str | None
    width_um: float
    height_um: float
    bar_um: float
    crisp: bool
    edge: str | None = None

    @property
    def bar_text(self) -> str:
        """The scale bar's length with its unit."""
        return f"{self.bar_um / 1000:g} mm" if self.bar_um >= 1000 else f"{self.bar_um:g} µm"


_AT_A_TIME = 2
"""Planes that are read, or packed as PNG, at a time."""


def render_planes(
    planes: Sequence[Plane],
    *,
    scan: Volume | None,
    phases: Volume | None,
    values: Chosen | None,
) -> list[SliceView]:
    """Pictures of `planes` from the grey values of `scan`, else from the phases alone.

    All planes share one grey window, from the 0.5th to the 99.5th percentile of what they show.
    `values` tell which phase is pore and which is beyond the part.
    """
    volume = scan if scan is not None else phases
    if volume is None or not planes:
        return []
    masks: list[NDArray[np.float32] | None] = [None] * len(planes)
    edges: list[str | None] = [None] * len(planes)
    with ThreadPoolExecutor(_AT_A_TIME) as pool:  # reading and packing take no interpreter
        if phases is not None and values is not None:
            layers = list(pool.map(lambda p: _layers(read_plane(phases, p), values), planes))
            masks, edges = [mask for mask, _ in layers], [edge for _, edge in layers]
        if scan is not None:
            greys = list(pool.map(lambda p: mean_cells(read_plane(scan, p)), planes))
            window = grey_window(greys)
            shown = [to_levels(grey, *window) for grey in greys]
        else:
            shown = [_phase_greys(read_plane(volume, p), values) for p in planes]

        def view(plane: Plane, grey: NDArray[np.uint8], mask: Any, edge: str | None) -> SliceView:
            picture = slice_view(plane, grey, _mask_png(mask), volume=volume)
            return replace(picture, edge=edge)

        return list(pool.map(view, planes, shown, masks, edges))


def _layers(image: NDArray[np.generic], values: Chosen) -> tuple[NDArray[np.float32], str | None]:
    """Share of pore in every cell, and the edge of the outside."""
    share = mean_cells(image == values.pore)
    if values.outside is None:
        return share, None
    return share, _edge_png(mean_cells(image == values.outside) > 0.5)


def scale_bar(width_um: float) -> float:
    """A round length in um, between a tenth and a quarter of `width_um` (or just below)."""
    target = width_um / 4
    power = 10.0 ** np.floor(np.log10(target))
    return float(max(f * power for f in (1, 2, 5) if f * power <= target * (1 + 1e-9)))


def read_plane(volume: Volume, plane: Plane) -> NDArray[np.generic]:
    """The plane as an image: x or y to the right, y down in xy, z up in xz and yz."""
    box = volume.read(plane.origin, plane.shape)
    image = np.squeeze(box, axis=("xy", "xz", "yz").index(plane.view))
    return image if plane.view == "xy" else image[::-1]


def mean_cells(image: NDArray[Any]) -> NDArray[np.float32]:
    """Mean over square cells, so that neither side exceeds `LONGEST`; partial cells at the end."""
    step = -(-max(image.shape) // LONGEST)
    if step == 1:
        return image.astype(np.float32)
    sums = np.add.reduceat(image, np.arange(0, image.shape[0], step), axis=0, dtype=np.float64)
    sums = np.add.reduceat(sums, np.arange(0, image.shape[1], step), axis=1)
    rows, columns = (np.diff([*range(0, n, step), n]) for n in image.shape)
    return np.asarray(sums / np.outer(rows, columns), np.float32)


def grey_window(greys: Sequence[NDArray[np.float32]]) -> tuple[float, float]:
    """The 0.5th and the 99.5th percentile of all pictures together."""
    values = np.concatenate([grey.ravel() for grey in greys])
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = np.quantile(values, [0.005, 0.995])
    return float(low), float(high) if high > low else float(low) + 1.0


def to_levels(image: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    """8-bit greys in `GREY_LEVELS` steps: noise the eye cannot see would only swell the page."""
    unit = np.clip((np.nan_to_num(image, nan=low) - low) / (high - low), 0, 1)
    steps = np.round(unit * (GREY_LEVELS - 1))
    return np.round(steps * (255 / (GREY_LEVELS - 1))).astype(np.uint8)


def _phase_greys(image: NDArray[np.generic], values: Chosen | None) -> NDArray[np.uint8]:
    greys = np.full(image.shape, PHASE_GREYS[1], np.uint8)
    if values is not None:
        if values.outside is not None:
            greys[image == values.outside] = PHASE_GREYS[0]
        greys[image == values.pore] = PHASE_GREYS[2]
    return mean_cells(greys).astype(np.uint8)


def slice_view(
    plane: Plane, grey: NDArray[np.uint8], mask: str | None, *, volume: Volume
) -> SliceView:
    """A picture of `plane` of `volume`: grey or RGB pixels, and a layer over them as data URI."""
    axes = {"xy": (1, 2), "xz": (0, 2), "yz": (0, 1)}[plane.view]
    height, width = (plane.shape[a] * volume.voxel_size[a] for a in axes)
    normal = ({0, 1, 2} - set(axes)).pop()
    return SliceView(
        view=plane.view,
        index=plane.index + volume.origin[normal],
        position_um=(plane.index + volume.origin[normal] + 0.5) * volume.voxel_size[normal],
        grey=png_uri(grey),
        mask=mask,
        width_um=width,
        height_um=height,
        bar_um=scale_bar(width),
        crisp=max(grey.shape[:2]) < 240,
    )


def _mask_png(share: NDArray[np.float32] | None) -> str | None:
    if share is None or not share.any():
        return None
    layer = np.zeros((*share.shape, 4), np.uint8)
    layer[..., :3] = PORE_COLOUR
    visible = np.where(share > 0, 0.25 + 0.55 * share, 0)
    layer[..., 3] = np.round(visible * 15) * 17
    return png_uri(layer)


def outer_edge(outside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cells of the outside that have a side in common with the part."""
    part = np.pad(~outside, 1)
    beside = part[:-2, 1:-1] | part[2:, 1:-1] | part[1:-1, :-2] | part[1:-1, 2:]
    return outside & beside


def _edge_png(outside: NDArray[np.bool_]) -> str | None:
    """The edge as a layer; cells of a small picture are divided, so that the line is thin there."""
    fine = max(1, SHOWN // max(outside.shape))
    edge = outer_edge(outside.repeat(fine, axis=0).repeat(fine, axis=1))
    if not edge.any():
        return None
    layer = np.zeros((*edge.shape, 4), np.uint8)
    layer[..., :3] = EDGE_COLOUR
    layer[..., 3] = np.where(edge, 255, 0)
    return png_uri(layer)


def png_uri(image: NDArray[np.uint8]) -> str:
    """Grey, RGB or RGBA pixels as a PNG inside a data URI."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG", compress_level=9)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
