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
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine.grid import Box
from poroscale.engine.jobs.job import Job, refuse_inputs
from poroscale.engine.jobs.output import Output
from poroscale.engine.jobs.recipe import recipe_of
from poroscale.engine.plan import Need
from poroscale.engine.run import Run
from poroscale.engine.stage import Stage, gather, run_job, run_stage
from poroscale.identity import kernel
from poroscale.volume import FieldSampler, Index, Shape, Volume, VolumeSpec

Pad = Literal["edge", "reflect", "symmetric"] | int
Field = Volume | FieldSampler
Sampler = Callable[[Index, Shape], NDArray[Any]]


@dataclass(frozen=True)
class Halo:
    """Voxels that a kernel sees around its block, and what stands beyond the volume's faces.

    Attributes
    ----------
    width
        Voxels along (z, y, x).
    pad
        numpy's padding mode, or the constant that stands outside.
    """

    width: Shape = (0, 0, 0)
    pad: Pad = "edge"

    @classmethod
    def of(cls, width: int | Shape, pad: Pad = "edge") -> Halo:
        """A halo from one number or three."""
        return cls((width, width, width) if isinstance(width, int) else width, pad)


@dataclass(frozen=True)
class Reduction:
    """A reduction is data: what a block gives, how two gifts combine, what the whole says.

    Attributes
    ----------
    chunk
        `chunk(*blocks, **parameters) -> {name: array}`; with `Halo`, blocks come with their halo.
    combine
        `combine(a, b) -> {name: array}`, associative; gifts are combined in the order of the
        blocks, so that it need not commute.
    finalize
        `finalize(total) -> result`.
    located
        The chunk is also told where it is: `origin`, the index of its block's first voxel in the
        volume, the halo not counted.
    """

    chunk: Callable[..., Mapping[str, NDArray[Any]]]
    combine: Callable[[Any, Any], Any]
    finalize: Callable[[Any], Any]
    located: bool = False


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
        What the volume is.
    recipe
        JSON that names the sampler, its version and every parameter.
    bytes_per_voxel
        Temporary memory of the sampler per voxel.
    bytes_per_task
        What a call of the sampler takes in addition, whatever the box.
    run
        How to run.

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
    task = partial(_fill_block, sampler=sampler)
    whole = recipe_of("fill_blocks", fill_blocks, parameters=recipe, spec=spec)
    need = Need(write=spec.dtype.itemsize, temporary=bytes_per_voxel, fixed=bytes_per_task)
    run_job(task, Path(out), recipe=whole, spec=spec, need=need, run=run or Run())
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
        What is read: volumes, or samplers with a shape and a dtype; the first is a volume.
    out
        Folder of the volume.
    dtype
        Of the output.
    halo
        Voxels of the neighbourhood that the kernel needs, and how they are padded.
    parameters
        JSON or arrays that the kernel is called with; part of the recipe.
    attributes
        JSON of the new volume.
    pyramid
        How coarser levels are made, if any: "mean" or "max".
    bytes_per_voxel
        Temporary memory of the kernel per voxel of block and halo.
    run
        How to run.

    Raises
    ------
    ValueError
        If the inputs differ in shape, or `out` holds something else.
    """
    volumes, first = same_shape(inputs), first_volume(inputs)
    halo = halo if isinstance(halo, Halo) else Halo.of(halo)
    spec = first.spec.but(dtype=np.dtype(dtype), attributes=dict(attributes or {}), pyramid=pyramid)
    need = Need(
        read=sum(volume.dtype.itemsize for volume in volumes),
        write=spec.dtype.itemsize,
        halo=halo.width,
        temporary=bytes_per_voxel,
    )
    given = {**(parameters or {})}
    recipe = recipe_of(
        "map_blocks",
        kernel,
        parameters={"halo": halo.width, "pad": halo.pad, **given},
        inputs=volumes,
        spec=spec,
    )
    refuse_inputs(Path(out), volumes)
    task = partial(_map_block, kernel=kernel, volumes=volumes, halo=halo, parameters=given)
    run_job(task, Path(out), recipe=recipe, spec=spec, need=need, run=run or Run())
    return Volume.open(out)


def _map_block(
    output: Output,
    _number: int,
    box: Box,
    *,
    kernel: Callable[..., NDArray[Any]],
    volumes: Sequence[Field],
    halo: Halo,
    parameters: Mapping[str, Any],
) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    result = kernel(*(read_padded(volume, box, halo) for volume in volumes), **parameters)
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
    bytes_per_voxel: float = 8.0,
    held_bytes: int = 0,
    run: Run | None = None,
) -> Any:
    """Reduce one or several volumes of equal shape to a value.

    Parameters
    ----------
    reduction
        What a block gives, and how gifts combine.
    inputs
        The volumes that are read.
    halo, parameters, bytes_per_voxel, run
        As in `map_blocks`.
    journal
        Folder in which finished blocks are remembered, for a reduction that is worth resuming;
        it stays until the caller removes it. Without one, gifts come back through the graph.
    held_bytes
        Memory that the chunk keeps between blocks, in all processes together.

    Returns
    -------
    Any
        `reduction.finalize` of all gifts combined in block order.
    """
    volumes, first = same_shape(inputs), first_volume(inputs)
    halo = halo if isinstance(halo, Halo) else Halo.of(halo)
    given = dict(parameters or {})
    recipe = recipe_of(
        "reduce_blocks", reduction.chunk, parameters={**given, "halo": halo.width}, inputs=volumes
    )
    need = Need(
        read=sum(volume.dtype.itemsize for volume in volumes),
        halo=halo.width,
        temporary=bytes_per_voxel,
        driver=held_bytes,
    )
    task = partial(_reduce_block, reduction=reduction, volumes=volumes, halo=halo, given=given)
    title = "reduction" if journal is None else journal.stem
    stage = Stage(task, first.shape, first.chunks, need, title=title)
    if journal is None:
        total = _InOrder(reduction.combine)
        gather(stage, run or Run(), total.take)
        return reduction.finalize(total.value)
    with Job(journal, None, recipe) as job:
        records = run_stage(stage, job, run or Run())
        gifts = (records[number].load() for number in sorted(records))
        return reduction.finalize(reduce(reduction.combine, gifts))


class _InOrder:
    """Combines gifts in the order of their blocks, whatever the order in which they come."""

    def __init__(self, combine: Callable[[Any, Any], Any]) -> None:
        self.value: Any = None
        self._combine = combine
        self._next = 0
        self._early: dict[int, Any] = {}

    def take(self, number: int, gift: Any) -> None:
        """The gift of block `number`."""
        self._early[number] = gift
        while self._next in self._early:
            gift = self._early.pop(self._next)
            self.value = gift if self._next == 0 else self._combine(self.value, gift)
            self._next += 1


def _reduce_block(
    _output: Output | None,
    _number: int,
    box: Box,
    *,
    reduction: Reduction,
    volumes: Sequence[Field],
    halo: Halo,
    given: Mapping[str, Any],
) -> tuple[None, Mapping[str, NDArray[Any]]]:
    place = {"origin": box.origin} if reduction.located else {}
    blocks = (read_padded(volume, box, halo) for volume in volumes)
    return None, reduction.chunk(*blocks, **place, **given)


def read_padded(volume: Field, box: Box, halo: Halo) -> NDArray[Any]:
    """The voxels of `box` and its halo; what lies beyond the volume is padded."""
    grown = box.grown(halo.width)
    inside = grown.clipped(volume.shape)
    if inside == grown:
        return volume(inside.origin, inside.shape)
    within = inside.shifted(grown.origin)
    if isinstance(halo.pad, str) and halo.pad != "edge":
        rest = zip(within.origin, grown.shape, within.stop, strict=True)
        widths = [(first, size - last) for first, size, last in rest]
        return np.pad(volume(inside.origin, inside.shape), widths, mode=halo.pad)
    padded = np.empty(grown.shape, volume.dtype)
    if isinstance(volume, Volume):
        volume.read_into(padded[within.slices], inside.origin)
    else:
        padded[within.slices] = volume(inside.origin, inside.shape)
    _pad(padded, within, None if halo.pad == "edge" else halo.pad)
    return padded


def _pad(array: NDArray[Any], within: Box, value: int | None) -> None:
    """Fill what lies outside `within`: with `value`, or with the outermost voxels for None.

    numpy.pad gives the same, from an array of its own: twice the memory, and half as much time.
    """
    filled = list(within.slices)
    for axis, (first, last) in enumerate(zip(within.origin, within.stop, strict=True)):
        for beyond, edge in ((slice(0, first), first), (slice(last, None), last - 1)):
            place, outermost = list(filled), list(filled)
            place[axis], outermost[axis] = beyond, slice(edge, edge + 1)
            array[tuple(place)] = array[tuple(outermost)] if value is None else value
        filled[axis] = slice(None)


def same_shape(inputs: Field | Sequence[Field]) -> tuple[Field, ...]:
    """One or several volumes as a tuple; ValueError unless they have one shape."""
    volumes = tuple(inputs) if isinstance(inputs, Sequence) else (inputs,)
    shapes = {volume.shape for volume in volumes}
    if len(shapes) != 1:
        raise ValueError(f"volumes must have one shape, got {sorted(shapes)}")
    return volumes


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
    run_job(task, Path(out), recipe=recipe, spec=spec, need=Need(write=1), run=run)
    return Volume.open(out)


@kernel("engine.ArraySampler")
@dataclass(frozen=True)
class ArraySampler:
    """An array as a sampler."""

    array: NDArray[Any]

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """The box as a copy."""
        return np.ascontiguousarray(self.array[Box(origin, shape).slices])


def first_volume(inputs: Field | Sequence[Field]) -> Volume:
    """The first input, which gives the tiling; TypeError unless it is a volume."""
    first = inputs[0] if isinstance(inputs, Sequence) else inputs
    if not isinstance(first, Volume):
        raise TypeError(f"the first input must be a Volume, got {type(first).__name__}")
    return first
