"""A volume: one (z, y, x) Zarr array with its voxel size, inside an OME-Zarr 0.5 group."""

from __future__ import annotations

Index = tuple[int, int, int]
Shape = tuple[int, int, int]
VoxelSize = tuple[float, float, float]
