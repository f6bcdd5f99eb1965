"""Measures of each phase that follow from its cells and chords: surface, curvature, chords.

All surfaces are those between a phase and the other phases of the part, over the volume of the
part. The edge of the volume and of the mask is no surface.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.bodies.surface_area import EARLIER, direction_weights
from poroscale.kernels.phases import cell_tables
from poroscale.statistics.counting import PhaseCounts

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Contacts:
    """Pairs of neighbouring voxels by direction and by phase.

    Attributes
    ----------
    pairs
        int64 (13, P + 1, P + 1): pairs along the directions `EARLIER`, symmetric in the two codes;
        the last code stands for voxels that are not part. Two voxels of one phase count once.
    voxel_size
        In um.
    """

    pairs: Counts
    voxel_size: tuple[float, float, float]

    @classmethod
    def of(cls, counts: PhaseCounts) -> Contacts:
        """The contacts of a volume, from the table of its cells."""
        cells, phases = counts.cells, counts.phases.count
        found = cells["contacts"] + cells["contacts"].transpose(0, 2, 1)
        each = np.arange(phases + 1)
        found[:, each, each] //= 2
        found[:, each[:-1], each[:-1]] += cells["whole"]
        two, all_set = cells["two"], 255
        differs, both = cell_tables.differing(), cell_tables.both()
        unlike = np.einsum("abp,ip->iab", two, differs)
        found[:, :phases, :phases] += unlike + unlike.transpose(0, 2, 1)
        first = np.einsum("abp,ip->ia", two, both)
        other = np.einsum("abp,ip->ib", two, both[:, all_set - np.arange(256)])
        found[:, each[:-1], each[:-1]] += first + other
        return cls(found, counts.voxel_size)

    @cached_property
    def of_part(self) -> Counts:
        """int64 (13,): pairs of which both voxels are part."""
        inner = self.pairs[:, :-1, :-1]
        own = np.einsum("iaa->i", inner)
        return np.asarray((inner.sum(axis=(1, 2)) + own) // 2)

    def between(self, codes: list[int], others: list[int]) -> Counts:
        """int64 (13,): pairs of a phase of `codes` and one of `others`, which have none in common.

        Code -1 stands for voxels that are not part.
        """
        return np.asarray(self.pairs[:, codes][:, :, others].sum(axis=(1, 2)))

    def interface(self, codes: list[int], others: list[int]) -> float:
        """Area of the interface by Crofton's formula over the volume of the part [1/um].

        A line of random direction meets the interface half as often per length as there is area
        per volume (Ohser & Schladitz, 3D Images of Materials Structures, 2009). The lattice gives
        thirteen directions, weighted by their shares of the sphere. NaN where no voxel of the part
        has a neighbour. Of one slice only the directions in its plane count; the area is then that
        of a volume of which the slice is a plane section, alike in all directions.
        """
        steps = np.linalg.norm(np.array(EARLIER) * np.array(self.voxel_size), axis=1)
        pairs, ends = self.of_part.astype(float), self.between(codes, others).astype(float)
        seen = pairs > 0
        if not seen.any():
            return float("nan")
        weights = direction_weights(self.voxel_size)[seen]
        per_length = ends[seen] / (pairs[seen] * steps[seen])
        return float(2 * (weights * per_length).sum() / weights.sum())

    def faces(self, codes: list[int], others: list[int]) -> float:
        """Area of the faces of voxels between the phases over the volume of the part [1/um].

        A smooth surface that is alike in all directions comes out too large by 3/2, because a
        face looks along an axis, whatever the direction of the surface.
        """
        pairs, ends = self.of_part, self.between(codes, others)
        found = [
            ends[along] / (pairs[along] * step)
            for along, step in zip(cell_tables.ALONG, self.voxel_size, strict=True)
            if pairs[along]
        ]
        return float(sum(found)) if found else float("nan")


def pattern_counts(counts: PhaseCounts, code: int) -> Counts:
    """int64 (256,): cells by the pattern of a phase, but for pattern 0, the cells without it."""
    cells = counts.cells
    found = cells["patterns"][code] + cells["two"][code].sum(axis=0)
    found += cells["two"][:, code].sum(axis=0)[::-1]  # the pattern of the other phase
    found[255] += cells["whole"][code]
    found[0] = 0
    return np.asarray(found)


@dataclass(frozen=True)
class Minkowski:
    """Minkowski functionals of a phase, taken as a body within the volume.

    Beyond the volume and the part there is none of the phase, so that the edge closes it, as in
    `skimage.measure.euler_number`.

    Attributes
    ----------
    volume_um3
        Volume of its voxels [um3].
    surface_um2
        Area of its boundary by Crofton's formula [um2], the edge included.
    mean_breadth_um
        Mean over z, y, x of its breadth: the Euler numbers of the plane sections across an axis,
        summed and multiplied with their distance [um]. The integral of the mean curvature is
        2 pi times this. Sections are counted as the mean of 4 and of 8 neighbours.
    euler_6, euler_26
        Euler number with 6 and with 26 neighbours: bodies less tunnels plus hollows.
    """

    volume_um3: float
    surface_um2: float
    mean_breadth_um: float
    euler_6: int
    euler_26: int

    @property
    def integral_mean_curvature_um(self) -> float:
        """Integral of the mean curvature over the boundary [um]."""
        return 2 * np.pi * self.mean_breadth_um


def minkowski(counts: PhaseCounts, code: int) -> Minkowski:
    """Minkowski functionals of the phase of a code, from the table of cells."""
    patterns, size = pattern_counts(counts, code), np.array(counts.voxel_size)
    voxel = float(np.prod(size))
    steps = np.linalg.norm(np.array(EARLIER) * size, axis=1)
    ends = cell_tables.differing() @ patterns
    weights = direction_weights(counts.voxel_size)
    surface = 2 * voxel * (weights * ends / steps).sum() / weights.sum()
    breadths = [
        0.5 * size[axis] * int(cell_tables.planar_euler(axis, closed=closed) @ patterns)
        for axis in range(3)
        for closed in (False, True)
    ]
    return Minkowski(
        int(counts.voxels[code]) * voxel,
        float(surface),
        float(sum(breadths)) / 3,
        int(cell_tables.euler(closed=False) @ patterns),
        int(cell_tables.euler(closed=True) @ patterns),
    )


@dataclass(frozen=True)
class TripleLine:
    """Line at which three phases or more meet, over the volume of the part [1/um2].

    Attributes
    ----------
    edges_per_um2
        Length of the edges of voxels whose four voxels hold three phases or more, as published
        for fuel-cell electrodes (Golbert et al., J. Electrochem. Soc. 155, 2008). A line of random
        direction comes out too long by 3/2.
    smoothed_per_um2
        Estimate of the length of the smooth line: `SMOOTH_LINE` times the length of the edges, what
        cutting the corners of their staircase saves, and the length of edges that end or branch.
    """

    edges_per_um2: float
    smoothed_per_um2: float


SMOOTH_LINE = (0.897, -1.061, -0.253)
"""Fitted to 152 straight lines of random direction at which two planes meet at 60 to 120 degrees.

The estimate is then 0.998 of the true length in the mean, with a standard deviation of 0.044.
"""


def triple_line(counts: PhaseCounts) -> TripleLine:
    """Density of the triple line of a volume of three phases or more."""
    size = np.array(counts.voxel_size)
    turns = counts.cells["triple_turns"].astype(float)
    z, y, x = size
    bent = 0.5 * np.hypot([z, z, y], [y, x, x])
    saved = turns[3:6] @ (0.5 * np.array([z + y, z + x, y + x]) - bent)
    whole = counts.part_voxels * float(np.prod(size))
    edges = float(counts.cells["triple"] @ size)
    if not whole:
        return TripleLine(float("nan"), float("nan"))
    smooth = np.array(SMOOTH_LINE) @ [edges, saved, turns[6:] @ size]
    return TripleLine(edges / whole, float(smooth) / whole)


def lineal_path(counts: PhaseCounts, code: int, axis: int) -> Floats:
    """Probability that a line along an axis lies in the phase, by its length.

    Lu & Torquato, Phys. Rev. A 45, 922 (1992). Lag k is the distance of the first and the last of
    k + 1 voxels in a row; a line that leaves the part is not counted.

    Returns
    -------
    float64 (n,)
        Probabilities at lags 0, 1 ... n - 1 voxels; NaN where the part has no such line.
    """
    return path_of_chords(counts.chords[axis][code], counts.part_chords[axis])


def path_of_chords(chords: Counts, part_chords: Counts) -> Floats:
    """`lineal_path` of the chords (2, n + 1) of a phase and of those of the part."""
    inside, part = _lines(chords), _lines(part_chords)
    return np.divide(inside, part, out=np.full(len(part), np.nan), where=part > 0)


def _lines(chords: Counts) -> Counts:
    """Lines of 1, 2 ... n voxels in a row that lie within the chords (2, n + 1)."""
    longer = chords.sum(axis=0)[::-1].cumsum()[::-1]  # chords of at least so many voxels
    return np.asarray(longer[::-1].cumsum()[::-1][1:])


@dataclass(frozen=True)
class ChordLengths:
    """Lengths of the chords of a phase along an axis.

    Attributes
    ----------
    counts
        int64 (n + 1,): chords between two other phases, by their number of voxels.
    cut
        Chords ended by the edge of the volume or of the part, which are not among them.
    mean_um
        Mean length, with the chords at the edge taken into account: voxels of the phase over half
        the number of chord ends; the ends between planes of voxels are scaled to as many as there
        are planes. Infinite where no chord ends, NaN without the phase [um].
    """

    counts: Counts
    cut: int
    mean_um: float

    def density(self, step: float) -> Floats:
        """Probability density of the lengths 0, 1 ... n voxels of edge `step` um [1/um]."""
        total = int(self.counts.sum())
        return self.counts / (total * step) if total else np.full(len(self.counts), np.nan)


def chord_lengths(counts: PhaseCounts, contacts: Contacts, code: int, axis: int) -> ChordLengths:
    """Chord lengths of a phase along an axis (Torquato & Lu, Phys. Rev. E 47, 2950, 1993)."""
    whole, cut = counts.chords[axis][code]
    others = [k for k in range(counts.phases.count) if k != code] + [-1]
    ends = int(contacts.between([code], others)[cell_tables.ALONG[axis]])
    n, voxels = counts.shape[axis], int(counts.voxels[code])
    if not ends:
        mean = float("inf") if voxels else float("nan")
    else:
        mean = 2 * voxels * counts.voxel_size[axis] * (n - 1) / (ends * n)
    return ChordLengths(np.asarray(whole), int(cut.sum()), mean)
