"""Fill a volume from a sampler that also counts: voxels and partial results in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine.grid import Box
from poroscale.engine.jobs.job import Job
from poroscale.engine.jobs.journal import Record
from poroscale.engine.jobs.output import Output
from poroscale.engine.jobs.recipe import recipe_of
from poroscale.engine.passes import Pass
from poroscale.engine.run import Run
from poroscale.engine.stage import Stage, build_levels, run_stage
from poroscale.engine.workers.names import words_of
from poroscale.identity import kernel
from poroscale.manifest import Manifest
from poroscale.volume import Index, Shape, Volume, VolumeSpec

Counts = dict[str, NDArray[np.int64]]
CountingSampler = Callable[[Index, Shape], tuple[NDArray[Any], Counts]]


@kernel("engine.fill_and_count")
def fill_and_count(
    declared: Pass,
    out: Path,
    *,
    spec: VolumeSpec,
    recipe: Mapping[str, Any],
    run: Run,
) -> tuple[Volume, Counts]:
    """Evaluate a sampler into a volume, and add up what it counts on the way.

    Parameters
    ----------
    declared
        The pass. Its kernel is `sampler(origin, shape) -> (array, {name: int64 array})`; the array
        as in `fill_blocks`, the counts of that box alone, so that those of disjoint boxes add up.
        It must pickle.
    out, spec, recipe, run
        As in `fill_blocks`.

    Returns
    -------
    Volume
        The finished volume.
    dict
        The counts of the whole; they stand in the manifest, so that a resumed job has them, too.
    """
    task = partial(_fill_block, sampler=declared.kernel)
    whole = recipe_of("fill_and_count", fill_and_count, parameters=recipe, spec=spec)
    declared = declared.but(writes=spec.dtype, pyramid=spec.pyramid)
    title = declared.title or words_of(out, "volume")
    with Job(out, spec, whole, overwrite=run.overwrite) as job:
        if job.finished is None:
            stage = Stage(task, spec.shape, spec.chunk_shape, declared.need, title=title)
            records = run_stage(stage, job, run)
            total = _added(records)
            job.finish(
                records | build_levels(job, spec, run),
                result={"counts": {name: values.tolist() for name, values in total.items()}},
            )
    counts = Manifest.load(out).result["counts"]
    return Volume.open(out), {name: np.asarray(values, np.int64) for name, values in counts.items()}


def _fill_block(
    _output: Output, _number: int, box: Box, *, sampler: CountingSampler
) -> tuple[NDArray[Any], Counts]:
    return sampler(box.origin, box.shape)


def _added(records: Mapping[int, Record]) -> Counts:
    total: Counts = {}
    for number in sorted(records):
        for name, values in records[number].load().items():
            total[name] = total[name] + values if name in total else values.astype(np.int64)
    return total
