"""Labels, table and measures of sparse pores, against cc3d, scipy and dask-image."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.benchmarks.data import sparse_pores
from poroscale.benchmarks.measure import Contender, Measured, Report, compare
from poroscale.benchmarks.table import MIB, Part, Row, at_most, times_faster
from poroscale.identity import kernel

HERE = "poroscale.benchmarks.label"
Timed = Callable[[], Any]
OURS, CC3D, SCIPY, DASK_IMAGE = "poroscale", "cc3d", "scipy", "dask-image"
PEAK = 768 * MIB
"""Promised for 1024³."""
BUDGET = "1GiB"
"""Memory allowed for the run. The plan assumes runs on every second voxel, which no scan has."""
NOTE = (
    "The volume has 2 % sparse pores; 6 neighbours touch. poroscale reads Zarr and writes "
    "Zarr: labels, the table of counts, boxes and moments, principal axes, nearest "
    "neighbours. The peers work on an array in memory, and loading it is not counted: cc3d "
    "gives labels and `statistics`, scipy gives labels alone, and dask-image gives labels "
    "alone, in chunks of 128³."
)


def label_part(
    edge: int, *, repeats: int, data: Path, report: Report, dask_image: bool = False
) -> Part:
    """The part of the benchmark for one size."""
    mask = {"mask": str(sparse_pores(data, edge))}
    contenders = [Contender(OURS, f"{HERE}:ours", mask)]
    if importlib.util.find_spec("cc3d"):
        contenders.append(Contender(CC3D, f"{HERE}:cc3d_in_memory", mask))
    contenders.append(Contender(SCIPY, f"{HERE}:scipy_in_memory", mask))
    if dask_image and importlib.util.find_spec("dask_image"):
        contenders.append(Contender(DASK_IMAGE, f"{HERE}:dask_image_in_memory", mask, runs=1))
    measured = compare(contenders, repeats=repeats, scratch=data, report=report)
    rows = label_rows(edge, measured)
    return Part(f"Labels, {edge}³", rows, list(measured.items()), NOTE)


def label_rows(edge: int, measured: dict[str, Measured]) -> list[Row]:
    """The promised figures beside the measured ones.

    Raises
    ------
    RuntimeError
        If two contenders do not count the same components: then no time means anything.
    """
    counts = {name: runs.result["components"] for name, runs in measured.items()}
    if len(set(counts.values())) > 1:
        raise RuntimeError(f"components must be as many for all, got {counts}")
    ours = measured[OURS]
    targets = {CC3D: 2.0, SCIPY: None, DASK_IMAGE: 100.0}
    rows = [
        times_faster(f"against {name}", ours, (name, measured[name]), at_least=target)
        for name, target in targets.items()
        if name in measured
    ]
    peak = at_most("peak memory", ours.peak / MIB, limit=PEAK / MIB, unit="MiB", shown=".0f")
    return [*rows, peak, Row("components", f"{counts[OURS]:,}")]


def ours(scratch: Path, *, mask: str) -> Timed:
    """Zarr to Zarr, with all measures that the integers give."""
    from poroscale.engine import volume_from_array
    from poroscale.volume import Volume

    volume = Volume.open(mask)
    tiny = volume_from_array(_tiny(), scratch / "tiny.zarr")
    _label_and_measure(tiny, scratch / "warm-up.zarr")
    return lambda: _label_and_measure(volume, scratch / "labels.zarr")


def _label_and_measure(volume: Any, out: Path) -> dict[str, Any]:
    from scipy.spatial import cKDTree

    from poroscale.engine import Components, Run, label_blocks
    from poroscale.kernels.bodies.moments import (
        SECOND_MOMENTS,
        axis_angles,
        centroid,
        principal_axes,
    )

    labelled = label_blocks(Components(same), volume, out, run=Run(memory=BUDGET))
    table = labelled.table()
    count = table["voxel_count"].to_numpy()
    sums = table[["sz", "sy", "sx"]].to_numpy()
    axes = principal_axes(
        count,
        sums,
        seconds=table[list(SECOND_MOMENTS)].to_numpy(),
        voxel_size=volume.voxel_size,
    )
    angles = axis_angles(axes.direction[:, 0])
    centres = centroid(count, sums) * volume.voxel_size
    distance = cKDTree(centres).query(centres, k=2, workers=-1)[0][:, 1]
    finite = np.isfinite(distance)
    return {
        "components": len(table),
        "voxels": int(count.sum()),
        "anisotropy": float(axes.anisotropy.mean()),
        "along_z": float(np.nanmean(angles[0])),
        "neighbour": float(distance[finite].mean()) if finite.any() else None,
    }


@kernel("bench.same")
def same(block: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mask is its own foreground."""
    return block


def cc3d_in_memory(_scratch: Path, *, mask: str) -> Timed:
    """Labels and statistics of an array."""
    import cc3d

    array = _loaded(mask)

    def timed() -> dict[str, Any]:
        labels, count = cc3d.connected_components(array, connectivity=6, return_N=True)
        counts = cc3d.statistics(labels)["voxel_counts"]
        return {"components": int(count), "voxels": int(counts[1:].sum())}

    cc3d.statistics(cc3d.connected_components(_tiny(), connectivity=6))
    return timed


def scipy_in_memory(_scratch: Path, *, mask: str) -> Timed:
    """Labels of an array."""
    from scipy.ndimage import label

    array = _loaded(mask)
    return lambda: {"components": int(label(array)[1])}


def dask_image_in_memory(_scratch: Path, *, mask: str) -> Timed:
    """Labels of an array in chunks of 128³, computed and thrown away block by block."""
    import dask.array
    from dask_image.ndmeasure import label

    array = dask.array.from_array(_loaded(mask), chunks=128)

    def timed() -> dict[str, Any]:
        labels, count = label(array)
        largest, components = dask.compute(labels.max(), count)
        assert largest == components
        return {"components": int(components)}

    return timed


def _loaded(mask: str) -> NDArray[np.uint8]:
    from poroscale.volume import Volume

    return Volume.open(mask).read()


def _tiny() -> NDArray[np.uint8]:
    tiny = np.zeros((32, 32, 32), np.uint8)
    tiny[2:5, 2:6, 2:7] = tiny[12:14, 20, 3:9] = tiny[20:30, 20:22, 30:] = 1
    return tiny
