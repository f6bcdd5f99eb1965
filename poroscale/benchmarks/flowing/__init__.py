"""Permeability: both methods on one rock, and their kernels against numpy and the memory."""

from poroscale.benchmarks.flowing.part import flowing_parts

__all__ = ["flowing_parts"]
