"""Kernels of closed triangle meshes: trees, distances, relief."""
