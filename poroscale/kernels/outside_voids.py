"""Voids of a coarse scan: which are channels by design, which are pores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.outside_geometry import Mask, distance_to, faces_met, label_faces

SIMILAR = 0.2
"""Share of the largest void from which another is its equal."""


@dataclass(frozen=True)
class Void:
    place: tuple[slice, slice, slice]
    mask: Mask
    voxels: int
    radius: float
    even: float
    faces: tuple[str, ...]
    next_voxels: int

    @property
    def slenderness(self) -> float:
        return self.voxels / (4 / 3 * np.pi * self.radius**3)


def evenness(void: Mask, depth: NDArray[np.float32], *, share: float = 0.85) -> float:
    radius = share * float(depth[void].max())
    centres = depth > radius
    return float((distance_to(centres)[void] <= radius).mean())


def large_voids(voids: Mask, depth: NDArray[np.float32]) -> Iterator[Void]:
    from scipy.ndimage import find_objects

    labels, counts = label_faces(voids)
    if len(counts) < 2:
        return
    order = np.argsort(counts[1:])[::-1] + 1
    equal = counts[order] >= SIMILAR * counts[order[0]]
    rest = int(counts[order][~equal].max(initial=0))
    places = find_objects(labels)
    for k in order[equal][:12]:
        place = places[k - 1]
        mask = labels[place] == k
        wide = tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in place)
        inside = labels[wide] == k
        d = np.where(inside, depth[wide], 0)
        yield Void(
            place,
            mask,
            int(counts[k]),
            float(d.max()),
            evenness(inside, d),
            faces_met(labels == k),
            rest,
        )


def is_porous(pores: Mask, depth: NDArray[np.float32], below: NDArray[np.float32]) -> bool:
    """Whether dark space within the hull is a network of pores, not one notch or even lattice.

    below: distance to the air beyond the hull.
    """
    labels, counts = label_faces(pores)
    largest = labels == counts[1:].argmax() + 1
    radius = float(np.percentile(depth[largest], 95))
    big = float(depth[largest].max())
    even = evenness(largest, np.where(largest, depth, 0))
    deep = float(below[largest].max())
    slender = counts[1:].max() / (4 / 3 * np.pi * big**3)
    print(
        f"      pores {100 * pores.mean():.2f} share of pores {100 * largest.mean():.2f} R95 {radius:.1f} R {big:.1f} even {even:.2f} slender {slender:.1f} deep {deep:.1f}"
    )
    return even < 0.5 and slender >= 15 and deep >= 3 * big


def is_channel(void: Void, *, part: int, resolved: float, least: float) -> bool:
    if void.radius < max(resolved, least) or len(void.faces) > 4:
        return False
    through = any(f"{a}-" in void.faces and f"{a}+" in void.faces for a in "zyx")
    if through or void.voxels >= 0.15 * part:
        return void.even >= 0.7
    far_larger = void.voxels >= 50 * void.next_voxels
    return far_larger and void.even >= 0.8 and void.slenderness >= 2.5
