"""Messages of a running job: events for programs, and results that print as words for people.

A verb takes `progress`, a function that is called with an `Event` whenever a step is finished. The
sentences for people go to the loggers below "poroscale", at level INFO.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Event:
    """A finished step of a job.

    Attributes
    ----------
    kind
        Kind of the thing that was finished: "epoch", "scan", "model", "loss" or "part".
    name
        Name of the thing, as "fold 0" or "part_0003.zarr".
    done
        Number of steps of this kind that are finished, this one included.
    total
        Number of steps of this kind that the job has, at most.
    values
        Numbers of the step by name, as the losses of an epoch.
    """

    kind: str
    name: str
    done: int
    total: int
    values: Mapping[str, float] = field(default_factory=dict)


Progress = Callable[[Event], None]
"""Called with each finished step, in the process that called the verb."""


def under_name(progress: Progress | None, name: str) -> Progress | None:
    """`progress` for a part of a job: `name` is put before the names of its events."""
    if progress is None:
        return None
    told = progress

    def tell(event: Event) -> None:
        told(replace(event, name=f"{name} {event.name}".strip()))

    return tell


class Described:
    """A result that prints as the lines of its `describe`."""

    def describe(self) -> Iterator[str]:
        """The result in words, line by line."""
        raise NotImplementedError

    def __str__(self) -> str:
        return "\n".join(self.describe())
