"""Scans with a known truth: parts, scanner, reconstruction."""

from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.scan import Phantom, phantom, truth_paths
from poroscale.phantoms.score import score_pores
from poroscale.phantoms.solids import Ellipsoid, Ellipsoids, ellipsoids, spheres

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
