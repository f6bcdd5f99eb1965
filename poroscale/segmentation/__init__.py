"""Grey values, or the scores of a network, to phases; and scores against known pores."""

from poroscale.segmentation.by_method import SegmentConfig, segment_config_of, segment_scan
from poroscale.segmentation.evaluation.evaluate import EvaluateConfig, Evaluation, evaluate_scores
from poroscale.segmentation.evaluation.truth import Truth
from poroscale.segmentation.local.config import LocalConfig
from poroscale.segmentation.local.segment import segment_local
from poroscale.segmentation.network.config import ByNetworkConfig, WindowsConfig
from poroscale.segmentation.scores.config import PostprocessConfig, ScoresConfig
from poroscale.segmentation.scores.postprocess import postprocess_scores
from poroscale.segmentation.scores.scores import ScoreSources, segment_scores
from poroscale.segmentation.thresholds.candidates import KeepPores
from poroscale.segmentation.thresholds.config import OtsuConfig
from poroscale.segmentation.thresholds.otsu import segment_otsu

__all__ = [
    "ByNetworkConfig",
    "EvaluateConfig",
    "Evaluation",
    "KeepPores",
    "LocalConfig",
    "OtsuConfig",
    "PostprocessConfig",
    "ScoreSources",
    "ScoresConfig",
    "SegmentConfig",
    "Truth",
    "WindowsConfig",
    "evaluate_scores",
    "postprocess_scores",
    "segment_config_of",
    "segment_local",
    "segment_otsu",
    "segment_scan",
    "segment_scores",
]
