"""Conduction on voxels: numbering, the 7-point operator, its aggregates and their graphs."""
