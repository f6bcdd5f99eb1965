"""Decision which dark voxels of a scan are air around the part, on a coarse copy of the scan.

The steps, each with what it must not be fooled by:

1. Air beyond the convex hull of what is bright. A crop of rock, bone or foam fills its frame: its
   hull leaves only bits of corners, so it has no outside, however dark its corners are.
2. That air floods the dark space that is open to it: lattices, slots, drilled holes. Where a ball
   that rolls over the part would reach much less, and the rest is an uneven network of pores, the
   part is an open porous body (a plug of rock, a foam), and the ball's envelope bounds it.
3. Closed or cut spaces of even bore that are far larger than all pores, or run through the frame,
   are channels by design: they are outside too.

Where two readings are possible the likelier one is chosen, and the other is kept with its numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.distance import distance_to
from poroscale.kernels.outside.geometry import (
    Mask,
    ball_reach,
    faces_met,
    free_sides,
    grow_from,
    hull_of,
    label_faces,
)
from poroscale.kernels.outside.scene import OutsideScene, Reading
from poroscale.kernels.outside.voids import (
    NETWORK,
    evenness,
    is_channel,
    large_voids,
    may_be_channel,
    porous_width,
)

__all__ = ["OutsideDecision", "Reading", "read_outside"]

BEYOND = 0.03
"""Share of the frame from which a region beyond the hull is air; crops lose less at a corner."""
OPEN = 0.03
"""Share of the part's envelope that flooded pores take up in an open porous body."""
SKIN = 4.0
"""Depth below the hull up to which dark space is roughness [fine voxels]."""
FILM = 2.0
"""Thickness of the dark blurred film between solid and hull [coarse voxels]."""
WIDE, LATTICE = 1.1, 0.4
"""Radius of most voids, in radii of the rolling ball, and share of the part's envelope from which
what air floods is the space of a lattice."""
LET_IN = 0.005
"""Share of the pores of an open porous body that a ball may reach."""
WORTH_TELLING = 0.005
"""Share of the volume from which another reading is stated."""


@dataclass(frozen=True)
class OutsideDecision:
    """The chosen reading of a scan, and what else it may mean.

    Attributes
    ----------
    chosen
        The likeliest reading.
    others
        Other possible readings, the likelier ones first.
    warnings
        Warnings that make the decision doubtful.
    bodies
        Separate bright bodies.
    """

    chosen: Reading
    others: tuple[Reading, ...]
    warnings: tuple[str, ...]
    bodies: int


def read_outside(
    grey: NDArray[Any],
    *,
    air: float,
    solid: float | NDArray[Any],
    factor: float = 1.0,
) -> OutsideDecision:
    """Decide what of a coarse scan is outside.

    Parameters
    ----------
    grey
        (nz, ny, nx) grey values, bright where dense, at most about 160³ voxels.
    air, solid
        Grey values of air and of solid; the solid's may be an array of the scan's shape.
    factor
        Fine voxels along the edge of a coarse one.

    Raises
    ------
    ValueError
        If the solid is not brighter than air.
    """
    if np.min(solid) <= air:
        raise ValueError(f"solid must be brighter than air, got {np.min(solid)} and {air}")
    scene = OutsideScene.of(grey, air=air, solid=solid, factor=factor)
    if not scene.material.any():
        return _nothing_bright(scene)
    chosen, others = _by_air(scene)
    chosen, more = _by_channels(scene, chosen)
    told = _different(chosen, [*more, *others])
    return OutsideDecision(chosen, told, tuple(_doubts(scene, chosen)), scene.bodies)


def _nothing_bright(scene: OutsideScene) -> OutsideDecision:
    reading = scene.reading(np.zeros_like(scene.dark), "no voxel is as bright as the solid")
    return OutsideDecision(reading, (), ("no part was found",), 0)


def _different(chosen: Reading, others: list[Reading]) -> tuple[Reading, ...]:
    """The readings that differ by some voxels from the chosen one and from those before them."""
    told = [chosen]
    for other in others:
        apart = min(float((other.outside ^ each.outside).mean()) for each in told)
        if apart >= WORTH_TELLING:
            told.append(other)
    return tuple(told[1:])


# 1. air beyond the hull ---------------------------------------------------------------------------


def _by_air(scene: OutsideScene) -> tuple[Reading, list[Reading]]:
    """The reading by air beyond the hull, and the others."""
    nothing = _no_outside(scene)
    hull = hull_of(scene.material, slack=1.0)
    seeds, doubtful = _air_beyond(scene, hull)
    if not seeds.any():
        between, others = _between_bodies(scene), list(_others_of_crop(scene, doubtful))
        return (between, [nothing, *others]) if between else (nothing, others)
    chosen, others = _by_flood(scene, seeds, hull)
    if _may_be_crop(scene, seeds, hull):
        return nothing, [chosen, *others]
    if chosen.share - nothing.share < 0.15:
        others.append(nothing)
    return chosen, others


def _may_be_crop(scene: OutsideScene, seeds: Mask, hull: Mask) -> bool:
    """True if air beyond the hull is no more than a wide pore at a corner of a crop.

    No face is free of material, the air goes on as an uneven network within the hull, and it is
    no more than three times as deep as most of that network.
    """
    if any(True in sides for sides in free_sides(scene.material)):
        return False
    flood = grow_from(seeds, scene.dark)
    network = flood & hull
    if network.sum() < OPEN * hull.sum():
        return False
    wide = float(np.percentile(scene.depth[network], 95))
    shallow = float(scene.depth[seeds].max()) < 3 * wide
    return shallow and evenness(flood, scene.depth) < NETWORK


def _between_bodies(scene: OutsideScene) -> Reading | None:
    """Air between a few bodies that stand side by side across the frame."""
    labels, counts = label_faces(scene.material)
    large = np.flatnonzero(counts[1:] >= 0.1 * counts[1:].max()) + 1
    if not 2 <= len(large) <= 8:
        return None
    hull = np.zeros_like(scene.material)
    for k in large:
        hull |= hull_of(labels == k, slack=1.0)
    seeds, _ = _air_beyond(scene, hull)
    if not seeds.any():
        return None
    reading, _ = _by_flood(scene, seeds, hull)
    reason = f"air between {len(large)} bodies"
    uneven = reading.ball > 0 or evenness(reading.outside, scene.depth) < NETWORK
    return None if uneven else replace(reading, reason=reason)


def _no_outside(scene: OutsideScene) -> Reading:
    circle = scene.padding.any()
    where = "its circle: only what lies beyond the circle is outside" if circle else "the frame"
    ball = scene.ball if circle else 0.0  # pores that the circle cuts are open to what lies beyond
    return scene.reading(np.zeros_like(scene.dark), f"the material fills {where}", ball)


def _others_of_crop(scene: OutsideScene, doubtful: Mask) -> Iterator[Reading]:
    if doubtful.any():
        part = ball_reach(scene.barrier, doubtful, radius=scene.ball)
        yield scene.reading(part, "the corners beyond the material are air", scene.ball)
    rim = np.ones_like(scene.dark)
    rim[1:-1, 1:-1, 1:-1] = False
    open_space = grow_from(rim, scene.dark)
    yield scene.reading(open_space, "all dark space that reaches the frame is air")


def _air_beyond(scene: OutsideScene, hull: Mask) -> tuple[Mask, Mask]:
    """Seeds of air around the part, and regions beyond its hull that may be a crop's corners.

    A region beyond the hull is air where it takes up more than `BEYOND` of the frame or is much
    deeper than any void within the hull; so is the outermost layer of a face without material.
    """
    beyond = scene.dark & ~hull
    labels, counts = label_faces(beyond)
    inner = scene.depth[scene.dark & hull]
    deepest = max(2.0 * float(inner.max(initial=0.0)), 4.0 / scene.factor)
    sure = counts >= BEYOND * beyond.size
    for k in np.flatnonzero(~sure & (counts >= 0.003 * beyond.size)):
        sure[k] = float(scene.depth[labels == k].max()) >= deepest
    doubtful = ~sure & (counts >= WORTH_TELLING * beyond.size)
    sure[0] = doubtful[0] = False
    return sure[labels] | (scene.dark & _free_faces(scene)), doubtful[labels]


def _free_faces(scene: OutsideScene) -> Mask:
    """The outermost layer of each face whose first two fine layers hold next to no material."""
    layers = max(1, round(2 / scene.factor))
    out = np.zeros_like(scene.material)
    for axis, sides in enumerate(free_sides(scene.material, layers=layers)):
        for end, free in zip((0, -1), sides, strict=True):
            np.moveaxis(out, axis, 0)[end] = free
    return out


# 2. how far that air reaches into the part --------------------------------------------------------


def _by_flood(scene: OutsideScene, seeds: Mask, hull: Mask) -> tuple[Reading, list[Reading]]:
    """All dark space that is open to the air, or the envelope of an open porous body."""
    flood = grow_from(seeds, scene.dark)
    open_to_air = scene.reading(flood, "air around the part and all that is open to it")
    below = distance_to(flood & ~hull)
    pores = flood & (below > max(SKIN / scene.factor, 2.0))
    if pores.sum() < OPEN * hull.sum():
        return open_to_air, []
    width = porous_width(pores, scene.depth, below)
    reach, radius = _reach(scene, seeds, pores, width)
    envelope = flood & (reach | (below <= FILM))
    wide = width is not None and width > WIDE * scene.ball and pores.sum() > LATTICE * hull.sum()
    if width is None or wide:
        rounded = "air that a ball rolling over the part meets"
        return open_to_air, [scene.reading(envelope, rounded, radius)]
    return scene.reading(envelope, "air around an open porous part", radius), [open_to_air]


def _reach(
    scene: OutsideScene, seeds: Mask, pores: Mask, width: float | None
) -> tuple[Mask, float]:
    """Reach of a ball that sinks one voxel at most into pores of a width, and its radius."""
    widest = scene.ball if width is None else 4 * scene.ball
    radius = min(max(scene.ball, 0.5 * (width or 0.0) ** 2), widest)
    while True:
        reach = ball_reach(scene.barrier, seeds, radius=radius)
        if 2 * radius > widest or (reach & pores).sum() <= LET_IN * pores.sum():
            return reach, radius
        radius *= 2


# 3. channels --------------------------------------------------------------------------------------


def _by_channels(scene: OutsideScene, reading: Reading) -> tuple[Reading, list[Reading]]:
    """A reading with the channels it leaves as voids, and the same told the other way."""
    voids = scene.dark & ~reading.outside
    part = voids.size - int(reading.outside.sum())
    channels, perhaps, bores = np.zeros_like(voids), np.zeros_like(voids), 0
    for void in large_voids(voids, scene.depth):
        if is_channel(void, part=part, resolved=max(2.0, 4.0 / scene.factor)):
            channels[void.place] |= void.mask
            bores += 1
        elif may_be_channel(void):
            perhaps[void.place] |= void.mask
    if bores:
        words = "a channel" if bores == 1 else f"{bores} channels"
        reason = f"{reading.reason}; {words} of even bore"
        chosen = scene.reading(reading.outside | channels, reason, reading.ball)
        return chosen, [replace(reading, reason=f"{reason} counted as pores")]
    reason = f"{reading.reason}; the largest void counted as a channel or hollow"
    return reading, [scene.reading(reading.outside | perhaps, reason, reading.ball)]


def _doubts(scene: OutsideScene, chosen: Reading) -> Iterator[str]:
    share = float(scene.barrier.mean())
    if share < 0.01:
        yield (
            f"The part is {100 * share:.2g} % of the volume: a bright speck may have been taken "
            "for it."
        )
    if scene.bodies > 1:
        yield (
            f"The scan holds {scene.bodies} separate bodies, and all of them count as the part: a "
            "holder or a sleeve among them must be left out by a mask of the outside, or a box."
        )
    if free := _free_bodies(scene, chosen):
        yield (
            f"{free} bright bodies lie free inside the dark space. Where the solid is the darker "
            "material, the scan must be inverted when it is ingested."
        )
    air = chosen.outside & ~scene.padding
    if faces_met(air) >= 3 and faces_met(scene.material) == 6:
        yield (
            "Air was taken for the outside, but the part meets all six faces of the frame: the "
            "scan may be a crop whose dark space is pore."
        )


FREE_BODIES, FREE_SHARE = 6, 0.15
"""Bright bodies without a hold, and the share of pores in the part, from which they are stated."""


def _free_bodies(scene: OutsideScene, chosen: Reading) -> int:
    """Bright bodies without a hold in dark space that is one body in a bright frame; 0 of few."""
    void = scene.dark & ~chosen.outside
    porous = void.sum() >= FREE_SHARE * (~chosen.outside).sum()
    if chosen.outside.any() or not porous or faces_met(void) > 4:
        return 0
    labels, counts = label_faces(scene.barrier)
    if len(counts) < 2:
        return 0
    large = counts >= SMALLEST_BODY
    large[0] = large[int(counts[1:].argmax()) + 1] = False
    for axis in range(3):
        for end in (0, -1):
            large[np.unique(labels.take(end, axis=axis))] = False
    found, free = int(large.sum()), int(counts[large].sum())
    bright, largest = int(counts[1:].sum()), int(counts[1:].max())
    inverted = free < 0.1 * bright and largest > 0.8 * bright  # packed grains are many and large
    return found if found >= FREE_BODIES and inverted else 0


SMALLEST_BODY = 20
"""Coarse voxels of a body that is counted; less may be noise."""
