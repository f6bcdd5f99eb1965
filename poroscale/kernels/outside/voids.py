"""Voids of a coarse scan, sorted into channels by design and pores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.distance import distance_to
from poroscale.kernels.outside.geometry import Mask, label_faces

SIMILAR = 0.2
"""Share of the largest void from which another is its equal."""
EVEN = 0.7
"""Evenness from which a void that runs through the frame, or hollows the part, is a channel."""
FAR_LARGER = 50
"""Multiple of the next void's voxels from which a long and even closed void is a channel."""
LARGE = 0.01
"""Share of the part that such a void has at least."""
HOLLOW = 0.15
"""Share of the part from which an even void is its hollow."""
NETWORK = 0.6
"""Evenness of an open network below which it is one of pores, not a lattice."""
RESOLVED = 2.5
"""Radius [coarse voxels] below which the evenness of a network cannot be told."""


@dataclass(frozen=True)
class Void:
    """A large void.

    Attributes
    ----------
    place
        Bounding box of the void.
    mask
        Voxels of the void in that box.
    radius
        Radius of the largest ball in the void [coarse voxels].
    even
        Evenness of the void, see `evenness`.
    faces
        Faces of the frame that it meets: "z-", "z+" and so on.
    following
        Voxels of the largest void that is not its equal.
    """

    place: tuple[slice, slice, slice]
    mask: Mask
    radius: float
    even: float
    faces: frozenset[str]
    following: int

    @property
    def voxels(self) -> int:
        """Number of its voxels."""
        return int(self.mask.sum())

    @property
    def slenderness(self) -> float:
        """Its volume over that of its largest ball: 1 for a ball, 4 for a rod of 5 radii."""
        return self.voxels / (4 / 3 * np.pi * self.radius**3)

    @property
    def runs_through(self) -> bool:
        """True if it meets two opposite faces, at least as far apart as it is wide.

        In a few slices a pore does so, too, and looks no different from a bore.
        """
        return any(
            {f"{axis}-", f"{axis}+"} <= self.faces and length >= 2 * self.radius
            for axis, length in zip("zyx", self.mask.shape, strict=True)
        )


def evenness(void: Mask, depth: NDArray[np.float32], *, share: float = 0.85) -> float:
    """Share of a void that a ball of 0.85 times its largest inscribed radius reaches.

    Above 0.9 for a drilled or printed channel, below 0.5 for a network of pores and throats and
    for a flat or ragged cavity.

    Parameters
    ----------
    void
        The void, cut out with a voxel around it.
    depth
        Distance to what bounds it.
    share
        Radius of the ball over the largest inscribed radius.
    """
    ball = share * float(depth[void].max())
    return float((distance_to(depth > ball)[void] <= ball + 0.5).mean())  # half a voxel: rounding


def large_voids(voids: Mask, depth: NDArray[np.float32]) -> Iterator[Void]:
    """The largest void and its equals, twelve at most."""
    from scipy.ndimage import find_objects

    labels, counts = label_faces(voids)
    if len(counts) < 2:
        return
    order = np.argsort(counts[1:])[::-1] + 1
    equal = counts[order] >= SIMILAR * counts[order[0]]
    following = int(counts[order][~equal].max(initial=0))
    places = find_objects(labels)
    for k in order[equal][:12]:
        z, y, x = (slice(max(s.start - 1, 0), s.stop + 1) for s in places[k - 1])
        wide = (z, y, x)
        within = np.where(labels[wide] == k, depth[wide], 0)
        yield Void(
            place=wide,
            mask=labels[wide] == k,
            radius=float(within.max()),
            even=evenness(labels[wide] == k, within),
            faces=_faces_met(places[k - 1], voids.shape),
            following=following,
        )


def _faces_met(place: tuple[slice, slice, slice], shape: tuple[int, ...]) -> frozenset[str]:
    met = set()
    for name, span, edge in zip("zyx", place, shape, strict=True):
        if edge == 1:  # every void of a single slice would run through it
            continue
        met |= {f"{name}-"} if span.start == 0 else set()
        met |= {f"{name}+"} if span.stop == edge else set()
    return frozenset(met)


def is_channel(void: Void, *, part: int, resolved: float) -> bool:
    """True if a void that air does not reach is a channel or hollow by design.

    Parameters
    ----------
    void
        The void.
    part
        Voxels of the part, voids included.
    resolved
        Smallest radius of a channel [coarse voxels].
    """
    if void.radius < resolved or len(void.faces) > 4:  # a network meets more faces
        return False
    if void.runs_through or void.voxels >= HOLLOW * part:
        return void.even >= EVEN
    far_larger = void.voxels >= max(FAR_LARGER * void.following, LARGE * part)
    return far_larger and void.even >= 0.8 and void.slenderness >= 2.5


def may_be_channel(void: Void) -> bool:
    """True if a void that is no channel is so large and even that a person may take it for one."""
    far_larger = void.voxels >= FAR_LARGER * void.following
    return far_larger and void.even >= 0.5 and len(void.faces) <= 4


def porous_width(
    pores: Mask, depth: NDArray[np.float32], below: NDArray[np.float32]
) -> float | None:
    """Radius of most pores where dark space below the hull is a network of pores, else None.

    A network is connected and uneven, far deeper than its pores are wide, and far larger
    than one of them: it is no notch, drilled hole or lattice.

    Parameters
    ----------
    pores
        Dark space that air floods.
    depth
        Distance to solid.
    below
        Distance to the air beyond the hull.
    """
    labels, counts = label_faces(pores)
    largest = labels == counts[1:].argmax() + 1
    width = float(np.percentile(depth[largest], 95))  # the widest are those cut open
    core = largest & (below > 1.5 * width)
    apart = largest.sum() < 0.5 * pores.sum()
    if apart or below[largest].max() < 3 * width or core.sum() < 15 * width**3:
        return None
    if depth[core].max() >= RESOLVED and evenness(core, depth) >= NETWORK:
        return None
    return width
