"""How a verb is run: memory, cluster, workers, block. None of it changes a byte of the output."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from poroscale.volume import Shape

if TYPE_CHECKING:
    from distributed import Client

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_BINARY = {"ki": 1024, "mi": 1024**2, "gi": 1024**3, "ti": 1024**4}
DEFAULT_MEMORY = "2GiB"


def parse_memory(text: int | str) -> int:
    """Bytes of a size such as "2GiB", "1.5 GB" or 2147483648.

    Raises
    ------
    ValueError
        If it is no size, or not positive.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([kmgt]?i?)b?\s*", str(text).lower())
    if match is None or float(match[1]) <= 0 or match[2] == "i":
        raise ValueError(f"memory must be a size such as 2GiB, got {text!r}")
    return int(float(match[1]) * {**_UNITS, **_BINARY}[match[2]])


@dataclass(frozen=True)
class Run:
    """How a verb is run.

    Attributes
    ----------
    memory
        Proportional set size of all processes of the job, baseline included: "2GiB".
    cluster
        "threads", "processes" (a LocalCluster), "cuda" (dask-cuda), the address of a running
        scheduler or its scheduler file (`.json`), or a connected `distributed.Client`. None takes
        the Client of this process if there is one, and threads otherwise.
    workers
        Tasks at a time; None takes one per core (or what the cluster has).
    block
        Voxels of a block (z, y, x), whole chunks; None lets the memory plan choose.
    overwrite
        Replace a finished output, or one begun with other settings.
    progress
        Show bars; None shows them where standard error is a terminal, and writes a line a minute
        where it is none; False is silent.
    planned
        The memory of the whole job has been planned: its verbs need not plan theirs before they
        start, only stage by stage.
    """

    memory: int | str = DEFAULT_MEMORY
    cluster: str | Client | None = None
    workers: int | None = None
    block: Shape | None = None
    overwrite: bool = False
    progress: bool | None = None
    planned: bool = False

    def __post_init__(self) -> None:
        parse_memory(self.memory)
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"workers must be at least 1, got {self.workers}")
        if self.block is not None and (len(self.block) != 3 or min(self.block) < 1):
            raise ValueError(f"block must be three positive numbers (z, y, x), got {self.block}")

    @property
    def memory_bytes(self) -> int:
        """The budget [bytes]."""
        return parse_memory(self.memory)

    def but(self, **changes: Any) -> Run:
        """This run with some fields replaced."""
        return replace(self, **changes)
