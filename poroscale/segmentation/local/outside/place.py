"""Start of the outside of a scan: decided on the coarse copy, or given by the caller."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Run, volume_from_array
from poroscale.kernels.distance import distance_to
from poroscale.kernels.grey.partial_volume import normalise, trimmed
from poroscale.kernels.outside.geometry import constant_surroundings, inner_seeds
from poroscale.kernels.outside.reading import OutsideDecision, Reading, read_outside
from poroscale.kernels.within_ball import within_ball
from poroscale.segmentation.local.config import LocalConfig
from poroscale.segmentation.local.fields import CoarseField
from poroscale.segmentation.local.outside.coarse import Coarse, coarse_of
from poroscale.segmentation.thresholds.fields import FloodSeeds, Nowhere
from poroscale.volume import FieldSampler, Volume

Mask = NDArray[np.bool_]
NEAR, WELL = 1.5, 6.0
"""Coarse voxels from the outside that are left out of the part's levels; voxels inside the outside
from which its own level is taken."""


@dataclass(frozen=True)
class Place:
    """Decision on the outside of a scan.

    Attributes
    ----------
    decision
        On the coarse copy, with what else the scan may mean.
    near
        Coarse voxels: 1 near the outside, 2 well inside it, else 0.
    seeds
        Voxels where the flood of the outside begins; None if there is none to flood.
    within
        Region that the flood must not leave; None if nothing holds it back.
    known
        The outside itself, where it needs no flood.
    """

    decision: OutsideDecision
    near: CoarseField
    seeds: FieldSampler | None = None
    within: FieldSampler | None = None
    known: Volume | FieldSampler | None = None


@dataclass(frozen=True)
class Look:
    """A scan as far as its coarse copy shows it.

    Attributes
    ----------
    scan
        Grey values.
    coarse
        Its coarse copy.
    level
        Level of the solid there (normalised).
    scale
        Grey values of air and solid that are normalised to 0 and 1.
    work, run
        Folder of the outputs, and how to run.
    """

    scan: Volume
    coarse: Coarse
    level: NDArray[np.float32]
    scale: tuple[float, float]
    work: Path
    run: Run

    @property
    def solid(self) -> NDArray[np.float32]:
        """Grey value of the solid at each coarse voxel."""
        dark, bright = self.scale
        return np.asarray(dark + self.level * np.float32(bright - dark), np.float32)

    @property
    def dark(self) -> Mask:
        """Coarse voxels below the middle between air and solid."""
        return np.asarray(self.coarse.grey < (self.scale[0] + self.solid) / 2)

    def stored(self, values: NDArray[np.uint8], name: str) -> CoarseField:
        """Coarse voxels as a field of the scan's shape."""
        volume = volume_from_array(values, self.work / f"{name}.zarr", run=self.run)
        return CoarseField(volume, self.scan.shape, self.coarse.factor)

    def near(self, outside: Mask) -> CoarseField:
        """1 near the outside, 2 well inside it, else 0."""
        depth = np.where(outside, distance_to(~outside), 0)
        near = (distance_to(outside) <= NEAR).astype(np.uint8)
        near[depth > max(NEAR, WELL / self.coarse.factor)] = 2
        padding = constant_surroundings(normalise(self.coarse.grey, *self.scale))
        near[distance_to(padding) <= NEAR] = 1
        return self.stored(near, "near")

    def told(self, outside: Mask, reason: str) -> OutsideDecision:
        """A decision that was not ours."""
        void = self.dark & ~outside
        left = max(1, int((~outside).sum()))
        reading = Reading(outside, reason, float(outside.mean()), float(void.sum()) / left)
        return OutsideDecision(reading, (), (), 1)


def find_place(look: Look, config: LocalConfig) -> Place:
    """Outside, as `config.outside` defines it.

    Raises
    ------
    ValueError
        If a mask differs from the scan in shape, or nothing dark holds a seed of the flood.
    """
    given = config.outside
    if given == "auto":
        return _decided(look)
    if given == "none":
        nothing = np.zeros(look.coarse.grey.shape, bool)
        decision = look.told(nothing, "none, as told")
        return Place(decision, look.near(nothing), known=Nowhere(look.scan.shape))
    if given == "corners" or isinstance(given, tuple):
        return _flooded_from(look, given if isinstance(given, tuple) else ())
    mask = mask_of(config, look.scan)
    assert mask is not None
    return _masked(look, mask)


def _decided(look: Look) -> Place:
    decision = read_outside(
        look.coarse.grey, air=look.scale[0], solid=look.solid, factor=look.coarse.factor
    )
    outside = decision.chosen.outside
    near = look.near(outside)
    if not outside.any():
        return Place(decision, near, known=Nowhere(look.scan.shape))
    decision = _with_recesses(look, decision)
    seeds = look.stored(inner_seeds(outside, margin=1).astype(np.uint8), "seeds")
    if not decision.chosen.ball:
        return Place(decision, near, seeds)
    # The outside of an open porous body ends at its envelope: a free flood would fill its pores.
    blur = 0 if look.coarse.factor == 1 else 1
    held = (distance_to(outside) <= blur).astype(np.uint8)
    return Place(decision, near, seeds, look.stored(held, "bound"))


def _with_recesses(look: Look, decision: OutsideDecision) -> OutsideDecision:
    """The decision, with narrow recesses of the surface counted as pores where they hold much."""
    chosen = decision.chosen
    if chosen.ball:
        return decision
    part, radius = ~chosen.outside, max(1.5, RECESS / look.coarse.factor)
    wide = ceil(radius) + 1  # past the frame as the last layers have it: no gap is closed there
    spread = within_ball(np.pad(part, wide, mode="edge"), radius)
    closed = trimmed(~within_ball(~spread, radius), wide)
    recesses = int((closed & chosen.outside).sum())
    void, size = int((look.dark & part).sum()), int(part.sum())
    if recesses <= max(0.5 * void, 1e-3 * size):
        return decision
    open_pores = Reading(
        chosen.outside & ~closed,
        f"recesses of the surface narrower than {2 * RECESS:.0f} voxels counted as pores, as a "
        "closing does",
        chosen.share - recesses / part.size,
        (void + recesses) / (size + recesses),
    )
    return replace(decision, others=(*decision.others, open_pores))


RECESS = 6.0
"""Radius of the closing that finds narrow recesses [voxels]."""


def _flooded_from(look: Look, faces: tuple[str, ...]) -> Place:
    outside = _from_faces(look.dark, faces)
    if not outside.any():
        where = f"the faces {', '.join(faces)}" if faces else "the corners"
        raise ValueError(
            f"{look.scan.path}: nothing dark touches {where}: there is no outside to flood; "
            "set `outside` to none or auto"
        )
    decision = look.told(outside, "the air flooded as told")
    return Place(decision, look.near(outside), FloodSeeds(look.scan.shape, faces))


def mask_of(config: LocalConfig, scan: Volume) -> Volume | None:
    """The mask that `config.outside` names; None where it is a word or faces.

    Raises
    ------
    ValueError
        If it names no volume, or one of another shape than the scan.
    """
    given = config.outside
    if isinstance(given, tuple) or given in {"auto", "none", "corners"}:
        return None
    if not Path(given).exists():
        raise ValueError(
            "outside must be auto, none, corners, faces as z-,z+, or the path of a mask; "
            f"{given!r} does not exist"
        )
    mask = Volume.open(given)
    if mask.shape != scan.shape:
        raise ValueError(
            f"the mask {given} of `outside` must have the scan's shape {scan.shape}, "
            f"got {mask.shape}"
        )
    return mask


def _masked(look: Look, mask: Volume) -> Place:
    path = mask.path
    rough = coarse_of(mask).grey > 0.5
    if rough.all() or not rough.any():
        raise ValueError(
            f"the mask {path} of `outside` must be 0 in the part and not 0 elsewhere; it is "
            f"{'never 0' if rough.all() else '0 everywhere'}"
        )
    outside, inside = look.coarse.grey[rough].mean(), look.coarse.grey[~rough].mean()
    if outside > inside:
        raise ValueError(
            f"the mask {path} of `outside` must be 0 in the part and not 0 elsewhere; what it "
            f"marks is brighter ({outside:.5g}) than the rest ({inside:.5g}): it seems to be a "
            "mask of the part"
        )
    decision = look.told(rough, "the mask that was given")
    return Place(decision, look.near(rough), known=mask)


def _from_faces(dark: Mask, faces: tuple[str, ...]) -> Mask:
    """Dark voxels that hang together with a corner, or with one of the faces."""
    from scipy.ndimage import label

    labels, _ = label(dark)
    z, y, x = dark.shape
    seeds = FloodSeeds((z, y, x), faces)((0, 0, 0), (z, y, x))
    kept = np.unique(labels[seeds & dark])
    return np.asarray(np.isin(labels, kept[kept > 0]))
