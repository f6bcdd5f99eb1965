"""Weights, clusters and spacing of a part model, with which new parts hold as many pores as scans.

The model is drawn and placed for trial. What placement and the surface reject is added to the
weights, stratum by stratum. Clusters or a wider spacing then bring neighbours closest to those of
the scans.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.parts.packing import SLAB, Candidates, size_classes
from poroscale.kernels.parts.voxel_shapes import moments
from poroscale.parts.bank import Bank
from poroscale.parts.geometry import Geometry
from poroscale.parts.model import PartModel
from poroscale.parts.placing.candidates import CandidateSampler
from poroscale.parts.placing.placement import Planner, place_pores

if TYPE_CHECKING:
    from poroscale.parts.fit import ScanPores

Floats = NDArray[np.float64]
GeometryOf = Callable[[int, int], Geometry]
"""`geometry_of(layers, seed)`: a new part from the same fit, `layers` voxels high."""
TRIAL_PORES, LEAST_LAYERS, MOST_LAYERS = 12_000, 512, 16_384
ROUNDS = 4
NEAR = 60.0
"""Depth [um] that separates the strata of the calibration."""
FRACTIONS = (0.1, 0.2, 0.35, 0.5)
"""Shares of clustered pores that are tried."""
WIDER, CHANCES, WIDEST_GAP = (0.1, 0.25), (0.4, 0.8), 12.0
"""Quantiles of the scans' gaps, and shares of the pairs that keep them, that are tried."""
NO_MISFIT = 0.8
"""Kolmogorov-Smirnov distances below this over the root of the number are left to chance."""


@dataclass(frozen=True)
class PlacementTrial:
    """Pores that were placed for trial: rows of the model's table, and centroids [voxel].

    `meant` is the length [um] over which the rates of the table would give as many as were meant:
    that of the part, times its cross-section over that of the scans.
    """

    source: NDArray[np.int64]
    centroid: Floats
    meant: float


@dataclass(frozen=True)
class Trials:
    """Parts that are planned for trial.

    Attributes
    ----------
    geometry_of
        Gives the parts, with generated surfaces.
    workers
        Threads.
    show
        Draw progress bars.
    """

    geometry_of: GeometryOf
    workers: int = 1
    show: bool | None = False
    _made: dict[tuple[int, int], Geometry] = field(default_factory=dict, repr=False, compare=False)

    def _geometry(self, layers: int, seed: int) -> Geometry:
        """The part of the last trial if it is the same: its surface takes most of a trial."""
        if (layers, seed) not in self._made:
            self._made.clear()
            self._made[layers, seed] = self.geometry_of(layers, seed)
        return self._made[layers, seed]

    def __call__(self, model: PartModel, seed: int = 0) -> PlacementTrial:
        """The pores of a model that find a place in a part of thousands of them."""
        per_layer = float(model.pores["rate"].sum()) * model.voxel_um
        layers = int(np.clip(TRIAL_PORES / per_layer, LEAST_LAYERS, MOST_LAYERS)) // SLAB * SLAB
        geometry = self._geometry(layers, 1_000_003 + seed)
        sampler = CandidateSampler(model, geometry, 1_000_003 + seed)
        planner = Planner(sampler, model.bank.shapes, model.spacing)
        placed = place_pores(planner, layers, workers=self.workers, show=self.show)
        centroid = _centroids(placed, model.bank)
        inside = (centroid[:, 0] >= 0) & (centroid[:, 0] < layers)
        scale = sampler.scale if abs(sampler.scale - 1) > 1e-9 else 1.0
        length = layers * model.voxel_um * scale
        return PlacementTrial(placed.source[inside].astype(np.int64), centroid[inside], length)


def calibrated(model: PartModel, trials: Trials, *, scans: Sequence[ScanPores]) -> PartModel:
    """The model with weights and clusters such that what is placed is what was found."""
    for _ in range(ROUNDS - 1):
        model = _reweighted(model, trials(model))
    model = _arranged(model, trials(model), trials, scans=scans)
    for _ in range(2):
        model = _reweighted(model, trials(model))
    last = trials(model, seed=1)
    meant = float(model.pores["rate"].sum()) * last.meant
    record = model.settings.calibration.but(
        placed_over_intended=len(last.source) / meant,
        offered_over_intended=float(model.pores["weight"].sum() / model.pores["rate"].sum()),
    )
    return replace(model, settings=model.settings.but(calibration=record))


def _centroids(placed: Candidates, bank: Bank) -> Floats:
    count, sums, _ = moments(bank.shapes)
    return np.asarray(placed.corner + (sums / count[:, None] + 0.5)[placed.shape])


def _reweighted(model: PartModel, trial: PlacementTrial) -> PartModel:
    pores, meant = model.pores, trial.meant
    if model.settings.sampling == "maps":
        factor = float(pores["rate"].sum()) * meant / max(1, len(trial.source))
        record = model.settings.calibration
        record = record.but(map_factor=record.map_factor * float(np.clip(factor, 0.2, 5)))
        return replace(model, settings=model.settings.but(calibration=record))
    stratum = _strata(model)
    placed = np.bincount(stratum[trial.source], minlength=stratum.max() + 1)
    wanted = np.bincount(stratum, pores["rate"] * meant, minlength=stratum.max() + 1)
    # A stratum of few pores is pulled towards what holds for all.
    whole = wanted.sum() / max(1, placed.sum())
    factor = (wanted + 30 * whole) / (placed + 30)
    return replace(
        model, pores=pores.assign(weight=pores["weight"] * np.clip(factor, 0.3, 4)[stratum])
    )


def _strata(model: PartModel) -> NDArray[np.int64]:
    """Strata by size class, depth, and whether a pore is open; of 30 pores at least."""
    pores = model.pores
    size = size_classes(model.bank.shapes.extents[pores["bank_row"].to_numpy()])
    near = (pores["depth_um"] < NEAR).to_numpy().astype(np.int64)
    opened = pores["opened"].to_numpy().astype(np.int64)
    whole = (size * 2 + near) * 2 + opened
    _, stratum, count = np.unique(whole, return_inverse=True, return_counts=True)
    small = count[stratum] < 10
    merged = np.where(small & (opened == 0), len(count) + near, stratum)
    _, stratum = np.unique(merged, return_inverse=True)
    return np.asarray(stratum.ravel(), np.int64)


def _arranged(
    model: PartModel, trial: PlacementTrial, trials: Trials, *, scans: Sequence[ScanPores]
) -> PartModel:
    """The clusters or the wider spacing that bring nearest neighbours closest to the scans'.

    Clusters are for neighbours whose centroids are nearer than chance has them, spacing for pores
    that leave more solid between them.
    """
    known = [scan for scan in scans if len(scan.columns["z_um"]) > 10]
    if not known:
        return model
    distances = np.concatenate([_neighbours(_points(scan)) for scan in known])
    gaps = np.concatenate([sphere_clearances(_points(scan), _radii(scan)) for scan in known])
    for scanned, of, changes in (
        (distances, _placed_distances, _clusters(distances)),
        (gaps, _placed_clearances, _spacings(scans, model)),
    ):
        alone = of(model, trial)
        nearer = np.median(scanned) < np.median(alone)
        best = _misfit(scanned, alone)
        if nearer != (of is _placed_distances) or best < NO_MISFIT / math.sqrt(len(scanned)):
            continue
        base = model
        for change in changes:
            other = replace(base, settings=base.settings.but(**change))
            placed = trials(other)
            found = _misfit(scanned, of(other, placed))
            if found < best:
                best, model, trial = found, other, placed
    return model


def sphere_clearances(points: Floats, radii: Floats) -> Floats:
    """(n,) least distance to another pore, from sphere to sphere of equal volumes [um].

    Nearly the solid between two pores, from what a plan knows; negative where long pores interlock.
    """
    from scipy.spatial import cKDTree

    near = min(7, len(points))
    distance, other = cKDTree(points).query(points, k=near)
    return np.asarray((distance[:, 1:] - radii[other[:, 1:]]).min(axis=1) - radii)


def _radii(scan: ScanPores) -> Floats:
    return np.asarray(np.cbrt(3 / (4 * np.pi) * scan.columns["volume_um3"]))


def _placed_distances(model: PartModel, trial: PlacementTrial) -> Floats:
    return _neighbours(trial.centroid) * model.voxel_um


def _placed_clearances(model: PartModel, trial: PlacementTrial) -> Floats:
    rows = model.pores["bank_row"].to_numpy()[trial.source]
    radii = np.cbrt(3 / (4 * np.pi) * model.bank.table["volume_um3"][rows])
    return sphere_clearances(trial.centroid * model.voxel_um, radii)


def _clusters(distances: Floats) -> list[dict[str, Any]]:
    scale = float(np.quantile(distances, 0.15)) / math.sqrt(2)
    return [{"cluster": {"fraction": each, "scale_um": scale}} for each in FRACTIONS]


def _spacings(scans: Sequence[ScanPores], model: PartModel) -> list[dict[str, Any]]:
    """Wider gaps, up to the quarter of the scans' own, for some of the pairs or for most."""
    gaps = np.concatenate([scan.columns["neighbour_gap_um"] for scan in scans]) / model.voxel_um
    gaps = gaps[np.isfinite(gaps)]
    wide = [min(float(np.quantile(gaps, q)), WIDEST_GAP) for q in WIDER] if len(gaps) else []
    gap = model.spacing.gap
    return [
        {"spacing": {"gap": gap, "wide": each, "chance": chance}}
        for each in wide
        for chance in CHANCES
        if each > gap
    ]


def _points(scan: ScanPores) -> Floats:
    return np.stack([scan.columns[f"{axis}_um"] for axis in "zyx"], axis=1)


def _neighbours(points: Floats) -> Floats:
    from scipy.spatial import cKDTree

    if len(points) < 2:
        return np.zeros(0)
    distance, _ = cKDTree(points).query(points, k=2)
    return np.asarray(distance[:, 1])


def _misfit(scanned: Floats, placed: Floats) -> float:
    """Kolmogorov-Smirnov distance."""
    from scipy.stats import ks_2samp

    return float(ks_2samp(scanned, placed).statistic) if len(placed) else 1.0
