"""Agreement of measured pores with the truth.

Where the volumes are given, pores are matched by the voxels they share:

- a truth pore is *found* when one measured pore covers at least a quarter of its voxels;
- a measured pore is *true* when at least a quarter of its voxels lie in truth pores;
- volumes and centroids are compared for the pairs of which each shares most with the other.

With tables alone they are matched by their centroids: the nearest pairs first, one to one, no
further apart than half of the truth pore's equivalent diameter (at least 1.5 voxels).

Recall is the share of truth pores that are found, precision the share of measured pores that are
true, both above a smallest equivalent diameter. Pores below it count for neither, but a pore above
it may be matched by one below. Open pores are cavities of the surface, which a segmentation may
call outside: their recall is stated separately.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.bodies.matching import (
    Bodies,
    Matches,
    add_shared,
    match_by_centroid,
    match_by_overlap,
    shared_voxels,
)
from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.part import PoreIds
from poroscale.volume import Volume

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SLAB_VOXELS = 16_000_000


def score_pores(
    truth: pd.DataFrame,
    measured: pd.DataFrame,
    *,
    truth_volume: Volume | None = None,
    labels: Volume | None = None,
    smallest: float = 5.0,
) -> dict[str, Any]:
    """Compare a table of measured pores with the truth table of a phantom.

    Parameters
    ----------
    truth : DataFrame
        Table from `SCAN.truth.parquet`.
    measured : DataFrame
        With the columns `label`, `voxel_count` and `centroid_z_um`, `_y_um`, `_x_um`; volumes are
        compared by `volume_um3` where it is there.
    truth_volume : Volume, optional
        `SCAN.truth.zarr`; with `labels`, pores are matched by overlap.
    labels : Volume, optional
        Measured labels on the same grid.
    smallest : float
        Pores of a larger equivalent diameter in voxels count.

    Returns
    -------
    dict
        JSON-able; a figure that no pore contributes to is None. Volume errors are relative
        (0.1: 10 % too large), centroid errors in um.

    Raises
    ------
    ValueError
        If only one volume is given, or the two disagree in shape.
    """
    if (truth_volume is None) != (labels is None):
        raise ValueError("truth_volume and labels must be given together, got only one of them")
    if truth_volume is not None and labels is not None:
        rule, matches = "overlap", _match_by_overlap(truth, measured, truth_volume, labels)
    else:
        rule, matches = "centroid", _match_by_centroid(truth, measured)
    large = _diameters(truth) > smallest
    large_measured = _diameters(measured) > smallest
    is_open = truth["open"].to_numpy(bool)
    return {
        "matched_by": rule,
        "smallest_diameter_voxels": smallest,
        "truth_count": int(large.sum()),
        "measured_count": int(large_measured.sum()),
        "recall": _mean(matches.found[large]),
        "recall_closed": _mean(matches.found[large & ~is_open]),
        "recall_open": _mean(matches.found[large & is_open]),
        "precision": _mean(matches.true[large_measured]),
        "merged": matches.merged,
        "split": matches.split,
        **_errors(truth, measured, matches.pairs[large[matches.pairs[:, 0]]]),
    }


def _diameters(table: pd.DataFrame) -> FloatArray:
    return np.asarray(np.cbrt(6 * table["voxel_count"].to_numpy(float) / np.pi))


def _centroids(table: pd.DataFrame) -> FloatArray:
    return table[[f"centroid_{axis}_um" for axis in "zyx"]].to_numpy(float)


def _mean(values: NDArray[Any]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _errors(truth: pd.DataFrame, measured: pd.DataFrame, pairs: IntArray) -> dict[str, Any]:
    # The volume of a measured pore may come from partial volume rather than from its voxels.
    size = "volume_um3" if "volume_um3" in measured and "volume_um3" in truth else "voxel_count"
    t = truth[size].to_numpy(float)[pairs[:, 0]]
    m = measured[size].to_numpy(float)[pairs[:, 1]]
    away = _centroids(truth)[pairs[:, 0]] - _centroids(measured)[pairs[:, 1]]
    distance = np.linalg.norm(away, axis=1)
    some = len(pairs) > 0
    return {
        "pairs": len(pairs),
        "volume_error_median": float(np.median(m / t - 1)) if some else None,
        "volume_error_mean_absolute": _mean(np.abs(m / t - 1)),
        "volume_error_total": float(m.sum() / t.sum() - 1) if some else None,
        "centroid_error_um_median": float(np.median(distance)) if some else None,
        "centroid_error_um_p95": float(np.percentile(distance, 95)) if some else None,
    }


def _match_by_overlap(
    truth: pd.DataFrame, measured: pd.DataFrame, truth_volume: Volume, labels: Volume
) -> Matches:
    return match_by_overlap(
        Bodies(truth["id"].to_numpy(), truth["voxel_count"].to_numpy()),
        Bodies(measured["label"].to_numpy(), measured["voxel_count"].to_numpy()),
        _shared_voxels(truth_volume, labels),
    )


def _shared_voxels(truth_volume: Volume, labels: Volume) -> IntArray:
    """Pairs (truth id, label) that share voxels, and how many, slab by slab; int64 (n, 3)."""
    if truth_volume.shape != labels.shape:
        raise ValueError(
            f"labels must have the truth's shape {truth_volume.shape}, got {labels.shape}"
        )
    config = PhantomConfig.model_validate(truth_volume.attributes["source"]["phantom"])
    ids = PoreIds(config)
    nz, ny, nx = labels.shape
    step = max(1, min(nz, SLAB_VOXELS // (ny * nx)))
    slabs = (((z, 0, 0), (min(step, nz - z), ny, nx)) for z in range(0, nz, step))
    return add_shared(shared_voxels(ids(*slab), labels.read(*slab)) for slab in slabs)


def _match_by_centroid(truth: pd.DataFrame, measured: pd.DataFrame) -> Matches:
    if not len(truth):
        return match_by_centroid(np.zeros((0, 3)), np.zeros(0), _centroids(measured))
    voxel = np.cbrt(truth["volume_um3"].to_numpy(float) / truth["voxel_count"].to_numpy(float))
    reach = np.maximum(0.5 * _diameters(truth), 1.5) * voxel
    return match_by_centroid(_centroids(truth), reach, _centroids(measured))
