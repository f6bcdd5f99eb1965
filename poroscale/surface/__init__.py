"""The free surface of a part: its radius map, its parameters, and new surfaces like it."""

from poroscale.surface.config import SurfaceConfig
from poroscale.surface.height_map import MeasuredHeights, measure_heights
from poroscale.surface.measure import SurfaceMap, measure_surface

__all__ = ["MeasuredHeights", "SurfaceConfig", "SurfaceMap", "measure_heights", "measure_surface"]
