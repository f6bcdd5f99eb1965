"""Grey values, or the scores of a network, to phases; and scores against known pores."""

from poroscale.segment.by_method import SegmentConfig, segment_config_of, segment_scan
from poroscale.segment.candidates import KeepPores
from poroscale.segment.config import OtsuConfig
from poroscale.segment.evaluate import EvaluateConfig, Evaluation, evaluate_scores
from poroscale.segment.local.config import LocalConfig
from poroscale.segment.local.segment import segment_local
from poroscale.segment.otsu import segment_otsu
from poroscale.segment.postprocess import PostprocessConfig, postprocess_scores
from poroscale.segment.scores import ScoresConfig, ScoreSources, segment_scores
from poroscale.segment.truth import Truth

__all__ = [
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
    "evaluate_scores",
    "postprocess_scores",
    "segment_config_of",
    "segment_local",
    "segment_otsu",
    "segment_scan",
    "segment_scores",
]
