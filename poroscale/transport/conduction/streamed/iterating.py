"""The two passes of an iteration.

`descend_slab` moves the potentials x along a direction p, computes the residual r again from them
(so that rounding does not add up), sweeps upwards to z, and adds up over aggregates what the sweep
leaves. `rise_slab` adds the answer y of the aggregates to z, sweeps downwards, and turns the
direction. A sweep takes the voxels of other slabs as they were: the sweep down is the transpose of
the sweep up, so that conjugate gradients and their bound hold.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Box
from poroscale.identity import kernel
from poroscale.kernels.conduction.operator import restrict_swept, sweep_down, sweep_up
from poroscale.kernels.conduction.sweeps import add_of_groups
from poroscale.kernels.conduction.vectors import add_multiple, product_of, turn_direction
from poroscale.transport.conduction.lattice import ConductingLattice
from poroscale.transport.conduction.streamed.slabs import (
    Arrays,
    SlabLattice,
    SlabRecords,
    with_faces,
)


class Step(NamedTuple):
    """Where the potentials come from: those before, a direction, and how far along it."""

    potentials: SlabRecords
    directions: SlabRecords
    length: float


class Answer(NamedTuple):
    """What the aggregates answer, in a file that workers read; `firsts` as in `SlabSeams`."""

    path: Path
    firsts: tuple[int, ...]

    def around(self, number: int) -> tuple[int, NDArray[np.float32]]:
        """Number of the first aggregate of the slab before, and the values from it on."""
        first = self.firsts[max(0, number - 1)]
        stop = self.firsts[min(len(self.firsts) - 1, number + 2)]
        return first, np.fromfile(self.path, np.float32, stop - first, offset=4 * first)


@kernel("conduction.descend")
def descend_slab(
    _output: object, number: int, _box: Box, *, slabs: SlabLattice, step: Step | None
) -> tuple[None, Arrays]:
    """Task of the first pass; without a step, from the potential of a uniform medium.

    The record has x, z, the sums over aggregates (`right`), and two numbers (`sums`): the product
    of r with the image of the sweeps within the slab, and the power that x dissipates.
    """
    lattice = slabs.lattice(number)
    if step is None:
        x = lattice.profile()
    else:
        x = slabs.vector(lattice, step.potentials, "x", number)
        add_multiple(slabs.vector(lattice, step.directions, "p", number), step.length, x)
    power = lattice.energy(x)
    right, z = np.zeros_like(x), np.empty_like(x)
    lattice.flow(x, right, first=1.0)
    held = lattice.numbers, lattice.codes, lattice.pairs
    sweep_up(*held, lattice.inverse, right, z)
    product = product_of(lattice.own(right), lattice.own(z))
    groups = _aligned(lattice, slabs.carried.one(number, "groups"))
    sums = np.empty(int(slabs.carried.one(number, "counts")[2]), np.float32)
    product += restrict_swept(*held, z, groups, sums)
    return None, {
        **with_faces(lattice, x=x, z=z),
        "right": sums,
        "sums": np.array([product, power]),
    }


@kernel("conduction.rise")
def rise_slab(
    _output: object,
    number: int,
    _box: Box,
    *,
    slabs: SlabLattice,
    below: SlabRecords,
    answer: Answer,
    directions: SlabRecords | None,
    ratio: float,
) -> tuple[None, Arrays]:
    """Task of the second pass; `below` is of the first one, `directions` of the iteration before.

    The record has p, and `power`: what p dissipates within the slab.
    """
    lattice = slabs.lattice(number)
    x = slabs.vector(lattice, below, "x", number)
    right = np.zeros_like(x)
    lattice.flow(x, right, first=1.0)
    del x
    z = slabs.vector(lattice, below, "z", number)
    _correct(slabs, lattice, number, answer, z)
    sweep_down(lattice.numbers, lattice.codes, lattice.pairs, lattice.inverse, right, z)
    p, own = right, lattice.own(right)
    p[:] = 0
    if directions is not None:
        own[:] = directions.one(number, "p")
    turn_direction(lattice.own(z), ratio, own)
    lattice.codes[0] = lattice.codes[-1] = 0  # what passes between slabs is counted at the seams
    power = lattice.energy(p, first=0.0)
    return None, {**with_faces(lattice, p=p), "power": np.array(power)}


def _correct(
    slabs: SlabLattice,
    lattice: ConductingLattice,
    number: int,
    answer: Answer,
    z: NDArray[np.float32],
) -> None:
    """Add the answer of the aggregates to each voxel of a slab, and of the planes beside it."""
    first, values = answer.around(number)
    groups = slabs.vector(lattice, slabs.carried, "groups", number)
    before, behind = lattice.beside
    lattice.own(groups)[:] += np.int32(answer.firsts[number] - first)
    if behind:
        groups[len(groups) - behind :] += np.int32(answer.firsts[number + 1] - first)
    if before:
        groups[:before] += np.int32(answer.firsts[number - 1] - first)
    add_of_groups(values, groups, z)


def _aligned(lattice: ConductingLattice, own: NDArray[np.int32]) -> NDArray[np.int32]:
    """Groups at the places of the slab's own voxels in its vectors."""
    out = np.zeros(lattice.count + sum(lattice.beside), np.int32)
    lattice.own(out)[:] = own
    return out
