"""Passes as their families declare them: one object that both the memory plan and the run read.

A family declares each pass once, with its kernel and with every number that the memory depends on.
The plan of a job takes the `need` of its passes. A verb of the engine takes the same passes with
the inputs and the output, so that nothing has to be said twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine.inputs import Field, Halo
from poroscale.engine.plan import KERNELS, Need
from poroscale.volume import Shape, VolumeSpec

LEVELS = 8 / 7
"""Voxels of a volume with all its coarser levels, over those of the volume."""


@dataclass(frozen=True)
class Reduction:
    """A reduction as data: the value of a block, how two values combine, and the result.

    Attributes
    ----------
    chunk
        `chunk(*blocks, **parameters) -> {name: array}`; with `Halo`, blocks come with their halo.
    combine
        `combine(a, b) -> {name: array}`, associative; values are combined in the order of the
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


@dataclass(frozen=True)
class Pass:
    """One pass over the blocks of a volume.

    Attributes
    ----------
    title
        Title of the pass; it names the stage in plans and progress bars.
    kernel
        Work on the blocks: a function, a `Reduction` or a sampler. None where it is made
        from what earlier passes have found; `but` puts it in before the run.
    reads
        Dtypes of the inputs, at the most; none where any inputs are taken.
    writes
        Dtype of the output; None of a reduction.
    halo
        Voxels around a block that the kernel needs, and how they are padded.
    parameters
        JSON or arrays that the kernel is called with; part of the recipe.
    pyramid
        Rule by which coarser levels are made, "mean" or "max"; None makes none.
    temporary
        Bytes per voxel of block and halo that the kernel allocates.
    inner
        Bytes per voxel of the block alone that it allocates in addition.
    fixed
        Bytes that every task takes in addition, whatever its block.
    driver
        Bytes that the driving process holds meanwhile.
    held
        Bytes that are held from block to block, in each process.
    scratch
        Bytes per voxel that lie on the disk beside the output while the job runs.
    libraries
        Of `engine.plan.LIBRARIES`, those that the pass imports.
    multiple
        Voxels of which a block should be a multiple along each axis: no work is done twice.
    """

    title: str
    kernel: Any = None
    reads: tuple[DTypeLike, ...] = ()
    writes: DTypeLike | None = None
    halo: Halo = field(default_factory=Halo)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    pyramid: str | None = None
    temporary: float = 8.0
    inner: float = 0.0
    fixed: int = 0
    driver: int = 0
    held: int = 0
    scratch: float = 0.0
    libraries: tuple[str, ...] = KERNELS
    multiple: Shape = (1, 1, 1)

    @property
    def read_bytes(self) -> int:
        """Bytes per voxel of all inputs."""
        return sum(np.dtype(dtype).itemsize for dtype in self.reads)

    @property
    def written(self) -> np.dtype[Any]:
        """Dtype of the output; TypeError of a pass that has none."""
        if self.writes is None:
            raise TypeError(f"the pass {self.title!r} writes nothing")
        return np.dtype(self.writes)

    @property
    def written_bytes(self) -> int:
        """Bytes per voxel of the output."""
        return 0 if self.writes is None else self.written.itemsize

    @property
    def stored_bytes(self) -> float:
        """Bytes per voxel on the disk: the output with its coarser levels, and what lies beside."""
        return self.written_bytes * (LEVELS if self.pyramid else 1.0) + self.scratch

    @property
    def need(self) -> Need:
        """The memory and the disk that the pass takes."""
        return Need(
            read=self.read_bytes,
            write=self.written_bytes,
            halo=self.halo.width,
            temporary=self.temporary,
            inner=self.inner,
            driver=self.driver,
            held=self.held,
            fixed=self.fixed,
            stored=self.stored_bytes,
            multiple=self.multiple,
            libraries=self.libraries,
        )

    def but(self, **changes: Any) -> Self:
        """This pass with some attributes replaced, by what is known only now."""
        return replace(self, **changes)

    def reading(self, inputs: Sequence[Field]) -> Self:
        """This pass with the dtypes of its inputs.

        Raises
        ------
        TypeError
            If they take more bytes per voxel than the pass declares: the plan was made for less.
        """
        found = replace(self, reads=tuple(each.dtype for each in inputs))
        if self.reads and found.read_bytes > self.read_bytes:
            raise TypeError(
                f"inputs of the pass {self.title!r} must take at most {self.read_bytes} bytes per "
                f"voxel, as it declares, got {found.read_bytes}"
            )
        return found

    def spec(self, of: VolumeSpec, attributes: Mapping[str, Any] | None = None) -> VolumeSpec:
        """The output of the pass over a volume described by `of`."""
        return of.but(dtype=self.written, attributes=dict(attributes or {}), pyramid=self.pyramid)


Passes = Mapping[str, Pass]


def named(*passes: Pass) -> dict[str, Pass]:
    """Passes by their titles, in the order in which they run.

    Raises
    ------
    ValueError
        If two have one title.
    """
    found = {each.title: each for each in passes}
    if len(found) < len(passes):
        raise ValueError(f"passes must have different titles, got {[p.title for p in passes]}")
    return found


def needs_of(passes: Passes) -> dict[str, Need]:
    """Need of each pass, by its title."""
    return {title: each.need for title, each in passes.items()}
