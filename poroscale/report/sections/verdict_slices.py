"""Sections through scores and truth: what was found, missed and invented, voxel by voxel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Reduction, Run, reduce_blocks
from poroscale.identity import kernel
from poroscale.kernels.learning.score_levels import score_levels
from poroscale.report.sections.planes import NORMAL, Plane, View
from poroscale.report.sections.slices import (
    SliceView,
    grey_window,
    mean_cells,
    png_uri,
    read_plane,
    slice_view,
    to_levels,
)
from poroscale.report.style import BLUE, DENSITY, GREEN, VERMILION
from poroscale.segmentation.evaluation.truth import counted_voxels, truth_pores
from poroscale.statistics.sums import summed

if TYPE_CHECKING:
    from poroscale.segmentation.evaluation.beside_truth import Scored
    from poroscale.volume import Index, Shape, Volume

VERDICTS = {"found": GREEN, "missed": VERMILION, "invented": BLUE}
VIEWS: tuple[View, ...] = ("xy", "xz")
OUTSIDE, PAPER = 228, 255
"""Greys behind the verdicts where there is no scan: voxels that do not count, and those that do."""
COLOUR_STEPS = 64


@dataclass(frozen=True)
class VerdictRow:
    """Pictures of one section: the scan if there is one, the scores, the verdicts."""

    title: str
    scan: SliceView | None
    scores: SliceView
    verdict: SliceView


def busiest_sections(scored: Scored, *, run: Run | None = None) -> list[Plane]:
    """The xy and xz section that cut the most pore voxels, but for the outer tenth of either."""
    counts = reduce_blocks(
        _PROFILES,
        scored.inputs[1:],
        parameters={
            "kind": scored.truth.kind,
            "everywhere": scored.everywhere,
            "whole": scored.scores.shape,
        },
        bytes_per_voxel=3.0,
        run=run,
    )
    return [_plane(view, counts["zyx"[NORMAL[view]]], scored.scores.shape) for view in VIEWS]


def _plane(view: View, counts: NDArray[np.int64], shape: Shape) -> Plane:
    margin = len(counts) // 10
    index = margin + int(np.argmax(counts[margin : len(counts) - margin]))
    origin, size = [0, 0, 0], list(shape)
    origin[NORMAL[view]], size[NORMAL[view]] = index, 1
    return Plane(view, (origin[0], origin[1], origin[2]), (size[0], size[1], size[2]))


def verdict_rows(
    scored: Scored, threshold: float, planes: list[Plane], *, scan: Volume | None
) -> list[VerdictRow]:
    """Pictures of `planes`, a row for each; sections that are but a line are left out."""
    return [_row(scored, threshold, plane, scan=scan) for plane in planes if not plane.is_line]


def _row(scored: Scored, threshold: float, plane: Plane, *, scan: Volume | None) -> VerdictRow:
    volume = scored.scores
    truth = read_plane(scored.truth.volume, plane)
    inside = None if scored.inside is None else read_plane(scored.inside, plane)
    counted = counted_voxels(truth, inside, kind=scored.truth.kind, everywhere=scored.everywhere)
    pore = truth_pores(truth, scored.truth.kind)
    levels = score_levels(scored.scores_of(read_plane(volume, plane)))
    score = scored.values[levels]
    shares = {
        "found": mean_cells(counted & pore & (score >= threshold)),
        "missed": mean_cells(counted & pore & (score < threshold)),
        "invented": mean_cells(counted & ~pore & (score >= threshold)),
    }
    grey = None
    if scan is not None:
        shown = mean_cells(read_plane(scan, plane))
        grey = to_levels(shown, *grey_window([shown]))
    paper = np.where(mean_cells(counted) > 0.5, PAPER, OUTSIDE).astype(np.uint8)
    axis = NORMAL[plane.view]
    position = (plane.index + volume.origin[axis] + 0.5) * volume.voxel_size[axis]
    layer = _layer(shares)
    return VerdictRow(
        f"{plane.view} section at {position:,.4g} µm",
        None if grey is None else slice_view(plane, grey, None, volume=volume),
        slice_view(plane, _coloured(mean_cells(np.where(counted, score, 0))), None, volume=volume),
        slice_view(plane, paper if grey is None else grey, layer, volume=volume),
    )


def _layer(shares: Mapping[str, NDArray[np.float32]]) -> str | None:
    """The verdicts as transparent colours; the one with the largest share gives a cell's."""
    stack = np.stack(list(shares.values()))
    if not stack.any():
        return None
    total, largest = stack.sum(axis=0), stack.argmax(axis=0)
    layer = np.zeros((*total.shape, 4), np.uint8)
    colours = [[int(VERDICTS[name][k : k + 2], 16) for k in (1, 3, 5)] for name in shares]
    layer[..., :3] = np.array(colours, np.uint8)[largest]
    layer[..., 3] = np.round(np.where(total > 0, 0.35 + 0.6 * np.minimum(total, 1), 0) * 15) * 17
    return png_uri(layer)


def _coloured(score: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scores from 0 to 1 in the colours of densities."""
    from matplotlib import colormaps

    table = (colormaps[DENSITY](np.linspace(0, 1, COLOUR_STEPS))[:, :3] * 255).round()
    steps = np.rint(np.clip(score, 0, 1) * (COLOUR_STEPS - 1)).astype(np.int64)
    return np.asarray(table.astype(np.uint8)[steps])


@kernel("report.profile")
def _profile(
    truth: NDArray[Any],
    inside: NDArray[Any] | None = None,
    *,
    origin: Index,
    kind: str,
    everywhere: bool,
    whole: Shape,
) -> dict[str, NDArray[np.int64]]:
    """Pore voxels of each section along every axis of the volume."""
    pore = truth_pores(truth, kind)
    pore &= counted_voxels(truth, inside, kind=kind, everywhere=everywhere)
    counts = {}
    for axis, name in enumerate("zyx"):
        others = tuple({0, 1, 2} - {axis})
        counts[name] = np.zeros(whole[axis], np.int64)
        counts[name][origin[axis] :][: pore.shape[axis]] = pore.sum(axis=others)
    return counts


_PROFILES = Reduction(_profile, summed, lambda total: total, located=True)
