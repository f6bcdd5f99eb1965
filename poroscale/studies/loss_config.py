"""The losses that are compared: parameters of the focal Tversky loss, and which of them."""

from __future__ import annotations

from itertools import product
from typing import Literal, NamedTuple

from pydantic import Field

from poroscale.config import Config

WEIGHTS = (0.1, 0.367, 0.633, 0.9)
PAIRS = tuple(product(WEIGHTS, WEIGHTS))
GAMMA = 0.5
GAMMAS = (0.333, 0.5, 0.667, 1.0, 1.333, 1.5, 1.667, 2.0)
MEASURES = {
    "average_precision": "average precision",
    "dice": "best Dice",
    "precision": "precision",
    "recall": "recall",
    "dice_at_half": "Dice at 0.5",
}


class Loss(NamedTuple):
    """Parameters of a focal Tversky loss."""

    alpha: float
    beta: float
    gamma: float

    def __str__(self) -> str:
        return f"alpha {self.alpha:g}, beta {self.beta:g}, gamma {self.gamma:g}"

    @property
    def folder(self) -> str:
        """Name of its folder."""
        return f"alpha_{self.alpha:g}_beta_{self.beta:g}_gamma_{self.gamma:g}"


class LossesConfig(Config):
    """Losses that are compared, and folder of the results.

    Attributes
    ----------
    out
        Folder of scans, models, scores and results.
    pairs
        Weights (alpha, beta) of missed and of false pores; the paper's are the 16 of the grid of
        four steps from 0.1 to 0.9.
    gamma
        Exponent with which the pairs are compared.
    gammas
        Exponents that are compared at the best pair.
    measure
        Measure that chooses the best, the mean over folds and held-out scans: "dice_at_half" is
        Dice's coefficient at one half, where probabilities become phases unless told otherwise;
        "dice" that at the best threshold, which knows the truth.
    """

    out: str
    pairs: tuple[tuple[float, float], ...] = Field(PAIRS, min_length=1)
    gamma: float = GAMMA
    gammas: tuple[float, ...] = Field(GAMMAS, min_length=1)
    measure: Literal["dice_at_half", "dice", "average_precision"] = "dice_at_half"

    def of_pairs(self) -> list[Loss]:
        """The losses of the first search."""
        return [Loss(*pair, self.gamma) for pair in self.pairs]

    def of_gammas(self, pair: Loss) -> list[Loss]:
        """The losses of the second search, with the weights of `pair`."""
        return [pair._replace(gamma=gamma) for gamma in self.gammas]
