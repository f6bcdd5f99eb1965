"""Kernels of labelled bodies: runs, seams, moments, areas, distances."""
