"""The potential of a lattice, solved on a device."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poroscale.transport.conduction.lattice import ConductingLattice
from poroscale.transport.conduction.multigrid import kinds_of
from poroscale.transport.conduction.on_device.links import GridLinks
from poroscale.transport.conduction.on_device.multigrid import BlockMultigrid
from poroscale.transport.conduction.solving import (
    SAFETY_OF_KINDS,
    SAFETY_OF_MIXED,
    Solution,
    solve_equations,
)

FOR_VOXEL = 72
"""Bytes of the device for each voxel: links, levels, vectors, and what a step makes."""


def check_gpu_memory(voxels: int) -> None:
    """Refuse a GPU that is not there, or too small for a volume.

    Raises
    ------
    ValueError
        If there is no GPU.
    MemoryError
        If its free memory cannot hold the voxels.
    """
    if not torch.cuda.is_available():
        raise ValueError("`device` must be cpu on this machine, which has no GPU; got cuda")
    free, needed = torch.cuda.mem_get_info()[0], FOR_VOXEL * voxels
    if needed > free:
        raise MemoryError(
            f"the GPU must have {needed / 2**30:.1f} GiB free for {voxels:,} voxels, got "
            f"{free / 2**30:.1f} GiB; leave `device` out"
        )


@dataclass(frozen=True)
class DeviceLattice:
    """All voxels of a volume on a device; those that carry no current are empty cells.

    Attributes
    ----------
    links
        Conductances, with those to the driven faces.
    first
        float32 (nz, ny, nx): conductance to the face whose potential is 1.
    """

    links: GridLinks
    first: Tensor

    @classmethod
    def of(cls, lattice: ConductingLattice, *, periodic: bool, device: str) -> DeviceLattice:
        """The voxels of a lattice that carry current."""
        codes = torch.from_numpy(np.ascontiguousarray(lattice.codes[1:-1, 1:-1, 1:-1]))
        codes = codes.to(device).int()
        pairs = torch.from_numpy(lattice.pairs).to(device)
        links = []
        for axis in range(3):
            table = pairs[axis].flatten()
            found = table[codes * lattice.pairs.shape[1] + codes.roll(-1, axis)]
            if axis == 0 or not periodic or codes.shape[axis] == 1:
                found.narrow(axis, codes.shape[axis] - 1, 1).zero_()
            links.append(found)
        own = 2 * pairs[0].diagonal()[codes]
        first, ground = torch.zeros_like(own), torch.zeros_like(own)
        first[0] = own[0]
        ground[0] = own[0]
        ground[-1] += own[-1]
        return cls(GridLinks(links[0], links[1], links[2], ground), first)

    def vector(self) -> Tensor:
        """A new array of the voxels, not set."""
        return torch.empty_like(self.first)

    def profile(self) -> Tensor:
        """The potential of a uniform medium."""
        depth = self.first.shape[0]
        level = 1 - (torch.arange(depth, device=self.first.device) + 0.5) / depth
        return (self.links.inverse > 0) * level[:, None, None].float()

    def flow(self, values: Tensor, out: Tensor, *, first: float = 0.0) -> float:
        """Fill `out` with the current into each voxel; returns its product with `values`."""
        out.copy_(self.links.into(values))
        if first:
            out += first * self.first
        return self.product(values, out)

    def energy(self, values: Tensor) -> float:
        """Power of potentials at a drop of 1."""
        last = self.links.ground - self.first
        total = (self.first * (1 - values) ** 2).sum(dtype=torch.float64)
        total += (last * values**2).sum(dtype=torch.float64)
        for links, axis in self.links.axes:
            drop = values.roll(-1, axis) - values
            total += (links * drop**2).sum(dtype=torch.float64)
        return float(total)

    def product(self, a: Tensor, b: Tensor) -> float:
        """The scalar product of two vectors, summed up in float64."""
        return float((a * b).sum(dtype=torch.float64))

    def add(self, values: Tensor, factor: float, out: Tensor) -> None:
        """Add `factor` times `values` to `out`."""
        out.add_(values, alpha=factor)

    def turn(self, values: Tensor, factor: float, out: Tensor) -> None:
        """Set `out` to `values` and `factor` times itself."""
        out.mul_(factor).add_(values)


def solve_on_device(
    lattice: ConductingLattice, *, periodic: bool, device: str, tolerance: float, most: int
) -> Solution:
    """The potential of a lattice with a voxel that carries current, by a device.

    The bound of its error is as careful as that of a high contrast: a block may hold voxels that
    nothing joins. With a high contrast it is that of aggregates that mix it, as blocks do.

    Parameters
    ----------
    lattice
        The voxels.
    periodic
        Whether opposite sides join.
    device
        A device of torch: "cuda", "cuda:1", "cpu".
    tolerance
        Error of the energy over the energy.
    most
        Iterations at the most.
    """
    safety = SAFETY_OF_MIXED if kinds_of(lattice.conductivities).any() else SAFETY_OF_KINDS
    with torch.inference_mode():
        there = DeviceLattice.of(lattice, periodic=periodic, device=device)
        cycle = BlockMultigrid(there.links)
        found = solve_equations(there, cycle.apply, safety=safety, tolerance=tolerance, most=most)
        return replace(found, potential=_gathered(lattice, found.potential))


def _gathered(lattice: ConductingLattice, potential: Tensor) -> NDArray[np.float32]:
    """Potentials of the voxels that carry current, in the order of the lattice."""
    inner = (slice(1, -1),) * 3
    there = lattice.codes[inner] > 0
    out = lattice.vector()
    out[lattice.numbers[inner][there]] = potential.cpu().numpy()[there]
    return out
