"""Scans with a known truth: parts, scanner, reconstruction."""

from poroscale.phantom.config import PhantomConfig
from poroscale.phantom.scan import Phantom, phantom, truth_paths
from poroscale.phantom.score import score_pores
from poroscale.phantom.solids import Ellipsoid, Ellipsoids, ellipsoids, spheres

__all__ = [
    "Ellipsoid",
    "Ellipsoids",
    "Phantom",
    "PhantomConfig",
    "ellipsoids",
    "phantom",
    "score_pores",
    "spheres",
    "truth_paths",
]
