"""Slow flow between voxels: faces, momentum, pressure levels and a lattice gas, on arrays."""
