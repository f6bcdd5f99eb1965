"""Conduction on a GPU: whole arrays of voxels, as torch handles them fastest."""
