"""Conduction through two phases, beside other codes and other solvers at equal error."""

from poroscale.benchmarks.transport.part import transport_parts
from poroscale.benchmarks.transport.peers import WantedSolvers

__all__ = ["WantedSolvers", "transport_parts"]
