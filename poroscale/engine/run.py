"""Settings for running a verb: memory, cluster, workers, block. None changes an output's bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

from poroscale.volume import Shape

if TYPE_CHECKING:
    from distributed import Client

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_BINARY = {"ki": 1024, "mi": 1024**2, "gi": 1024**3, "ti": 1024**4}
DEFAULT_MEMORY = "2GiB"


def parse_memory(text: int | str, name: str = "memory") -> int:
    """Bytes of a size such as "2GiB", "1.5 GB" or 2147483648; `name` is the setting in an error.

    Raises
    ------
    ValueError
        If it is no size, or not positive.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([kmgt]?i?)b?\s*", str(text).lower())
    if match is None or float(match[1]) <= 0 or match[2] == "i":
        raise ValueError(f"`{name}` must be a size such as 2GiB, got {text!r}")
    return int(float(match[1]) * {**_UNITS, **_BINARY}[match[2]])


@dataclass(frozen=True)
class Run:
    """Settings for running a verb.

    Attributes
    ----------
    memory
        Budget of the job, as "4GiB": the proportional set size of all its processes, Python itself
        included. Where workers have budgets of their own it is that of the driving process alone.
        None stands for 2GiB.
    cluster
        "threads", "processes" (a LocalCluster), "cuda" (dask-cuda), the address of a running
        scheduler or its scheduler file (`.json`), or a connected `distributed.Client`. None takes
        the Client of this process if there is one, and threads otherwise.
    workers
        Tasks at a time; None takes one per core (or what the cluster has). Inside a task of a
        cluster a verb does its blocks by itself, one at a time unless this says otherwise.
    block
        Voxels of a block (z, y, x), whole chunks; None lets the memory plan choose.
    overwrite
        Replace a finished output, or one begun with other settings.
    progress
        Show bars; None shows them where standard error is a terminal, and writes a line a minute
        where it is none; False is silent.
    planned
        Whether a job of several verbs has compared all its stages with the budgets
        (`poroscale.engine.job_plan.planned`). A verb inside it does not do so again before it
        starts; each stage still
        chooses its block by a plan of its own.
    memory_per_worker
        Budget of each worker process of a cluster, as "4GiB"; threads do not regard it. None takes
        the limit that the workers have from their cluster. Workers without a limit share `memory`,
        if it is given; if not, each may take 2GiB, or its share of the machine where that is less.
    wait
        Seconds that the workers of a cluster are waited for before the plan is made. Raise it for
        a queue that starts them late.
    job
        Name of the job where its stages are shown, as "segment"; a verb sets it.
    """

    memory: int | str | None = None
    cluster: str | Client | None = None
    workers: int | None = None
    block: Shape | None = None
    overwrite: bool = False
    progress: bool | None = None
    planned: bool = False
    memory_per_worker: int | str | None = None
    wait: float = 60.0
    job: str = ""

    def __post_init__(self) -> None:
        for name in ("memory", "memory_per_worker"):
            if (size := getattr(self, name)) is not None:
                parse_memory(size, name)
        if not self.wait >= 0:
            raise ValueError(f"`wait` must not be negative, got {self.wait}")
        if self.workers is not None and not _positive(self.workers):
            raise ValueError(f"`workers` must be a whole number from 1 on, got {self.workers!r}")
        if self.block is not None and not _is_block(self.block):
            raise ValueError(
                f"`block` must be three positive whole numbers (z, y, x), got {self.block!r}"
            )

    @property
    def memory_bytes(self) -> int:
        """The budget of the job, or of its driving process [bytes]."""
        return parse_memory(DEFAULT_MEMORY if self.memory is None else self.memory)

    def but(self, **changes: Any) -> Run:
        """This run with some fields replaced."""
        return replace(self, **changes)


def _positive(value: Any) -> bool:
    """Whether a value is a whole number above zero, of Python or of numpy."""
    return type(value) is not bool and isinstance(value, Integral) and int(value) >= 1


def _is_block(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 3 and all(map(_positive, value))
