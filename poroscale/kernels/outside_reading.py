"""Which dark voxels of a scan are air around the part, decided on a coarse copy of the scan.

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
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.outside_geometry import (
    Mask,
    ball_reach,
    constant_surroundings,
    distance_to,
    faces_met,
    grow_from,
    hull_of,
    label_faces,
    without_specks,
)
from poroscale.kernels.outside_voids import is_channel, is_porous, large_voids

MATERIAL = 0.3
"""Share of the contrast from which a voxel counts as material for the hull: fine struts are dim."""
SPECK = 0.001
"""Share of the largest body below which a bright component is dirt."""
BODY = 0.02
"""Share of the largest body from which a bright component counts as a body."""
BALL = 8.0
"""Radius of the ball that rolls over the part [fine voxels]."""
BEYOND = 0.03
"""Share of the frame from which a region beyond the hull is air; crops lose less at a corner."""
FREE = 0.01
"""Share of a face up to which material leaves it to the air."""
OPEN = 0.03
"""Share of the part's envelope that flooded pores take up in an open porous body."""
WORTH_TELLING = 0.005
"""Share of the volume from which another reading is told."""


@dataclass(frozen=True)
class Reading:
    """One way to tell the outside of a scan.

    Attributes
    ----------
    outside
        Coarse dark voxels that are outside.
    reason
        A short sentence.
    share
        Of the volume that is outside.
    void_share
        Dark voxels that are not outside over all that are not: porosity on the coarse copy.
    ball
        Radius of the ball whose envelope bounds the part [coarse voxels]; 0 where the outside is
        all dark space that is open to it. A flood on the fine scan must not leave `outside` where
        this is above 0.
    """

    outside: Mask
    reason: str
    share: float
    void_share: float
    ball: float = 0.0


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
        What makes the decision doubtful.
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
    """
    scene = _Scene.of(grey, air=air, solid=solid, factor=factor)
    if not scene.material.any():
        return _nothing_bright(scene)
    chosen, others = _by_air(scene)
    chosen, more = _by_channels(scene, chosen)
    told = tuple(each for each in (*more, *others) if _differs(each, chosen))
    return OutsideDecision(chosen, told, tuple(_doubts(scene, chosen)), scene.bodies)


@dataclass(frozen=True)
class _Scene:
    """A coarse scan by its dark voxels, its material and what lies past the scanner's circle."""

    dark: Mask
    material: Mask
    padding: Mask
    bodies: int
    factor: float

    @classmethod
    def of(
        cls, grey: NDArray[Any], *, air: float, solid: float | NDArray[Any], factor: float
    ) -> _Scene:
        relative = ((grey - air) / (solid - air)).astype(np.float32)
        padding = constant_surroundings(relative)
        relative, calm = _calmed(relative)
        bright = (calm >= MATERIAL) & ~padding
        _, sizes = without_specks((relative >= 0.5) & ~padding, share=BODY)
        material, _ = without_specks(bright, share=SPECK)
        return cls((relative < 0.5) & ~padding, material, padding, len(sizes), factor)

    @property
    def ball(self) -> float:
        """Radius of the rolling ball [coarse voxels]."""
        return max(BALL / self.factor, 2.0)

    @cached_property
    def barrier(self) -> Mask:
        """What stops a ball or a flood."""
        return ~self.dark & ~self.padding

    @cached_property
    def depth(self) -> NDArray[np.float32]:
        """Distance to what is not dark, past the frame as the last layers have it."""
        return distance_to(~self.dark)

    def reading(self, outside: Mask, reason: str, ball: float = 0.0) -> Reading:
        """A reading with its numbers; the padding is outside in all of them."""
        outside = outside & self.dark
        rest = int(self.dark.sum() - outside.sum())
        inside = self.dark.size - int(outside.sum()) - int(self.padding.sum())
        share = 1 - inside / self.dark.size
        return Reading(outside | self.padding, reason, share, rest / max(inside, 1), ball)


def _calmed(relative: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Grey values smoothed where noise would blur the middle, and where it would fake material."""
    from scipy.ndimage import gaussian_filter

    steps = np.diff(relative[::2, ::2], axis=2)
    noise = 1.4826 * float(np.median(np.abs(steps - np.median(steps)))) / np.sqrt(2)
    if noise > 0.15:
        relative = gaussian_filter(relative, 1.0)
        return relative, relative
    return relative, gaussian_filter(relative, 0.7) if noise > 0.05 else relative


def _nothing_bright(scene: _Scene) -> OutsideDecision:
    reading = scene.reading(np.zeros_like(scene.dark), "no voxel is as bright as the solid")
    return OutsideDecision(reading, (), ("no part was found",), 0)


def _differs(reading: Reading, chosen: Reading) -> bool:
    return float((reading.outside ^ chosen.outside).mean()) >= WORTH_TELLING


# 1. air beyond the hull ---------------------------------------------------------------------------


def _by_air(scene: _Scene) -> tuple[Reading, list[Reading]]:
    """The reading by air beyond the hull, and the others."""
    nothing = _no_outside(scene)
    hull = hull_of(scene.material, slack=1.0)
    seeds, doubtful = _air_beyond(scene, hull)
    if seeds.any():
        chosen, others = _by_flood(scene, seeds, hull)
    else:
        chosen, others = _between_bodies(scene), list(_others_of_crop(scene, doubtful))
    if chosen is None:
        return nothing, others
    if chosen.share - nothing.share < 0.15:
        others.append(nothing)
    return chosen, others


def _between_bodies(scene: _Scene) -> Reading | None:
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
    return None if reading.ball else replace(reading, reason=reason)


def _no_outside(scene: _Scene) -> Reading:
    circle = scene.padding.any()
    where = "its circle: only what lies beyond the circle is outside" if circle else "the frame"
    return scene.reading(np.zeros_like(scene.dark), f"the material fills {where}")


def _others_of_crop(scene: _Scene, doubtful: Mask) -> Iterator[Reading]:
    if doubtful.any():
        part = ball_reach(scene.barrier, doubtful, radius=scene.ball)
        yield scene.reading(part, "the corners beyond the material are air", scene.ball)
    rim = np.ones_like(scene.dark)
    rim[1:-1, 1:-1, 1:-1] = False
    open_space = grow_from(rim, scene.dark)
    yield scene.reading(open_space, "all dark space that reaches the frame is air")


def _air_beyond(scene: _Scene, hull: Mask) -> tuple[Mask, Mask]:
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
    layers = max(1, round(2 / scene.factor))
    free = scene.dark & _free_faces(scene.material, layers=layers)
    return sure[labels] | free, doubtful[labels]


def _free_faces(material: Mask, *, layers: int) -> Mask:
    """The outermost layer of each face whose first layers hold next to no material."""
    out = np.zeros_like(material)
    for axis in range(3):
        shares = material.mean(axis=tuple(a for a in range(3) if a != axis))
        view = np.moveaxis(out, axis, 0)
        view[0] = shares[:layers].max() < FREE
        view[-1] = shares[-layers:].max() < FREE
    return out


# 2. how far that air reaches into the part --------------------------------------------------------


def _by_flood(scene: _Scene, seeds: Mask, hull: Mask) -> tuple[Reading, list[Reading]]:
    """All dark space that is open to the air, or the envelope of an open porous body."""
    flood = grow_from(seeds, scene.dark)
    open_to_air = scene.reading(flood, "air around the part and all that is open to it")
    pores = flood & hull
    if pores.sum() < OPEN * hull.sum():
        return open_to_air, []
    envelope, radius = _envelope(scene, flood, seeds, pores)
    porous = scene.reading(envelope, "air around an open porous part", radius)
    if is_porous(pores, scene.depth, distance_to(flood & ~hull)):
        return porous, [open_to_air]
    return open_to_air, [porous]


def _envelope(scene: _Scene, flood: Mask, seeds: Mask, pores: Mask) -> tuple[Mask, float]:
    """What a ball reaches that is too wide for most pores, and its radius."""
    radius = scene.ball
    for _ in range(4):
        reach = flood & ball_reach(scene.barrier, seeds, radius=radius)
        if (reach & pores).sum() <= 0.15 * pores.sum():
            break
        radius *= 1.5
    return reach, radius


# 3. channels --------------------------------------------------------------------------------------


def _by_channels(scene: _Scene, reading: Reading) -> tuple[Reading, list[Reading]]:
    """A reading with the channels it leaves as voids, and the same without them."""
    voids = scene.dark & ~reading.outside
    within = voids.size - int(reading.outside.sum())
    outside, bores, doubtful = reading.outside.copy(), 0, reading.outside.copy()
    for void in large_voids(voids, scene.depth):
        verdict = is_channel(void, part=within, resolved=2.0, least=4.0 / scene.factor)
        if verdict:
            outside[void.place] |= void.mask
            bores += 1
    if not bores:
        return reading, []
    words = "a channel" if bores == 1 else f"{bores} channels"
    other = replace(reading, reason=f"{reading.reason}; {words} of even bore counted as pores")
    reason = f"{reading.reason}; {words} of even bore"
    return scene.reading(outside, reason, reading.ball), [other]


def _doubts(scene: _Scene, chosen: Reading) -> Iterator[str]:
    share = float(scene.barrier.mean())
    if share < 0.01:
        yield f"the part is {100 * share:.2g} % of the volume: a bright speck may pass for it"
    if scene.bodies > 1:
        yield f"{scene.bodies} separate bodies"
    cut = faces_met(scene.material)
    if chosen.outside.any() and len(cut) == 6:
        yield "the part meets all six faces of the frame"
