"""Figures of the comparison of microstructures."""
