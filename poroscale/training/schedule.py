"""Schedule of a training: epochs, and the conditions for ending it before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class EarlyStopping:
    """Training ends when a loss has not fallen for long; the weights of its lowest value are kept.

    Attributes
    ----------
    metric
        Name of the measure in the history.
    gain
        A fall of no more than this is none.
    patience
        Epochs without a gain after which training ends; None never ends it.
    window
        Epochs over which the measure is averaged before it is looked at: that of an epoch and those
        before it.
    """

    metric: str
    gain: float = 1e-4
    patience: int | None = 40
    window: int = 1

    def stalled(self, history: Sequence[Mapping[str, float]]) -> int:
        """Epochs since the last gain."""
        best, since = float("inf"), 0
        for value in self._values(history):
            gained = value < best - self.gain
            best, since = (value, 0) if gained else (best, since + 1)
        return since

    def ends(self, history: Sequence[Mapping[str, float]]) -> bool:
        """True if training is to end after these epochs."""
        return self.patience is not None and self.stalled(history) >= self.patience

    def best_epoch(self, history: Sequence[Mapping[str, float]]) -> int:
        """The first epoch of the lowest value, counted from 0."""
        values = self._values(history)
        return values.index(min(values))

    def _values(self, history: Sequence[Mapping[str, float]]) -> list[float]:
        values = [each[self.metric] for each in history]
        if self.window == 1:
            return values
        recent = (values[max(0, k + 1 - self.window) : k + 1] for k in range(len(values)))
        return [sum(each) / len(each) for each in recent]


@dataclass(frozen=True)
class Schedule:
    """Settings of the schedule of a training.

    Attributes
    ----------
    epochs
        Largest number of epochs.
    seed
        Number from which the random choices of the steps follow.
    stopping
        Rule that ends the training before and chooses the weights that are kept; None trains all
        epochs and keeps no best.
    tensorboard
        Write the losses for TensorBoard, too.
    """

    epochs: int
    seed: int = 0
    stopping: EarlyStopping | None = None
    tensorboard: bool = False
