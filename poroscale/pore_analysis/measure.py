"""From phases to pores: labels, and a table with one row per pore.

1. Label the pore voxels; voxels beside the outside are marked on the way.
2. Stream the labels once: what only voxels can tell, as integers (`blocks.py`).
3. Where the segmentation left shares of pore, add them up by pore (`grey_volumes.py`).
4. Compute every metric from the merged integers (`metrics.py`) and write the declared columns.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine import (
    Halo,
    JobPlan,
    Labelled,
    LabelPass,
    Pass,
    Run,
    connect,
    label_pass,
    plan_job,
)
from poroscale.engine.job_plan import planned
from poroscale.engine.jobs.recipe import numerics, plain
from poroscale.engine.jobs.work import held_folder
from poroscale.engine.passes import named
from poroscale.identity import kernel
from poroscale.kernels.bodies.moments import SECOND_MOMENTS
from poroscale.kernels.bodies.phase_marks import mark_beside
from poroscale.manifest import digest_of, record_results
from poroscale.pore_analysis.bank import write_bank
from poroscale.pore_analysis.blocks import MEASURES, stream_labels
from poroscale.pore_analysis.columns import COLUMNS, INPUT_LABEL
from poroscale.pore_analysis.config import PoresConfig
from poroscale.pore_analysis.forest import Forest
from poroscale.pore_analysis.grey_volumes import check_shares, grey_pass, grey_radius, stream_shares
from poroscale.pore_analysis.labelled import ImageLabels, number_labels
from poroscale.pore_analysis.labelled import passes as image_passes
from poroscale.pore_analysis.metrics import Scene, centroids, measure
from poroscale.pore_analysis.phases import VALUES, Chosen, choose_values
from poroscale.pore_analysis.table import TABLE, is_finished_table, write_table
from poroscale.verb import Section, verb
from poroscale.volume import Volume, VolumeSpec

PAGES = ("report.html", "report.json")
"""Made from the table: with a new one they are out of date."""
LABELS, WORK = "labels.zarr", "pores.work"
VERSION = 3
"""Rises when a metric changes its values."""
_AXES = ("z", "y", "x")


@verb(
    "pores",
    Section.of("pores", PoresConfig, outside="outside_value"),
    volumes=("phases", "shares"),
    plan="plan_pores",
)
def measure_pores(
    phases: Volume,
    out_dir: str | Path,
    *,
    shares: Volume | None = None,
    config: PoresConfig | None = None,
    run: Run | None = None,
) -> Path:
    """Label and measure the pores of a volume.

    Parameters
    ----------
    phases
        Phases of a part, any volume of integers of which one value is pore, or a label image.
    out_dir
        Folder for `labels.zarr`, `pores.parquet` and, with `config.bank`, `bank.zarr` with
        `bank.parquet`. What is there and finished by the same recipe is left alone.
    shares
        Shares of pore that the local segmentation wrote beside these phases. With them volume,
        diameter and centroid of a pore come from grey values; without, from counting voxels.
    config
        Values, connectivity, rules of the classes.
    run
        Memory, workers and cluster; changes no byte of the output.

    Returns
    -------
    Path
        The table: the columns of `columns.COLUMNS`, row i is label i + 1. No pore, no row. That of
        a label image has the column `input_label`, too: the value in the image.

    Raises
    ------
    TypeError
        If the volume does not hold integers, or `shares` are none.
    ValueError
        If its values do not tell which is pore, the shares belong to other phases, the output lies
        inside the input, or the output is there with other settings.
    MemoryError
        If the budget cannot hold one of the stages; nothing has been done then.
    """
    out_dir, config, run = Path(out_dir), config or PoresConfig(), run or Run()
    if out_dir.resolve().is_relative_to(phases.path.resolve()):
        raise ValueError(f"output must not lie inside the input {phases.path}, got {out_dir}")
    with connect(run, job="pores") as shared:
        if run.overwrite or not (out_dir / TABLE).exists():
            plan = partial(plan_pores, phases, shares=shares, config=config)
            shared = planned(shared, plan)  # noqa: PLW2901
        with held_folder(out_dir):
            return measure_into(out_dir, phases, shares=shares, config=config, run=shared)


def measure_into(
    out_dir: Path,
    phases: Volume,
    *,
    shares: Volume | None = None,
    chosen: Chosen | None = None,
    config: PoresConfig,
    run: Run,
) -> Path:
    """`measure_pores` for a job that holds the lock of `out_dir`.

    `chosen` are values of pore and outside that are known already, whatever `config` says.
    """
    if shares is not None:
        check_shares(shares, phases)
        grey_radius(phases.spec)
    work = out_dir / WORK
    if chosen is None:
        chosen = choose_values(phases, config, journal=work / "values", run=run)
    path = out_dir / TABLE
    if run.overwrite:  # first, so that an interrupted run leaves no table beside other labels
        path.unlink(missing_ok=True)
    if chosen.each and shares is not None:
        raise ValueError("`shares` must come with phases that `segment` made, got a label image")
    labelled = _label(phases, out_dir / LABELS, chosen, config=config, work=work, run=run)
    columns = (*COLUMNS, INPUT_LABEL) if chosen.each else COLUMNS
    metadata = _metadata(phases, labelled.volume, chosen, config)
    if shares is not None:
        metadata["recipe"]["shares"] = plain(shares)
    if not is_finished_table(path, metadata, overwrite=run.overwrite):
        # Each recipe has a journal of its own: what another one began is no obstacle.
        journal = work / digest_of(metadata)[:12]
        raw = _raw_columns(labelled, phases, chosen, shares=shares, work=journal, run=run)
        scene = Scene(phases.voxel_size, phases.origin, phases.shape, config)
        write_table(measure(raw, scene), path, metadata=metadata, columns=columns)
        record_results(out_dir, forget=PAGES)
    record_results(out_dir, files=[TABLE], outputs=[LABELS])
    if config.bank:
        write_bank(labelled.volume, path, out_dir, run=run)
    shutil.rmtree(work, ignore_errors=True)
    return path


def passes(
    spec: VolumeSpec, config: PoresConfig | None = None, *, shares: bool = False
) -> dict[str, Pass]:
    """Passes over phases of `spec`, with shares of pore or without."""
    config, kind = config or PoresConfig(), spec.attributes.get("kind")
    labels: tuple[Pass, ...]
    if config.labels or (config.pore is None and kind == "labels"):
        labels = image_passes(spec.dtype)
    else:
        labels = (_labels(spec.dtype, config),)
        labels = labels if kind == "phases" else (VALUES.but(reads=(spec.dtype,)), *labels)
    volumes = (grey_pass(grey_radius(spec)),) if shares else ()
    return named(*labels, MEASURES, *volumes)


def _labels(dtype: DTypeLike, config: PoresConfig) -> LabelPass:
    return LabelPass(
        "labels",
        pore_voxels,
        reads=(dtype,),
        writes=np.uint32,
        halo=Halo.of(1, pad="edge"),
        pyramid="max",
        connectivity=config.connectivity,
    )


def plan_pores(
    phases: Volume,
    *,
    shares: Volume | None = None,
    config: PoresConfig | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `measure_pores`.

    Raises
    ------
    MemoryError
        If the budget cannot hold a pass.
    """
    return plan_job(
        phases.spec, passes(phases.spec, config, shares=shares is not None), run or Run()
    )


@kernel("pores.pore_voxels")
def pore_voxels(block: NDArray[Any], *, pore: int, outside: int | None) -> NDArray[np.uint8]:
    """1 where the block, with one voxel around it, is pore; 2 where a face is at the outside."""
    return mark_beside(block, pore, outside)


def _label(
    phases: Volume, out: Path, chosen: Chosen, *, config: PoresConfig, work: Path, run: Run
) -> Labelled | ImageLabels:
    if chosen.each:
        journal = work / f"labels-{phases.digest[:12]}-{chosen.outside}"
        return number_labels(phases, out, outside=chosen.outside, journal=journal, run=run)
    found = {"pore": chosen.pore, "outside": chosen.outside}
    declared = replace(_labels(phases.dtype, config), parameters=found)
    attributes = {"kind": "labels", "connectivity": config.connectivity}
    return label_pass(declared, phases, out, attributes=attributes, run=run)


def _raw_columns(
    labelled: Labelled | ImageLabels,
    phases: Volume,
    chosen: Chosen,
    *,
    shares: Volume | None,
    work: Path,
    run: Run,
) -> dict[str, NDArray[Any]]:
    """The integers of every pore, and its squared distances."""
    found = labelled.columns()
    names = ("label", "voxel_count", "marked", *(f"{a}{i}" for i in (0, 1) for a in _AXES))
    sums = (*(f"s{a}" for a in _AXES), *SECOND_MOMENTS)
    known = [name for name in (*names, *sums, INPUT_LABEL.name) if name in found]
    raw: dict[str, NDArray[Any]] = {name: found[name] for name in known}
    for axis, origin in zip(_AXES, phases.origin, strict=True):
        for side in (0, 1):
            raw[f"{axis}{side}"] = raw[f"{axis}{side}"] + origin
    raw |= stream_labels(
        labelled.volume,
        phases,
        count=len(found["label"]),
        outside=chosen.outside,
        journal=work,
        run=run,
    )
    if shares is not None:
        raw |= stream_shares(
            labelled.volume,
            shares,
            radius=grey_radius(phases.spec),
            count=len(raw["label"]),
            journal=work.with_name(f"shares-{work.name}"),
            run=run,
        )
    raw["surface2"] = _surface_distance(raw, phases, chosen.outside, run)
    return raw


def _surface_distance(
    raw: dict[str, NDArray[Any]], phases: Volume, outside: int | None, run: Run
) -> NDArray[np.float64]:
    """From the centroids, in this process: a point is soon answered, and needs no label."""
    if outside is None:
        return np.full(len(raw["label"]), np.inf)
    workers = run.workers or os.cpu_count() or 1
    return Forest(phases, outside).nearest_of_points(centroids(raw), workers=workers)


def _metadata(
    phases: Volume, labels: Volume, chosen: Chosen, config: PoresConfig
) -> dict[str, Any]:
    values = {"pore": None if chosen.each else chosen.pore, "outside": chosen.outside}
    settings = config.as_json() | values
    recipe = {
        "verb": "measure_pores",
        "version": VERSION,
        "settings": settings,
        "inputs": [plain(phases), plain(labels)],
        "numerics": numerics(),
    }
    return {
        "kind": "pores",
        "voxel_size_um": list(phases.voxel_size),
        "origin": list(phases.origin),
        "shape": list(phases.shape),
        "recipe": recipe,
    }
