"""Transport through a volume: numbers with their errors, a page, and local fields on request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import JobPlan, Pass, Run, connect, fill_pass, volume_from_array
from poroscale.engine.jobs.work import held_folder
from poroscale.pipelines.transport.properties.contract import SaveField, TransportInput
from poroscale.pipelines.transport.properties.registry import PROPERTIES
from poroscale.pipelines.transport.settings import STAGES, TransportSettings, driven_axes
from poroscale.report.pages.transport_page import FIELDS, write_transport
from poroscale.statistics.phases import MOST
from poroscale.statistics.values import few_values
from poroscale.transport.found import TransportFound
from poroscale.verb import Section, verb
from poroscale.volume import Volume, VolumeSpec

WORK = "streamed.work"
"""Folder inside the output for what a solution keeps on the disk while it runs."""


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
    return PROPERTIES[config.transport.property].plan(_input(volume, config, run)).job


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
        given, method = _input(volume, config, shared), PROPERTIES[config.transport.property]
        chosen = method.plan(given).chosen
        with _kept(folder, volume, shared, wanted=config.transport.fields) as save:
            given = replace(given, save=save, chosen=chosen, work=folder / WORK)
            axes = tuple(
                method.transport_along(given, axis) for axis in driven_axes(config.transport)
            )
        found = TransportFound(_about(given), axes)
        write_transport(found, folder)
        rmtree(folder / WORK, ignore_errors=True)
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
    known = {int(value): n for value, n in counts.items()}
    return TransportInput(volume, known, config, run=run)


@contextmanager
def _kept(folder: Path, volume: Volume, run: Run, *, wanted: bool) -> Iterator[SaveField | None]:
    """Where local fields go; those of an earlier run are removed, and all if the job fails."""
    fields = folder / FIELDS
    rmtree(fields, ignore_errors=True)
    if not wanted:
        yield None
        return

    def save(name: str, values: NDArray[np.float32] | Pass) -> None:
        spec = VolumeSpec(
            volume.shape,
            np.dtype(np.float32),
            volume.voxel_size,
            origin=volume.origin,
            attributes={"kind": "transport", "field": name},
            chunks=volume.chunks,
        )
        quiet, path = run.but(planned=True, block=None, overwrite=True), fields / f"{name}.zarr"
        if isinstance(values, Pass):
            fill_pass(values, path, spec=spec, recipe=values.parameters, run=quiet)
        else:
            volume_from_array(values, path, spec=spec, run=quiet)

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
