"""A job of several verbs: one lock, and a folder for the volumes between input and output.

The steps of such a job are ordinary verbs whose outputs stand in `OUT.work/`. Each of them is
journalled and is left alone once it is finished, so that the whole resumes where it stopped.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from poroscale.engine.jobs.job import Job, is_output, is_results, refuse_foreign, refuse_inputs
from poroscale.engine.jobs.lock import OutputBusyError, take_lock
from poroscale.engine.run import Run
from poroscale.manifest import JOURNAL_DIR, Manifest, canonical_json
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


@contextmanager
def kept_folder(work: Path, recipe: Mapping[str, Any], run: Run) -> Iterator[Path]:
    """A folder for the passes of a job; it stays until the caller removes it.

    Raises
    ------
    ValueError
        If another job works in it, or one with other settings was begun there.
    """
    with Job(work, None, recipe, overwrite=run.overwrite) as job:
        job.freeze_recipe()
        yield work


@contextmanager
def held_folder(folder: Path) -> Iterator[Path]:
    """The folder, made if need be, for one job at a time.

    Raises
    ------
    ValueError
        If another job works in `folder`, or it is a file.
    """
    if folder.is_file():
        raise ValueError(f"{folder} is a file and must be a folder; choose another name")
    if is_output(folder) and not is_results(folder):
        raise ValueError(f"{folder} is a volume and must be a folder; choose another name")
    lock = take_lock(folder, "")
    try:
        yield folder
    finally:
        (folder / JOURNAL_DIR / "lock").unlink(missing_ok=True)
        lock.close()
        with suppress(OSError):  # not empty once the results are recorded
            (folder / JOURNAL_DIR).rmdir()
            folder.rmdir()


def finished_before(
    out: Path, made_by: Mapping[str, Any], run: Run, inputs: Iterable[object]
) -> Volume | None:
    """The finished volume `out` if the job `made_by` has made it before, None if it is to be made.

    Raises
    ------
    ValueError
        If `out` was finished by another job and is not to be overwritten, or is one of `inputs`.
    """
    refuse_inputs(out, inputs)
    if run.overwrite:
        return None
    try:
        Manifest.load(out)
    except FileNotFoundError:
        return None
    volume = Volume.open(out)
    before = volume.attributes.get("made_by")
    if canonical_json(before) == canonical_json(made_by):
        _clear_work(out)
        return volume
    raise ValueError(
        f"{out} is finished with other input or settings; "
        "choose another name, or replace it with `overwrite`"
    )


def _clear_work(out: Path) -> None:
    """Remove the work folder that a job left which was killed after its last step."""
    work = out.with_name(f"{out.name}.work")
    if is_output(work):
        with suppress(OutputBusyError), held_work(work):
            shutil.rmtree(work, ignore_errors=True)


@contextmanager
def held_work(work: Path) -> Iterator[None]:
    """The lock of a work folder that is to be removed."""
    lock = take_lock(work, "")
    try:
        yield
    finally:
        lock.close()
