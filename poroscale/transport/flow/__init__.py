"""Permeability: steady Stokes flow between voxels, by two independent methods."""
