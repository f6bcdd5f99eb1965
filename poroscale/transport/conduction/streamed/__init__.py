"""Conduction through volumes that do not fit in memory: the voxels stream, aggregates are held."""
