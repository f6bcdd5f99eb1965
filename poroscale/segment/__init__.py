"""Grey values, or the scores of a network, to phases; and scores against known pores."""

from poroscale.segment.candidates import KeepPores
from poroscale.segment.config import OtsuConfig
from poroscale.segment.evaluate import EvaluateConfig, Evaluation, evaluate_scores
from poroscale.segment.otsu import segment_otsu
from poroscale.segment.postprocess import PostprocessConfig, postprocess_scores
from poroscale.segment.scores import ScoresConfig, ScoreSources, segment_scores
from poroscale.segment.truth import Truth

__all__ = [
    "EvaluateConfig",
    "Evaluation",
    "KeepPores",
    "OtsuConfig",
    "PostprocessConfig",
    "ScoreSources",
    "ScoresConfig",
    "Truth",
    "evaluate_scores",
    "postprocess_scores",
    "segment_otsu",
    "segment_scores",
]
