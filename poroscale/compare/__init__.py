"""Real parts against generated ones, and against themselves."""

from poroscale.compare.comparison import CompareConfig, Comparison, compare_samples
from poroscale.compare.sample import Sample

__all__ = ["CompareConfig", "Comparison", "Sample", "compare_samples"]
