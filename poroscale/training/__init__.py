"""Networks trained from volumes: steps, validation, early stopping, checkpoints, cards."""

from poroscale.training.loop import Task, Validation, best_weights, train
from poroscale.training.schedule import EarlyStopping, Schedule
from poroscale.training.weights import load_weights, save_weights

__all__ = [
    "EarlyStopping",
    "Schedule",
    "Task",
    "Validation",
    "best_weights",
    "load_weights",
    "save_weights",
    "train",
]
