"""Where the outside of a scan begins: decided on the coarse copy, or told by the caller."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Run, volume_from_array
from poroscale.kernels.outside_reading import OutsideDecision, Reading, read_outside
from poroscale.kernels.partial_volume import distance_to
from poroscale.segment.fields import FloodSeeds
from poroscale.segment.local.coarse import Coarse, coarse_of
from poroscale.segment.local.config import LocalConfig
from poroscale.segment.local.fields import CoarseField, Nowhere
from poroscale.volume import FieldSampler, Volume

Mask = NDArray[np.bool_]
NEAR, WELL = 1.5, 6.0
"""Coarse voxels from the outside that are left out of the part's levels; voxels inside the outside
from which its own level is taken."""


@dataclass(frozen=True)
class Place:
    """What of a scan is outside.

    Attributes
    ----------
    decision
        On the coarse copy, with what else the scan may mean.
    near
        Coarse voxels: 1 near the outside, 2 well inside it, else 0.
    seeds
        Where the flood of the outside begins; None where there is none to flood.
    known
        The outside itself, where it needs no flood.
    """

    decision: OutsideDecision
    near: CoarseField
    seeds: FieldSampler | None
    known: Volume | FieldSampler | None


def find_place(
    scan: Volume,
    coarse: Coarse,
    level: NDArray[np.float32],
    *,
    scale: tuple[float, float],
    config: LocalConfig,
    work: Path,
    run: Run,
) -> Place:
    """What is outside, as `config.outside` says.

    Parameters
    ----------
    scan
        Grey values.
    coarse, level
        Its coarse copy, and the level of the solid there (normalised).
    scale
        Grey values of air and solid.
    config
        How the outside is told.
    work
        Folder of the outputs.
    run
        How to run.

    Raises
    ------
    ValueError
        If a mask differs from the scan in shape, or nothing dark holds a seed of the flood.
    """
    dark, bright = scale
    solid = dark + level * np.float32(bright - dark)
    given = config.outside
    if given == "auto":
        decision = read_outside(coarse.grey, air=dark, solid=solid, factor=coarse.factor)
        return _flooded(scan, coarse, decision, work, run)
    if given == "none":
        decision = _told(np.zeros(coarse.grey.shape, bool), coarse, dark, solid, "none, as told")
        return Place(
            decision,
            _near(scan, coarse, decision.chosen.outside, work, run),
            None,
            Nowhere(scan.shape),
        )
    if given == "corners" or isinstance(given, tuple):
        faces = given if isinstance(given, tuple) else ()
        outside = _from_faces(coarse.grey < (dark + solid) / 2, faces)
        if not outside.any():
            where = f"the faces {', '.join(faces)}" if faces else "the corners"
            raise ValueError(
                f"{scan.path}: nothing dark touches {where}: there is no outside to flood; "
                "use --outside none or --outside auto"
            )
        decision = _told(outside, coarse, dark, solid, "the air flooded as told")
        near = _near(scan, coarse, outside, work, run)
        return Place(decision, near, FloodSeeds(scan.shape, faces), None)
    return _masked(scan, coarse, solid, dark, Path(given), work, run)


def _flooded(
    scan: Volume, coarse: Coarse, decision: OutsideDecision, work: Path, run: Run
) -> Place:
    outside = decision.chosen.outside
    near = _near(scan, coarse, outside, work, run)
    if not outside.any():
        return Place(decision, near, None, Nowhere(scan.shape))
    seeds = volume_from_array(_safe(outside).astype(np.uint8), work / "seeds.zarr", run=run)
    return Place(decision, near, CoarseField(seeds, scan.shape, coarse.factor), None)


def _masked(
    scan: Volume,
    coarse: Coarse,
    solid: NDArray[Any],
    dark: float,
    path: Path,
    work: Path,
    run: Run,
) -> Place:
    mask = Volume.open(path)
    if mask.shape != scan.shape:
        raise ValueError(
            f"--outside {path} must have the scan's shape {scan.shape}, got {mask.shape}"
        )
    rough = coarse_of(mask).grey > 0.5
    decision = _told(rough, coarse, dark, solid, "the mask that was given")
    return Place(decision, _near(scan, coarse, rough, work, run), None, mask)


def _told(
    outside: Mask, coarse: Coarse, dark: float, solid: NDArray[Any], reason: str
) -> OutsideDecision:
    """A decision that was not ours."""
    void = (coarse.grey < (dark + solid) / 2) & ~outside
    share = float(outside.mean())
    left = max(1, int((~outside).sum()))
    return OutsideDecision(Reading(outside, reason, share, float(void.sum()) / left), (), (), 1)


def _near(scan: Volume, coarse: Coarse, outside: Mask, work: Path, run: Run) -> CoarseField:
    depth = np.where(outside, distance_to(~outside), 0)
    near = (distance_to(outside) <= NEAR).astype(np.uint8)
    near[depth > max(NEAR, WELL / coarse.factor)] = 2
    stored = volume_from_array(near, work / "near.zarr", run=run)
    return CoarseField(stored, scan.shape, coarse.factor)


def _from_faces(dark: Mask, faces: tuple[str, ...]) -> Mask:
    """Dark voxels that hang together with a corner, or with one of the faces."""
    from scipy.ndimage import label

    labels, _ = label(dark)
    seeds = FloodSeeds(_three(dark.shape), faces)((0, 0, 0), _three(dark.shape))
    kept = np.unique(labels[seeds & dark])
    return np.asarray(np.isin(labels, kept[kept > 0]))


def _three(shape: tuple[int, ...]) -> tuple[int, int, int]:
    z, y, x = shape
    return z, y, x


def _safe(outside: Mask) -> Mask:
    """Voxels of the outside well away from its edge; the deepest of a component that has none."""
    from scipy.ndimage import label

    depth = distance_to(~outside)
    seeds = outside & (depth > NEAR)
    labels, count = label(outside)
    lacking = np.setdiff1d(np.arange(1, count + 1), np.unique(labels[seeds]))
    for k in lacking:
        here = labels == k
        seeds |= here & (depth >= depth[here].max())
    return np.asarray(seeds)
