"""Grey values, or the scores of a network, to phases; and scores against known pores."""

from poroscale.segment.by_method import SegmentConfig, segment_config_of, segment_scan
from poroscale.segment.evaluation.evaluate import EvaluateConfig, Evaluation, evaluate_scores
from poroscale.segment.evaluation.truth import Truth
from poroscale.segment.local.config import LocalConfig
from poroscale.segment.local.segment import segment_local
from poroscale.segment.scores.postprocess import PostprocessConfig, postprocess_scores
from poroscale.segment.scores.scores import ScoresConfig, ScoreSources, segment_scores
from poroscale.segment.thresholds.candidates import KeepPores
from poroscale.segment.thresholds.config import OtsuConfig
from poroscale.segment.thresholds.otsu import segment_otsu

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
