"""Readers of formats whose voxels lie one after the other in a file."""
