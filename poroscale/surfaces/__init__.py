"""The free surface of a part: its radius map, its parameters, and new surfaces like it."""

from poroscale.surfaces.config import SurfaceConfig
from poroscale.surfaces.height_map import MeasuredHeights, measure_heights
from poroscale.surfaces.measure import SurfaceMap, measure_surface

__all__ = ["MeasuredHeights", "SurfaceConfig", "SurfaceMap", "measure_heights", "measure_surface"]
