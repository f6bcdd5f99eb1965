"""Stamp the voxels of placed pores into a block of phases."""

from __future__ import annotations

from numba import njit

PORE = 2


@njit(nogil=True, cache=True)
def stamp(block, origin, which, corner, shape, extents, start, voxels):  # type: ignore[no-untyped-def]
    """Set the voxels of pores to 2 where the block is not 0 (outside).

    Parameters
    ----------
    block : ndarray of uint8, shape (z, y, x)
        Phases; changed in place.
    origin : tuple of int
        First voxel of the block.
    which : ndarray of int64
        Pores to stamp, rows of `corner` and `shape`.
    corner : ndarray of int32, shape (n, 3)
    shape : ndarray of int32, shape (n,)
    extents, start, voxels
        The bank's `Shapes`.
    """
    nz, ny, nx = block.shape
    for i in which:
        row = shape[i]
        bz, by, bx = corner[i, 0] - origin[0], corner[i, 1] - origin[1], corner[i, 2] - origin[2]
        ez, ey, ex = extents[row]
        if by >= ny or bx >= nx or by + ey <= 0 or bx + ex <= 0:
            continue
        for z in range(max(bz, 0), min(bz + ez, nz)):
            for y in range(max(by, 0), min(by + ey, ny)):
                first = start[row] + ((z - bz) * ey + (y - by)) * ex - bx
                for x in range(max(bx, 0), min(bx + ex, nx)):
                    if voxels[first + x] and block[z, y, x]:
                        block[z, y, x] = PORE
