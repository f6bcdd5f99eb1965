"""A job of several verbs: one lock, and a folder for what lies between input and output.

The steps of such a job are ordinary verbs whose outputs stand in `OUT.work/`. Each of them is
journalled and is left alone once it is finished, so that the whole resumes where it stopped.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from poroscale.engine.job import Job, refuse_foreign
from poroscale.engine.run import Run
from poroscale.manifest import Manifest, canonical_json
from poroscale.volume import Volume


@contextmanager
def work_folder(out: Path, recipe: Mapping[str, Any], run: Run) -> Iterator[Path]:
    """The folder `OUT.work` for the job that makes `out`; removed when the job has ended well.

    Raises
    ------
    ValueError
        If another job works on `out`, or one with other settings was begun.
    """
    refuse_foreign(out)
    work = out.with_name(f"{out.name}.work")
    with Job(work, None, recipe, overwrite=run.overwrite) as job:
        job.freeze_recipe()
        yield work
        shutil.rmtree(work, ignore_errors=True)


def finished_before(out: Path, made_by: Mapping[str, Any], run: Run) -> Volume | None:
    """The finished volume `out` if the job `made_by` has made it before, None if it is to be made.

    Raises
    ------
    ValueError
        If `out` was finished by another job and is not to be overwritten.
    """
    try:
        Manifest.load(out)
    except FileNotFoundError:
        return None
    if run.overwrite:
        return None
    volume = Volume.open(out)
    before = volume.attributes.get("made_by")
    if canonical_json(before) == canonical_json(made_by):
        return volume
    raise ValueError(
        f"{out} is finished with other input or settings; "
        "choose another name, or replace it with --overwrite"
    )
