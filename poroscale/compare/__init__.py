"""Real parts against generated ones, and against themselves."""

from poroscale.compare.ablation import Ablation, ablate_bins
from poroscale.compare.comparison import Comparison, compare_samples
from poroscale.compare.config import CompareConfig
from poroscale.compare.sample import Sample

__all__ = ["Ablation", "CompareConfig", "Comparison", "Sample", "ablate_bins", "compare_samples"]
