"""Frozen state of a begun job: recipe and grid, with a digest that every log repeats.

A job that goes on trusts what its logs say of blocks that it does not read again. So the file says
by its own digest whether it is whole, and the logs say whether it is the one they were written by.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poroscale.manifest import JOURNAL_DIR, canonical_json, digest_of, write_durably

Body = Mapping[str, Any]


def job_file(output: Path) -> Path:
    """Path of the file in which a begun job on `output` keeps its frozen state."""
    return output / JOURNAL_DIR / "job.json"


def store_job(output: Path, body: Body) -> None:
    """Write the file, with the digest of what stands in it."""
    sealed = {**body, "sha256": digest_of(body)}
    write_durably(job_file(output), canonical_json(sealed).encode())


def read_job_file(output: Path) -> Body | None:
    """Frozen state of the job on `output`; None if no job was begun.

    Raises
    ------
    OSError
        Naming the file, if it is not what was written.
    """
    path = job_file(output)
    try:
        body = json.loads(path.read_bytes())
        whole = body.pop("sha256") == digest_of(body)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, AttributeError, TypeError):
        whole = False
    if not whole:
        raise OSError(
            f"{path} is damaged: it does not match its own checksum; begin again with `overwrite`"
        )
    return dict(body)
