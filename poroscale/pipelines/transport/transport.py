"""Transport through a volume: numbers with their errors, a page, and local fields on request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import BlockGrid, JobPlan, Run, connect, volume_from_array
from poroscale.engine.job_plan import driver_plan
from poroscale.engine.jobs.work import held_folder
from poroscale.engine.plan import TooLittleMemoryError
from poroscale.pipelines.transport.properties.contract import SaveField, TransportInput
from poroscale.pipelines.transport.properties.registry import PROPERTIES
from poroscale.pipelines.transport.settings import STAGES, TransportSettings, driven_axes
from poroscale.report.pages.transport_page import FIELDS, write_transport
from poroscale.statistics.phases import MOST
from poroscale.statistics.values import few_values
from poroscale.transport.found import TransportFound
from poroscale.verb import Section, verb
from poroscale.volume import Volume, VolumeSpec


def plan_transport(
    volume: Volume, *, config: TransportSettings | None = None, run: Run | None = None
) -> JobPlan:
    """The plan of `transport`, with the same arguments; reads the volume once, to count phases.

    Raises
    ------
    MemoryError
        If the budget cannot hold the solution.
    """
    config, run = config or TransportSettings(), run or Run()
    return _planned(_input(volume, config, run), run)


@verb(
    "transport",
    *(Section.of(name, model) for name, model in STAGES.items()),
    volumes=("volume",),
    plan="plan_transport",
    parse=TransportSettings.of_sections,
)
def transport(
    volume: Volume,
    out_dir: str | Path,
    *,
    config: TransportSettings | None = None,
    run: Run | None = None,
) -> TransportFound:
    """Measure the effective diffusivity, conductivity or permeability, with its error.

    Parameters
    ----------
    volume
        Phases: integers or bool.
    out_dir
        Folder for `transport.json`, `transport.html` and, on request, `fields`. What is there of
        them is replaced.
    config
        Property, axis, and what each phase lets through, or which is pore.
    run
        Memory, workers and cluster.

    Returns
    -------
    TransportFound
        Effective value and its error along each axis, and what the property adds.

    Raises
    ------
    TypeError
        If the volume holds floats.
    ValueError
        If a value of the volume has no conductivity, no pore is given or the volume has none, or
        the volume is one voxel thick along a driven axis.
    ArithmeticError
        If the error is still above the tolerance after all iterations; nothing is written then.
    MemoryError
        If the budget cannot hold the solution.
    """
    config, run, out = config or TransportSettings(), run or Run(), Path(out_dir)
    if out.resolve().is_relative_to(volume.path.resolve()):
        raise ValueError(f"output must not lie inside the input {volume.path}, got {out}")
    with connect(run, job="transport") as shared, held_folder(out) as folder:
        given = _input(volume, config, shared)
        _planned(given, shared)
        method = PROPERTIES[config.transport.property]
        with _kept(folder, volume, shared, wanted=config.transport.fields) as save:
            given = TransportInput(volume, given.counts, config, save)
            axes = tuple(
                method.transport_along(given, axis) for axis in driven_axes(config.transport)
            )
        found = TransportFound(_about(given), axes)
        write_transport(found, folder)
    return found


def _input(volume: Volume, config: TransportSettings, run: Run) -> TransportInput:
    """The volume with the voxels of each value."""
    config.check()
    if volume.dtype.kind not in "bui":
        raise TypeError(
            f"{volume.path} must hold phases (integers or bool), got {volume.dtype}; segment it "
            "first"
        )
    counts = few_values(volume, most=MOST, run=run)
    if counts is None:
        raise ValueError(
            f"{volume.path} must hold at most {MOST} phases, got more values than that; segment it "
            "first"
        )
    return TransportInput(volume, {int(value): n for value, n in counts.items()}, config)


def _planned(given: TransportInput, run: Run) -> JobPlan:
    settings, shape = given.settings.transport, given.volume.shape
    need = PROPERTIES[settings.property].need(given)
    kept = 16 * given.voxels * len(driven_axes(settings)) if settings.fields else 0
    plan = driver_plan(BlockGrid(shape, shape), need, run, disk=kept)
    if not plan.fits:
        raise TooLittleMemoryError(plan, "transport")
    return JobPlan({"transport": plan})


@contextmanager
def _kept(folder: Path, volume: Volume, run: Run, *, wanted: bool) -> Iterator[SaveField | None]:
    """Where local fields go; those of an earlier run are removed, and all if the job fails."""
    fields = folder / FIELDS
    rmtree(fields, ignore_errors=True)
    if not wanted:
        yield None
        return

    def save(name: str, values: NDArray[np.float32]) -> None:
        spec = VolumeSpec(
            volume.shape,
            np.dtype(np.float32),
            volume.voxel_size,
            origin=volume.origin,
            attributes={"kind": "transport", "field": name},
            chunks=volume.chunks,
        )
        quiet = run.but(planned=True, block=None, overwrite=True)
        volume_from_array(values, fields / f"{name}.zarr", spec=spec, run=quiet)

    try:
        yield save
    except BaseException:
        rmtree(fields, ignore_errors=True)
        raise


def _about(given: TransportInput) -> dict[str, Any]:
    settings = given.settings.transport
    return {
        "format": 1,
        "property": settings.property,
        "volume": given.volume.path.name,
        "shape": list(given.volume.shape),
        "voxel_size_um": list(given.volume.voxel_size),
    } | PROPERTIES[settings.property].about(given)
