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
FOR_PORE = 120
"""Bytes a pore: places, sparse matrices of all levels and the vectors of the pressure."""
FACES_OF_PORE = 2.75
"""FlowFaces a pore in a rock; in open fluid 3."""


def permeability_bytes(voxels: int, pores: int, *, single: bool = True) -> int:
    """Bytes that `permeability` takes beside its input.

    Parameters
    ----------
    voxels
        Of the box, with its layers of open fluid.
    pores
        Voxels that carry; all pores are a safe guess.
    single
        Whether numbers are float32. Default: True.
    """
    number = 4 if single else 8
    faces = 3 * pores
    solving = faces * (FOR_FACE + VECTORS_OF_FACES * number) + pores * FOR_PORE * number // 4
    return max(WHILE_SEARCHING * voxels, FOR_VOXEL * voxels + solving)
