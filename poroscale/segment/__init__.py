"""Grey values to phases."""

from poroscale.segment.config import OtsuConfig
from poroscale.segment.otsu import KeepPores, segment_otsu

__all__ = ["KeepPores", "OtsuConfig", "segment_otsu"]
