"""The verbs that take one block at a time: `fill_blocks`, `map_blocks`, `reduce_blocks`.

A task reads its block and halo straight from Zarr and writes its block straight to Zarr; the graph
carries block numbers out and records of the journal back. Each verb equals its whole-array meaning
for every grid, every worker count and every order of the tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine.grid import Box
from poroscale.engine.inputs import (
    Field,
    Halo,
    Sampler,
    first_volume,
    read_padded,
    same_shape,
)
from poroscale.engine.jobs.job import Job, refuse_inputs
from poroscale.engine.jobs.output import Output
from poroscale.engine.jobs.recipe import recipe_of
from poroscale.engine.passes import Pass, Reduction
from poroscale.engine.run import Run
from poroscale.engine.stage import Stage, gather, run_job, run_stage
from poroscale.engine.workers.names import words_of
from poroscale.identity import kernel
from poroscale.volume import Index, Shape, Volume, VolumeSpec


@kernel("engine.fill_blocks")
def fill_blocks(
    sampler: Sampler,
    out: str | Path,
    *,
    spec: VolumeSpec,
    recipe: Mapping[str, Any],
    bytes_per_voxel: float = 8.0,
    bytes_per_task: int = 0,
    run: Run | None = None,
) -> Volume:
    """Evaluate a sampler into a volume.

    Parameters
    ----------
    sampler
        `sampler(origin, shape) -> array` of that shape and of `spec.dtype`, the same voxels
        whatever box is asked; `origin` is an index of this volume. It must pickle.
    out
        Folder of the volume.
    spec
        Specification of the volume.
    recipe
        JSON that names the sampler, its version and every parameter.
    bytes_per_voxel
        Temporary memory of the sampler per voxel.
    bytes_per_task
        Bytes that a call of the sampler takes in addition, whatever the box.
    run
        Memory, workers and cluster.

    Returns
    -------
    Volume
        The finished volume; one made before by the same recipe is left alone.

    Raises
    ------
    ValueError
        If `out` is finished or begun with another recipe.
    MemoryError
        If the budget cannot hold one block.
    """
    declared = Pass("", sampler, temporary=bytes_per_voxel, fixed=bytes_per_task)
    return fill_pass(declared, out, spec=spec, recipe=recipe, run=run)


def fill_pass(
    declared: Pass,
    out: str | Path,
    *,
    spec: VolumeSpec,
    recipe: Mapping[str, Any],
    run: Run | None = None,
) -> Volume:
    """`fill_blocks` as a pass declares it; its kernel is the sampler.

    The dtype and the pyramid are those of `spec`.
    """
    task = partial(_fill_block, sampler=declared.kernel)
    whole = recipe_of("fill_blocks", fill_blocks, parameters=recipe, spec=spec)
    made = declared.but(writes=spec.dtype, pyramid=spec.pyramid)
    run_job(task, Path(out), recipe=whole, spec=spec, declared=made, run=run or Run())
    return Volume.open(out)


def _fill_block(
    output: Output, _number: int, box: Box, *, sampler: Sampler
) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    return sampler(box.origin, box.shape), {}


def map_blocks(
    kernel: Callable[..., NDArray[Any]],
    inputs: Field | Sequence[Field],
    out: str | Path,
    *,
    dtype: DTypeLike,
    halo: Halo | int = 0,
    parameters: Mapping[str, Any] | None = None,
    attributes: Mapping[str, Any] | None = None,
    pyramid: str | None = None,
    bytes_per_voxel: float = 8.0,
    run: Run | None = None,
) -> Volume:
    """Map a kernel over the blocks of one or several volumes of equal shape.

    Parameters
    ----------
    kernel
        `kernel(*blocks, **parameters) -> block`; blocks come with their halo, the result with it
        (it is cut off) or without.
    inputs
        Volumes that are read, or samplers with a shape and a dtype; the first is a volume.
    out, dtype, attributes
        Folder of the new volume, its dtype, and JSON that it keeps.
    halo
        Voxels of the neighbourhood that the kernel needs, and how they are padded.
    parameters
        JSON or arrays that the kernel is called with; part of the recipe.
    pyramid
        Rule by which coarser levels are made, "mean" or "max"; None makes none.
    bytes_per_voxel
        Temporary memory of the kernel per voxel of block and halo.
    run
        Memory, workers and cluster.

    Raises
    ------
    ValueError
        If the inputs differ in shape, or `out` holds something else.
    """
    declared = Pass(
        "",
        kernel,
        writes=dtype,
        halo=halo if isinstance(halo, Halo) else Halo.of(halo),
        parameters=dict(parameters or {}),
        pyramid=pyramid,
        temporary=bytes_per_voxel,
    )
    return map_pass(declared, inputs, out, attributes=attributes, run=run)


def map_pass(
    declared: Pass,
    inputs: Field | Sequence[Field],
    out: str | Path,
    *,
    attributes: Mapping[str, Any] | None = None,
    run: Run | None = None,
) -> Volume:
    """`map_blocks` as a pass declares it.

    Raises
    ------
    TypeError
        If the inputs take more bytes per voxel than the pass declares.
    ValueError
        If the inputs differ in shape, or `out` holds something else.
    """
    volumes, first = same_shape(inputs), first_volume(inputs)
    declared = declared.reading(volumes)
    halo, spec = declared.halo, declared.spec(first.spec, attributes)
    recipe = recipe_of(
        "map_blocks",
        declared.kernel,
        parameters={"halo": halo.width, "pad": halo.pad, **declared.parameters},
        inputs=volumes,
        spec=spec,
    )
    refuse_inputs(Path(out), volumes)
    task = partial(_map_block, declared=declared, volumes=volumes)
    run_job(task, Path(out), recipe=recipe, spec=spec, declared=declared, run=run or Run())
    return Volume.open(out)


def _map_block(
    output: Output,
    _number: int,
    box: Box,
    *,
    declared: Pass,
    volumes: Sequence[Field],
) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    halo = declared.halo
    blocks = (read_padded(volume, box, halo) for volume in volumes)
    result = declared.kernel(*blocks, **declared.parameters)
    if result.shape != box.shape:
        inner = tuple(slice(h, h + n) for h, n in zip(halo.width, box.shape, strict=True))
        result = result[inner]
    assert output.spec is not None
    return np.ascontiguousarray(result, output.spec.dtype), {}


def reduce_blocks(
    reduction: Reduction,
    inputs: Field | Sequence[Field],
    *,
    halo: Halo | int = 0,
    parameters: Mapping[str, Any] | None = None,
    journal: Path | None = None,
    title: str = "",
    bytes_per_voxel: float = 8.0,
    held_bytes: int = 0,
    run: Run | None = None,
) -> Any:
    """Reduce one or several volumes of equal shape to a value.

    Parameters
    ----------
    reduction
        Computes the partial result of a block, and combines partial results.
    inputs
        The volumes that are read.
    halo, parameters, bytes_per_voxel, run
        As in `map_blocks`.
    journal
        Folder in which finished blocks are remembered, for a reduction that is worth resuming;
        it stays until the caller removes it. Without one, partial results come
        back through the graph.
    title
        Title of the pass; by default the words in the name of `journal`.
    held_bytes
        Memory that the chunk keeps between blocks, in each process.

    Returns
    -------
    Any
        `reduction.finalize` of the values of all blocks, combined in block order.
    """
    declared = Pass(
        title,
        reduction,
        halo=halo if isinstance(halo, Halo) else Halo.of(halo),
        parameters=dict(parameters or {}),
        temporary=bytes_per_voxel,
        held=held_bytes,
    )
    return reduce_pass(declared, inputs, journal=journal, run=run)


def reduce_pass(
    declared: Pass,
    inputs: Field | Sequence[Field],
    *,
    journal: Path | None = None,
    run: Run | None = None,
) -> Any:
    """`reduce_blocks` as a pass declares it; its kernel is the reduction.

    Raises
    ------
    TypeError
        If the inputs take more bytes per voxel than the pass declares.
    ValueError
        If the inputs differ in shape.
    """
    volumes, first = same_shape(inputs), first_volume(inputs)
    declared, reduction, run = declared.reading(volumes), declared.kernel, run or Run()
    recipe = recipe_of(
        "reduce_blocks",
        reduction.chunk,
        parameters={**declared.parameters, "halo": declared.halo.width},
        inputs=volumes,
    )
    task = partial(_reduce_block, declared=declared, volumes=volumes)
    title = declared.title or words_of(journal, "reduction")
    stage = Stage(task, first.shape, first.chunks, declared.need, title=title)
    if journal is None:
        total = _InOrder(reduction.combine)
        gather(stage, run, total.take)
        return reduction.finalize(total.value)
    with Job(journal, None, recipe) as job:
        records = run_stage(stage, job, run)
        values = (records[number].load() for number in sorted(records))
        return reduction.finalize(reduce(reduction.combine, values))


class _InOrder:
    """Combination of partial results in block order, whatever the order in which they come."""

    def __init__(self, combine: Callable[[Any, Any], Any]) -> None:
        self.value: Any = None
        self._combine = combine
        self._next = 0
        self._early: dict[int, Any] = {}

    def take(self, number: int, found: Any) -> None:
        """Take the partial result of block `number`."""
        self._early[number] = found
        while self._next in self._early:
            found = self._early.pop(self._next)
            self.value = found if self._next == 0 else self._combine(self.value, found)
            self._next += 1


def _reduce_block(
    _output: Output | None,
    _number: int,
    box: Box,
    *,
    declared: Pass,
    volumes: Sequence[Field],
) -> tuple[None, Mapping[str, NDArray[Any]]]:
    reduction = declared.kernel
    place = {"origin": box.origin} if reduction.located else {}
    blocks = (read_padded(volume, box, declared.halo) for volume in volumes)
    return None, reduction.chunk(*blocks, **place, **declared.parameters)


@kernel("engine.volume_from_array")
def volume_from_array(
    array: NDArray[Any], out: str | Path, *, spec: VolumeSpec | None = None, run: Run | None = None
) -> Volume:
    """Write an array (z, y, x) that is in memory as a volume; voxels of 1 um without a spec.

    Raises
    ------
    ValueError
        If the array is not three-dimensional.
    """
    if array.ndim != 3:
        raise ValueError(f"array must have the axes z, y, x, got {array.ndim} axes")
    spec = spec or VolumeSpec(array.shape, array.dtype, (1.0, 1.0, 1.0))
    task = partial(_fill_block, sampler=ArraySampler(array))
    recipe = recipe_of(
        "volume_from_array", volume_from_array, parameters={"data": array}, spec=spec
    )
    run = (run or Run()).but(cluster="threads")
    declared = Pass("", writes=np.uint8, temporary=0.0)
    run_job(task, Path(out), recipe=recipe, spec=spec, declared=declared, run=run)
    return Volume.open(out)


@kernel("engine.ArraySampler")
@dataclass(frozen=True)
class ArraySampler:
    """An array as a sampler."""

    array: NDArray[Any]

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """The box as a copy."""
        return np.ascontiguousarray(self.array[Box(origin, shape).slices])
