"""Kernels that decide, on a coarse copy of a scan, what is air around the part."""
