"""Statistics and topology of a rock, each beside what a user would run instead."""

from poroscale.benchmarks.describing.part import describing_parts
from poroscale.benchmarks.describing.wanted import WantedMeasures

__all__ = ["WantedMeasures", "describing_parts"]
