"""Networks trained from volumes: steps, checkpoints, cards."""

from poroscale.training.loop import Task, train
from poroscale.training.weights import load_weights, save_weights

__all__ = ["Task", "load_weights", "save_weights", "train"]
