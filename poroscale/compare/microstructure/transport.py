"""What samples of a comparison let through: diffusivity, conductivity and permeability."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.microstructure.config import CompareMicrostructureConfig
from poroscale.compare.microstructure.measures import AXES, SampleMeasures
from poroscale.compare.microstructure.rows import named_row
from poroscale.transport.conduction.effective import Drive, effective_conductivity, solver_bytes
from poroscale.transport.flow.permeability import permeability
from poroscale.transport.flow.planning import permeability_bytes
from poroscale.volume import Shape, Volume

THROUGH = ("diffusivity", "conductivity", "permeability")
"""Names of the transport properties among what can be compared."""
TRANSPORT_MEASURES = ("diffusivity", "conductivity", "permeability_um2")
"""The measures of these names."""
TOLERANCE = 1e-3
"""Bound of the relative error of a conductivity: far below the spread between samples."""


def add_transport(
    measured: SampleMeasures, volume: Volume, phases: int, config: CompareMicrostructureConfig
) -> None:
    """Add the transport properties that are asked for to the measures of a sample.

    Each is an array of three numbers, along z, y and x: values fixed on the two faces across the
    axis, and the four others closed.

    Parameters
    ----------
    measured
        `diffusivity` is added for each phase, over that in the open phase where all others block;
        `conductivity` (in the unit of `conductivities`) and `permeability_um2` for the medium.
    volume
        uint8 phases 0 to `phases` - 1 (nz, ny, nx), cubic voxels.
    phases
        Number of phases.
    config
        What is asked for.

    Raises
    ------
    ValueError
        If the sample is one voxel thick.
    ArithmeticError
        If a solution does not converge.
    """
    names = [name for name in THROUGH if name in config.wanted]
    if not names:
        return
    codes = volume.read()
    if "diffusivity" in names:
        for phase in range(phases):
            alone = {k: float(k == phase) for k in range(phases)}
            measured.values["diffusivity", phase] = _conducted(codes, alone)
    if config.conductivities is not None:
        known = dict(enumerate(config.conductivities))
        measured.values["conductivity", None] = _conducted(codes, known)
    if config.pore is not None:
        found = _permeability(np.isin(codes, config.pore))
        measured.values["permeability_um2", None] = found * volume.voxel_size[0] ** 2


def _conducted(codes: NDArray[Any], conductivities: dict[int, float]) -> NDArray[np.float64]:
    drives = [Drive(axis, tolerance=TOLERANCE) for axis in range(len(AXES))]
    found = [effective_conductivity(codes, conductivities, drive) for drive in drives]
    return np.array([each.effective for each in found])


def _permeability(pore: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Permeability along each axis [voxel^2]."""
    if not pore.any():
        return np.zeros(len(AXES))
    found = [permeability(pore, axis) for axis in AXES]
    for each in found:
        if not each.converged:
            raise ArithmeticError(
                f"the permeability along {each.axis} must be known within {each.error:.1g}, and is "
                f"not after {each.iterations} iterations; leave it out of `which`"
            )
    return np.array([each.effective for each in found])


def transport_rows(
    reference: Sequence[SampleMeasures], generated: Sequence[SampleMeasures]
) -> list[dict[str, Any]]:
    """What each sample lets through along each axis: `reference` and `generated` are lists.

    There is a row for each measure, phase and axis: `measure`, `words`, `unit`, `phase` and `axis`.
    The list of the reference is empty where it is an image.
    """
    keys = [key for key in generated[0].values if key[0] in TRANSPORT_MEASURES] if generated else []
    return [
        {
            **{name: named_row(key, 3)[name] for name in ("measure", "words", "unit", "phase")},
            "axis": axis,
            "reference": [float(each.values[key][k]) for each in reference],
            "generated": [float(each.values[key][k]) for each in generated],
        }
        for key in keys
        for k, axis in enumerate(AXES)
    ]


def check_transport(phases: int, config: CompareMicrostructureConfig) -> None:
    """Refuse conductivities and pores of other phases than there are.

    Raises
    ------
    ValueError
        Naming the setting.
    """
    if config.conductivities is not None and len(config.conductivities) != phases:
        raise ValueError(
            f"`conductivities` must be one for each of the {phases} phases, got "
            f"{len(config.conductivities)}"
        )
    if config.pore is not None and not set(config.pore) <= set(range(phases)):
        listed = ", ".join(map(str, config.pore))
        raise ValueError(f"`pore` must be among the phases 0 to {phases - 1}, got {listed}")


def transport_bytes(shape: Shape, config: CompareMicrostructureConfig) -> int:
    """Memory that `add_transport` takes for a sample at the most [bytes]; 0 if not asked for."""
    voxels, most = prod(shape), 0
    if "diffusivity" in config.wanted or config.conductivities is not None:
        several = config.conductivities is not None
        most = solver_bytes(voxels, voxels, kinds=several)
    if config.pore is not None:
        most = max(most, voxels + permeability_bytes(voxels, voxels))
    return most + voxels if most else 0
