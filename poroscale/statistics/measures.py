"""Statistics of a volume, each as numbers of its phases and curves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from poroscale.engine import Run
from poroscale.statistics.cluster_function import cluster_function
from poroscale.statistics.connectivity import AXES, Connectivity, connectivity
from poroscale.statistics.correlation import Correlations
from poroscale.statistics.counting import PhaseCounts
from poroscale.statistics.curves import Curves
from poroscale.statistics.morphology import (
    Contacts,
    chord_lengths,
    lineal_path,
    minkowski,
    triple_line,
)
from poroscale.statistics.pair_counting import correlations, reach_of
from poroscale.statistics.thickness import thickness
from poroscale.volume import Volume

Numbers = dict[str, Any]


@dataclass
class Subject:
    """The volume, what has been counted of it, and what is found.

    Attributes
    ----------
    volume, inside
        The phases, and the mask if there is one.
    counts
        Cells and chords.
    run
        Memory, workers and cluster.
    codes
        Codes of the phases that are measured.
    lags
        Largest lag of S2 and C2 [voxels].
    largest_um
        Largest diameter of the local thickness [um].
    phases, part, curves
        Numbers by code, numbers of the part, and curves that have been found.
    clusters
        Clusters by code, of phases that have been labelled.
    """

    volume: Volume
    counts: PhaseCounts
    inside: Volume | None
    run: Run
    codes: list[int]
    lags: int | None = None
    largest_um: float | None = None
    phases: dict[int, Numbers] = field(default_factory=dict)
    part: Numbers = field(default_factory=dict)
    curves: Curves = field(default_factory=Curves)
    clusters: dict[int, Connectivity] = field(default_factory=dict)

    def value(self, code: int) -> int:
        """Phase value of a code."""
        return self.counts.phases.values[code]

    def others(self, code: int) -> list[int]:
        """Codes of all other phases."""
        return [k for k in range(self.counts.phases.count) if k != code]

    @property
    def reach(self) -> int:
        """Largest lag [voxels]."""
        return max(reach_of(self.counts.shape, self.lags))


def add_surface(subject: Subject) -> None:
    """Surface by faces and by Crofton's formula."""
    contacts = Contacts.of(subject.counts)
    for code, found in subject.phases.items():
        others = subject.others(code)
        found["surface_faces_per_um"] = contacts.faces([code], others)
        found["surface_crofton_per_um"] = contacts.interface([code], others)


def add_minkowski(subject: Subject) -> None:
    """Minkowski functionals and Euler numbers."""
    for code, found in subject.phases.items():
        body = minkowski(subject.counts, code)
        found |= {
            "volume_um3": body.volume_um3,
            "body_surface_um2": body.surface_um2,
            "mean_breadth_um": body.mean_breadth_um,
            "integral_mean_curvature_um": body.integral_mean_curvature_um,
            "euler_6": body.euler_6,
            "euler_26": body.euler_26,
        }


def add_triple_line(subject: Subject) -> None:
    """Length of the line where three phases meet."""
    if subject.counts.phases.count < 3:
        return
    line = triple_line(subject.counts)
    subject.part["triple_line_edges_per_um2"] = line.edges_per_um2
    subject.part["triple_line_smoothed_per_um2"] = line.smoothed_per_um2


def add_chords(subject: Subject) -> None:
    """Mean chords, and the density of their lengths."""
    counts, contacts = subject.counts, Contacts.of(subject.counts)
    for code, found in subject.phases.items():
        for axis, name in enumerate(AXES):
            chords = chord_lengths(counts, contacts, code, axis)
            step = counts.voxel_size[axis]
            found[f"mean_chord_{name}_um"] = chords.mean_um
            density = chords.density(step)
            lengths = np.arange(len(density))
            last = int(np.flatnonzero(chords.counts).max(initial=0)) + 1
            kept = slice(1, last + 1)
            subject.curves.add(
                "chord_density", subject.value(code), name, lengths[kept] * step, density[kept]
            )


def add_lineal_path(subject: Subject) -> None:
    """Lineal path along the axes."""
    for code in subject.phases:
        for axis, name in enumerate(AXES):
            path = lineal_path(subject.counts, code, axis)
            last = int(np.flatnonzero(np.nan_to_num(path)).max(initial=0)) + 2
            lags = np.arange(len(path))[:last] * subject.counts.voxel_size[axis]
            subject.curves.add("lineal_path", subject.value(code), name, lags, path[:last])


def add_s2(subject: Subject) -> None:
    """S2 and what follows from it: uncertainty of the fraction, surface, correlation length."""
    counts = subject.counts
    found = correlations(
        subject.volume,
        phases=counts.phases,
        pairs=[(code, code) for code in subject.codes],
        lags=subject.lags,
        inside=subject.inside,
        run=subject.run,
    )
    for code, numbers in subject.phases.items():
        numbers["fraction_std"] = found.fraction_deviation(code)
        numbers["surface_s2_per_um"] = found.surface(code)
        numbers["correlation_length_um"] = found.correlation_length(code)
        _add_s2_curves(subject, found, code)


def _add_s2_curves(subject: Subject, found: Correlations, code: int) -> None:
    value = subject.value(code)
    for axis, name in enumerate(AXES):
        along = found.along(code, code, axis)
        if len(along) > 1:
            step = found.voxel_size[axis]
            subject.curves.add("s2", value, name, np.arange(len(along)) * step, along)
    radial = found.radial(code, code)
    lags = np.arange(len(radial)) * found.step
    subject.curves.add("s2", value, "radial", lags, radial)
    subject.curves.add("correlation", value, "radial", lags, found.correlation(code))


def add_connectivity(subject: Subject) -> None:
    """Clusters of six neighbours: the largest, and those that reach from face to face.

    They are known where C2 has been measured before.
    """
    for code, numbers in subject.phases.items():
        found = subject.clusters.get(code) or connectivity(
            subject.volume,
            subject.counts.phases,
            subject.value(code),
            inside=subject.inside,
            run=subject.run,
        )
        numbers["clusters"] = found.clusters
        numbers["connected_fraction"] = found.connected_fraction
        ways = zip(AXES, found.percolates, found.percolating_fraction, strict=True)
        for name, percolates, share in ways:
            numbers[f"percolates_{name}"] = percolates
            numbers[f"percolating_fraction_{name}"] = share


def add_c2(subject: Subject) -> None:
    """Two-point cluster function along the axes."""
    for code in subject.phases:
        found = cluster_function(
            subject.volume,
            subject.counts.phases,
            subject.value(code),
            lags=subject.reach,
            inside=subject.inside,
            run=subject.run,
        )
        subject.clusters[code] = found.clusters
        for name, step, values in zip(AXES, subject.counts.voxel_size, found.values, strict=True):
            if np.isfinite(values[1:]).any():
                lags = np.arange(len(values)) * step
                subject.curves.add("c2", subject.value(code), name, lags, values)


def add_thickness(subject: Subject) -> None:
    """Local thickness: its mean, median and deviation, and its density."""
    for code, numbers in subject.phases.items():
        found = thickness(
            subject.volume,
            subject.counts.phases,
            subject.value(code),
            largest_um=subject.largest_um,
            inside=subject.inside,
            run=subject.run,
        )
        numbers["thickness_mean_um"] = found.mean_um
        numbers["thickness_median_um"] = found.median_um
        numbers["thickness_std_um"] = found.std_um
        numbers["thickness_largest_um"] = found.largest_um
        numbers["thickness_capped_share"] = found.capped_share
        # Diameters are twice the roots of whole numbers: of narrower classes many hold none. The
        # classes lie about even numbers of voxels, which layers have: about odd numbers, all of a
        # layer of two voxels would be shown at three.
        edges, shares = found.histogram(2 * found.bin_um, begin_um=-found.bin_um)
        middles, widths = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
        subject.curves.add("thickness", subject.value(code), "", middles, shares / widths)
