"""Scores beside the truth, and which voxels count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.learning.score_levels import holds_scores, level_values
from poroscale.segmentation.evaluation.truth import Truth
from poroscale.volume import PHASES, Volume


@dataclass(frozen=True)
class Scored:
    """Scores beside the truth, and which voxels count.

    Attributes
    ----------
    scores, truth
        Of one shape. Scores may be phases: then 2 scores 1, and all else 0.
    inside
        Not 0 where voxels count; None leaves it to the truth.
    everywhere
        Voxels outside the truth's part count, too.
    """

    scores: Volume
    truth: Truth
    inside: Volume | None = None
    everywhere: bool = False

    def __post_init__(self) -> None:
        scores = self.scores
        if not holds_scores(scores.dtype):
            raise TypeError(
                f"{scores.path} must hold scores (uint8 or float16) or phases, got {scores.dtype}"
            )
        others = {"truth": self.truth.volume, "inside": self.inside}
        for name, volume in others.items():
            if volume is not None and volume.shape != scores.shape:
                raise ValueError(
                    f"{name} must have the scores' shape {scores.shape}, got {volume.shape} "
                    f"from {volume.path}"
                )

    @property
    def is_hard(self) -> bool:
        """True if the scores are phases: pore or not."""
        return self.scores.attributes.get("kind") == "phases"

    def scores_of(self, block: NDArray[Any]) -> NDArray[Any]:
        """The scores of voxels that were read; phases score 1 where they are pore."""
        return scores_of(block, hard=self.is_hard)

    @property
    def inputs(self) -> tuple[Volume, ...]:
        """Inputs of a block."""
        more = () if self.inside is None else (self.inside,)
        return (self.scores, self.truth.volume, *more)

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of a block."""
        return {"kind": self.truth.kind, "hard": self.is_hard, "everywhere": self.everywhere}

    @property
    def values(self) -> NDArray[np.float64]:
        """The score of every level."""
        return level_values(np.dtype(bool) if self.is_hard else self.scores.dtype)


def scores_of(scores: NDArray[Any], *, hard: bool) -> NDArray[Any]:
    """The scores of a block; phases score 1 where they are pore."""
    return scores == PHASES["pore"] if hard else scores
