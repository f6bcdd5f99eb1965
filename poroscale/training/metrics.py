"""The losses of every epoch as JSON lines, and for TensorBoard where that is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poroscale.manifest import canonical_json, write_durably

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

METRICS = "metrics.jsonl"
EVENTS = "tensorboard"
"""Folder of TensorBoard's files."""


class Metrics:
    """Log of the epochs, one JSON object for each line.

    Parameters
    ----------
    folder
        Folder of the log.
    history
        Epochs before a resume. The file begins again with them, so that a line which was written
        but whose epoch is done again stands there once.
    tensorboard
        Write TensorBoard's files, too.

    Raises
    ------
    ValueError
        If TensorBoard is asked for and not installed.
    """

    def __init__(
        self, folder: Path, history: Sequence[Mapping[str, float]], *, tensorboard: bool = False
    ) -> None:
        self._path = folder / METRICS
        text = "".join(_line(epoch, each) for epoch, each in enumerate(history))
        write_durably(self._path, text.encode())
        self._writer = _writer(folder / EVENTS, len(history)) if tensorboard else None

    def add(self, epoch: int, means: Mapping[str, float]) -> None:
        """The losses of one epoch."""
        with self._path.open("a") as file:
            file.write(_line(epoch, means))
        if self._writer is not None:
            for name, value in means.items():
                self._writer.add_scalar(name, value, epoch)
            self._writer.flush()

    def close(self) -> None:
        """End TensorBoard's files."""
        if self._writer is not None:
            self._writer.close()


def _line(epoch: int, means: Mapping[str, float]) -> str:
    return canonical_json({"epoch": epoch, **means}) + "\n"


def _writer(folder: Path, epoch: int) -> SummaryWriter:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ValueError("tensorboard must be installed, or `tensorboard` be false") from None
    writer: Any = SummaryWriter(str(folder), purge_step=epoch)
    return writer
