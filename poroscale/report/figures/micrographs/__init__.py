"""Figures of real and generated micrographs."""
