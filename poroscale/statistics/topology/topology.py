"""The verb `topology`: Betti curves and persistence pairs of a volume as a folder of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import JobPlan, Run, connect, plan_job
from poroscale.engine.jobs.work import held_folder
from poroscale.manifest import record_results, write_durably
from poroscale.statistics.curves import Curves
from poroscale.statistics.phases import phase_map
from poroscale.statistics.topology.betti import (
    STATISTICS,
    VolumeTopology,
    topology_pass,
    volume_topology,
)
from poroscale.statistics.topology.config import CAP_VOXELS, TopologyConfig
from poroscale.statistics.topology.filtration import Filtration
from poroscale.statistics.topology.pair_sums import PairTable
from poroscale.storage.columns import write_columns
from poroscale.verb import Section, verb
from poroscale.volume import Volume

NUMBERS, CURVES, PAIRS = "topology.json", "curves.parquet", "pairs.parquet"
FORMAT = 1


@verb("topology", Section.of("topology", TopologyConfig), volumes=("volume",), plan="plan_topology")
def topology(
    volume: Volume,
    out_dir: str | Path,
    *,
    config: TopologyConfig | None = None,
    run: Run | None = None,
) -> VolumeTopology:
    """Count components, handles and cavities of a volume, level by level.

    Parameters
    ----------
    volume
        Grey values, or phases of which `config.phase` names one; an image where it is one voxel
        thick.
    out_dir
        Folder for `topology.json`, `curves.parquet` (columns statistic, phase, axis, lag_um, value;
        `lag_um` is the level: a grey value, or a distance [um]) and `pairs.parquet` (dimension,
        birth, death, count). What is there of them is replaced.
    config
        Filtration, levels and connectivity.
    run
        Memory, workers and cluster; changes no byte.

    Returns
    -------
    VolumeTopology
        Curves and pairs, exact for any size of the volume.

    Raises
    ------
    TypeError
        If a phase is asked for and the volume holds floats.
    ValueError
        If the phase is absent or missing, or a grey value is NaN or infinite.
    MemoryError
        If the budget cannot hold one block.
    """
    config, run, out = config or TopologyConfig(), run or Run(), Path(out_dir)
    filtration = filtration_of(config, volume)
    if out.resolve().is_relative_to(volume.path.resolve()):
        raise ValueError(f"output must not lie inside the input {volume.path}, got {out}")
    with connect(run, job="topology") as shared, held_folder(out) as folder:
        if filtration.phase is not None:
            phase_map(volume, run=shared).code(filtration.phase)
        found = volume_topology(volume, filtration, levels=config.levels, run=shared)
        _write(found, filtration, volume, folder)
    return found


def plan_topology(
    volume: Volume, *, config: TopologyConfig | None = None, run: Run | None = None
) -> JobPlan:
    """The plan of `topology`, with the same arguments."""
    filtration = filtration_of(config or TopologyConfig(), volume)
    declared = topology_pass(volume.shape, volume.dtype, filtration)
    return plan_job(volume.spec, {declared.title: declared}, run or Run())


def filtration_of(config: TopologyConfig, volume: Volume) -> Filtration:
    """The filtration that settings describe, of a volume.

    Raises
    ------
    ValueError
        If a phase is missing, or given without need.
    """
    kind = config.of or ("grey" if config.phase is None else "distance")
    if kind == "grey" and config.phase is not None:
        raise ValueError(f'`phase` must be left out where `of` is "grey", got {config.phase}')
    if kind != "grey" and config.phase is None:
        raise ValueError(f'`phase` must be given where `of` is "{kind}", got none')
    if kind != "distance" and config.cap_um is not None:
        raise ValueError(f'`cap_um` must be left out where `of` is "{kind}", got {config.cap_um}')
    cap = 0.0
    if kind == "distance":
        cap = config.cap_um or CAP_VOXELS * min(volume.voxel_size)
    return Filtration(kind, config.phase, volume.voxel_size, cap, wide=config.connectivity == 26)


def _write(found: VolumeTopology, filtration: Filtration, volume: Volume, folder: Path) -> None:
    about = {"kind": "topology", "format": FORMAT}
    _curves(found, filtration).write(folder / CURVES, about=about)
    write_columns(_pairs(found), folder / PAIRS, about=about)
    numbers = _numbers(found, filtration, volume)
    write_durably(folder / NUMBERS, (json.dumps(numbers, indent=1) + "\n").encode())
    record_results(folder, files=[NUMBERS, CURVES, PAIRS])


def _curves(found: VolumeTopology, filtration: Filtration) -> Curves:
    phase = "" if filtration.phase is None else str(filtration.phase)
    curves = Curves()
    for name, values in zip(STATISTICS, [*found.betti, found.euler], strict=True):
        curves.add(name, phase, "", found.levels, values)
    return curves


def _pairs(found: VolumeTopology) -> dict[str, NDArray[Any]]:
    tables = (found.components, found.cavities)
    dimensions = (0, 1 if found.image else 2)
    lengths = [len(table.count) for table in tables]
    return {
        "dimension": np.repeat(np.array(dimensions, np.int8), lengths),
        **{
            name: np.concatenate([getattr(table, name) for table in tables])
            for name in ("birth", "death", "count")
        },
    }


def _numbers(found: VolumeTopology, filtration: Filtration, volume: Volume) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        "format": FORMAT,
        "volume": volume.path.name,
        "of": filtration.kind,
        "phase": filtration.phase,
        "voxel_size_um": list(volume.voxel_size),
        "cap_um": filtration.cap or None,
        "connectivity": 26 if filtration.wide else 6,
        "connectivity_of_the_rest": 6 if filtration.wide else 26,
        "levels": len(found.levels),
        "lowest": found.oldest.item(),
        "components": _in_words(found.components, 0),
        "cavities": _in_words(found.cavities, 1 if found.image else 2),
    }
    return numbers | ({} if filtration.phase is None else found.at(0))


def _in_words(table: PairTable, dimension: int) -> dict[str, Any]:
    return {
        "dimension": dimension,
        "pairs": table.total,
        "listed": table.listed,
        "not_listed_up_to_persistence": table.cut or None,
    }
