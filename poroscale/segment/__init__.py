"""Grey values to phases."""

from poroscale.segment.candidates import KeepPores
from poroscale.segment.config import OtsuConfig
from poroscale.segment.otsu import segment_otsu
from poroscale.segment.postprocess import PostprocessConfig, postprocess_scores

__all__ = ["KeepPores", "OtsuConfig", "PostprocessConfig", "postprocess_scores", "segment_otsu"]
