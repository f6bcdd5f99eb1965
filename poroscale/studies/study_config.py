"""Settings of a study: its models, and the training of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poroscale.config import Config
from poroscale.pipelines.train import segmenter_config
from poroscale.segmentation.training.config import SegmenterConfig

OTSU, TRUTH = "otsu", "truth"


class StudyConfig(Config):
    """Models that are compared, and folder of the results.

    Attributes
    ----------
    out
        Folder of scans, models, scores and results. Studies that share it share what is in it.
    models
        Of `poroscale.networks.segmenters.SEGMENTERS`, "otsu", and names of the user's own, whose
        entries among the models say `network: {model: ...}`. The grey values of the scans are
        always compared.
    name
        Of the files of results.
    """

    out: str
    models: tuple[str, ...]
    name: str = "study"


@dataclass(frozen=True)
class Trainee:
    """A model that is trained and compared.

    Attributes
    ----------
    settings
        Of its training.
    labels
        Source of its labels: "truth", "otsu", or the model of the study that found the pores.
    """

    settings: SegmenterConfig
    labels: str = TRUTH


def trainee_of(
    name: str, sections: Mapping[str, Mapping[str, Any]], own: Mapping[str, Any]
) -> Trainee:
    """Settings for training one model: those of all, with the changes of its own entry."""
    own = dict(own)
    labels = own.pop("labels", TRUTH)
    stages = {
        stage: {**sections.get(stage, {}), **own.get(stage, {})} for stage in {*sections, *own}
    }
    model = own.get("network", {}).get("model", name)
    stages["network"] = {**stages.get("network", {}), "model": model}
    try:
        return Trainee(segmenter_config(stages, known=()), labels)
    except ValueError as error:
        raise ValueError(f"models: {name}: {error}") from None


def check_labels(training: Mapping[str, Trainee]) -> None:
    """ValueError where a model is to be trained on labels that are not made before it."""
    known = [TRUTH, OTSU]
    for name, trainee in training.items():
        if trainee.labels not in known:
            raise ValueError(
                f"models: {name}: labels must be one of {', '.join(known)}, got {trainee.labels!r}"
            )
        known.append(name)
