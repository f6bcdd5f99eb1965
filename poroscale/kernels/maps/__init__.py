"""Kernels of height maps: areal roughness, unrolling, texture, scattering."""
