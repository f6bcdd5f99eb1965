"""Names of stages and tasks, as a person reads them in progress lines and on a dashboard."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from pathlib import Path

_WORD = re.compile(r"[^\W\d_]+")
_DIGEST = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{8,}")
_TAKEN_FOR_HEX = re.compile(r"[a-f][^\W\d_]{7}")
"""Dask takes every word of eight letters that begins with a to f for a token, "distance" too."""


def words_of(path: Path | None, default: str) -> str:
    """The name of a file or folder without its suffix and without digests; or `default`.

    >>> words_of(Path("pores/labels-37c40cef446b.zarr"), "reduction")
    'labels'
    """
    name = "" if path is None else path.stem
    kept = [part for part in re.split(r"[-_\s]+", name) if not _DIGEST.fullmatch(part)]
    return " ".join(filter(None, kept)) or default


def full_title(job: str, stage: str) -> str:
    """The title of a stage with the name of its job before it: "segment: phases"."""
    return f"{job}: {stage}" if job and stage else job or stage


def key_prefix(title: str) -> str:
    """The words of a title as the name under which a dashboard groups tasks: "segment-phases".

    `dask.utils.key_split` gives it back from the key of a task. Digits are left out, for the name
    would end before them.
    """
    words = _WORD.findall(title) or ["blocks"]
    cut = any(_TAKEN_FOR_HEX.fullmatch(word) for word in words[1:])
    return ("_" if cut else "-").join(words)


def task_keys(title: str) -> Callable[[int], str]:
    """Keys of the tasks of one stage by their block: "segment-phases-00042-1f0c9a3e".

    The last part differs with every call, so that a scheduler never answers with what an earlier
    call has found.
    """
    prefix, call = key_prefix(title), uuid.uuid4().hex[:8]
    return lambda number: f"{prefix}-{number:05d}-{call}"
