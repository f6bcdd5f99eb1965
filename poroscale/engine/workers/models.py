"""Models that a worker process keeps between its tasks, loaded once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from poroscale.engine.jobs.recipe import plain
from poroscale.engine.plan import keep_memory, release_memory
from poroscale.manifest import digest_of

Model = TypeVar("Model")

MOST = 2
"""Models that a process keeps; the one that was loaded first goes first."""


def load_once(recipe: Mapping[str, Any], load: Callable[[], Model]) -> Model:
    """The model of `recipe`: loaded by the first task of this process that asks for it.

    Tasks that ask meanwhile wait for it, so that threads do not load it twice. From then on the
    process keeps the memory that its calls free, for the next call.

    Parameters
    ----------
    recipe
        JSON that says what is loaded and how: weights, device, precision.
    load
        Loads it.
    """
    return cast(Model, _MODELS.get(digest_of(plain(recipe)), load))


def forget_models() -> None:
    """Free the models of this process: what follows may need their memory."""
    _MODELS.clear()
    release_memory()


class _Models:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, Any] = {}

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()

    def get(self, key: str, load: Callable[[], Any]) -> Any:
        with self._lock:
            if key not in self._kept:
                while len(self._kept) >= MOST:
                    del self._kept[next(iter(self._kept))]
                self._kept[key] = load()
                keep_memory()
            return self._kept[key]


_MODELS = _Models()
