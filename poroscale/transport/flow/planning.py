"""Memory that the permeability of a volume takes, before it is computed."""

from __future__ import annotations

FOR_VOXEL = 8
"""Bytes a voxel of the box: pores, codes, numbers of pores and of the faces of one component."""
WHILE_SEARCHING = 13
"""Bytes a voxel of the box while the pores that carry are searched."""
FOR_FACE = 32 + 4
"""Bytes a face: numbers of its neighbours and of both pores, and the diagonal (float32)."""
VECTORS_OF_FACES = 11
"""Vectors that the iteration holds at its largest, over all faces."""
VECTORS_OF_RESULT = 3
"""Vectors that are left over all faces while velocity and pressure are made."""
FOR_PORE = 120
"""Bytes a pore: places, sparse matrices of all levels and the vectors of the pressure."""
OF_FIELDS = 24
"""Bytes a voxel of the box: velocity and pressure, and copies while they are made."""
FACES_OF_PORE = 2.75
"""FlowFaces a pore in a rock; in open fluid 3."""


def permeability_bytes(
    voxels: int, pores: int, *, single: bool = True, fields: bool = False
) -> int:
    """Bytes that `permeability` takes beside its input.

    Parameters
    ----------
    voxels
        Of the box, with its layers of open fluid.
    pores
        Voxels that carry; all pores are a safe guess.
    single
        Whether numbers are float32. Default: True.
    fields
        Whether velocity and pressure are returned. Default: False.
    """
    number = 4 if single else 8
    faces = 3 * pores
    solving = faces * (FOR_FACE + VECTORS_OF_FACES * number) + pores * FOR_PORE * number // 4
    most = max(WHILE_SEARCHING * voxels, FOR_VOXEL * voxels + solving)
    if not fields:
        return most
    kept = faces * (FOR_FACE + VECTORS_OF_RESULT * number) + 2 * number * pores
    return max(most, OF_FIELDS * voxels + kept)
