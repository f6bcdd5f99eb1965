"""Our solvers as contenders, and one with fast transforms in place of its own preconditioner."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.transport.conduction.lattice import ConductingLattice, Vector
from poroscale.transport.conduction.solving import Preconditioner

Timed = Callable[[], dict[str, Any]]
MOST = 1000


def by_aggregates(_scratch: Path, *, array: str, low: float, tolerance: float) -> Timed:
    """The solver of `poroscale transport`."""
    return _timed(array, low, tolerance, None)


def by_transforms(_scratch: Path, *, array: str, low: float, tolerance: float) -> Timed:
    """Conjugate gradients preconditioned by the inverse of a uniform medium."""
    return _timed(array, low, tolerance, uniform_inverse)


def by_slabs(scratch: Path, *, array: str, low: float, tolerance: float) -> Timed:
    """`poroscale transport --solver streamed`: from a stored volume, with its page and vectors on
    the disk."""
    from poroscale.engine import Run, volume_from_array
    from poroscale.pipelines.transport.settings import (
        ConductionConfig,
        TransportConfig,
        TransportSettings,
    )
    from poroscale.pipelines.transport.transport import transport

    volume = volume_from_array(np.load(array), Path(tempfile.mkdtemp(dir=scratch)) / "medium.zarr")
    settings = TransportSettings(
        transport=TransportConfig(tolerance=tolerance),
        conduction=ConductionConfig(phases=f"0={low:g},1=1", solver="streamed"),
    )

    def solve() -> dict[str, Any]:
        out = Path(tempfile.mkdtemp(dir=scratch)) / "found"
        found = transport(volume, out, config=settings, run=Run(workers=1, progress=False))
        (along,) = found.axes
        return {name: along.numbers[name] for name in ("effective", "iterations")}

    return solve


def _timed(
    array: str,
    low: float,
    tolerance: float,
    preconditioner: Callable[[ConductingLattice], Preconditioner] | None,
) -> Timed:
    from poroscale.transport.conduction.solving import solve_lattice

    phases = np.load(array)

    def solve(part: NDArray[np.uint8], within: float) -> dict[str, Any]:
        codes = part if low == 0 else part + np.uint8(1)
        table = np.array([0.0, 1.0] if low == 0 else [0.0, low, 1.0])
        lattice = ConductingLattice.of(codes, table)
        own = None if preconditioner is None else preconditioner(lattice)
        found = solve_lattice(lattice, tolerance=within, most=MOST, preconditioner=own)
        depth, height, width = part.shape
        return {
            "effective": found.energy * depth / (height * width),
            "iterations": found.iterations,
        }

    solve(np.ones((8, 8, 8), np.uint8), 0.1)
    solve(np.indices((8, 8, 8)).sum(axis=0).astype(np.uint8) % 3 // 2, 0.1)
    return lambda: solve(phases, tolerance)


def uniform_inverse(lattice: ConductingLattice) -> Preconditioner:
    """The inverse of the operator where all conducts: sines along the axis, cosines across it.

    Vectors are put into an array of zeros, and the voxels that carry current are taken out again.
    """
    from scipy.fft import dctn, dstn, idctn, idstn

    shape, places = lattice.shape, np.flatnonzero(lattice.codes[1:-1, 1:-1, 1:-1])
    waves = [2 - 2 * np.cos(np.pi * np.arange(n) / n) for n in shape]
    along = 2 - 2 * np.cos(np.pi * (np.arange(shape[0]) + 1) / shape[0])
    values = along[:, None, None] + waves[1][:, None] + waves[2]
    inverse = (1 / values).astype(np.float32)

    def apply(right: Vector, out: Vector) -> None:
        whole = np.zeros(shape, np.float32)
        whole.reshape(-1)[places] = right
        turned = dstn(whole, type=2, axes=(0,), norm="ortho", overwrite_x=True)
        turned = dctn(turned, type=2, axes=(1, 2), norm="ortho", overwrite_x=True)
        turned *= inverse
        turned = idctn(turned, type=2, axes=(1, 2), norm="ortho", overwrite_x=True)
        turned = idstn(turned, type=2, axes=(0,), norm="ortho", overwrite_x=True)
        out[:] = turned.reshape(-1)[places]

    return apply
