"""Kernels of grey values: levels, blur, noise of a scan, partial volume, projection."""
