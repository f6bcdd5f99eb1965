"""Grey values to phases."""

from poroscale.segment.candidates import KeepPores
from poroscale.segment.config import OtsuConfig
from poroscale.segment.otsu import segment_otsu

__all__ = ["KeepPores", "OtsuConfig", "segment_otsu"]
