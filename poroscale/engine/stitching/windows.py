"""Overlapping windows of a volume, each inferred once, averaged exactly.

1. Every block infers the windows that begin in it, in batches of one shape, and sums their values
   in fixed point (`kernels/window_sums.py`). Where no other block's windows reach, it is finished
   at once. What overlaps its neighbours, the near sides of the block and what its windows leave in
   the blocks behind it, is kept as integers in the journal.
2. Every block adds up what it and its neighbours have kept, and is written.

Margins are exchanged, never inferred again. Integers make the result independent of blocks, order
and workers, as far as the answer to a window is the same wherever it is asked.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from poroscale.engine.grid import BlockGrid
from poroscale.engine.inputs import Field, first_volume
from poroscale.engine.jobs.job import Job, refuse_inputs
from poroscale.engine.jobs.journal import Record
from poroscale.engine.jobs.recipe import input_identity, numerics, recipe_of
from poroscale.engine.run import Run
from poroscale.engine.stage import Stage, build_levels, run_stage
from poroscale.engine.stitching.inside import Inside
from poroscale.engine.stitching.lattice import Windows
from poroscale.engine.stitching.memory import WindowPass
from poroscale.engine.stitching.tasks import Infer, WindowWork, paint_block, sum_block
from poroscale.engine.workers.names import words_of
from poroscale.manifest import Manifest
from poroscale.volume import Volume

SCORES = ("uint8", "uint16", "float16", "float32")


@dataclass(frozen=True)
class WindowCounts:
    """Numbers of windows of a lattice that were inferred, and skipped as outside."""

    inferred: int
    skipped: int


def stitch_windows(
    infer: Infer,
    volume: Volume,
    out: str | Path,
    *,
    windows: Windows | None = None,
    inside: Field | None = None,
    dtype: DTypeLike = np.uint8,
    attributes: Mapping[str, Any] | None = None,
    pyramid: str | None = None,
    run: Run | None = None,
) -> Volume:
    """Infer a volume through overlapping windows.

    Every window of the lattice is inferred exactly once. The result equals that of the whole array
    averaged in double precision, to the resolution of `dtype`, and is the same for any block,
    worker count and scheduler. `window_counts` tells how many windows were inferred.

    Parameters
    ----------
    infer
        Model that answers a batch of windows: float32 grey values in, float32 values out.
    volume
        The scan. A volume thinner than a window is padded with its outermost voxels.
    out, attributes, pyramid, run
        As in `map_blocks`.
    windows
        Settings for cutting the volume; None takes 64 voxels with half overlap.
    inside
        0 outside the part. It has the volume's shape, or is a coarser level (of maxima) of such a
        volume. A window without any voxel inside is not inferred: its values are `infer.outside`.
    dtype
        uint8 or uint16, a score of 1 being the largest integer; float16 or float32.

    Raises
    ------
    ValueError
        If `inside` does not belong to the volume, `out` holds something else, or answers have
        another shape, are NaN or exceed the bound.
    TypeError
        If scores cannot be stored as `dtype`.
    MemoryError
        If the budget cannot hold one block, or the device not one batch.
    """
    cut = windows or Windows()
    declared = WindowPass("", infer, writes=dtype, pyramid=pyramid, windows=cut, shape=volume.shape)
    return stitch_pass(declared, volume, out, inside=inside, attributes=attributes, run=run)


def stitch_pass(
    declared: WindowPass,
    volume: Volume,
    out: str | Path,
    *,
    inside: Field | None = None,
    attributes: Mapping[str, Any] | None = None,
    run: Run | None = None,
) -> Volume:
    """`stitch_windows` as a pass declares it.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As `stitch_windows`; and TypeError if the volume takes more bytes per voxel than declared.
    """
    first, out, run = first_volume(volume), Path(out), run or Run()
    declared = replace(declared.reading((first,)), shape=first.shape)
    work = _work(declared, first, inside)
    spec = declared.spec(first.spec, attributes)
    recipe = recipe_of(
        "stitch_windows", declared.kernel, parameters=_parameters(work), inputs=(first,), spec=spec
    )
    refuse_inputs(out, (first, *([] if inside is None else [inside])))
    with Job(out, spec, recipe, overwrite=run.overwrite) as job:
        folder = out.with_name(f"{out.name}.work")
        if job.finished is None:
            run = run.but(block=job.frozen_block or run.block)
            try:
                records, counts = _stitch(declared, work, job, folder / "sums", run)
            finally:
                with suppress(OSError):  # not empty unless the job was refused
                    folder.rmdir()
            records |= build_levels(job, spec, run)
            job.finish(records, result={"windows": counts})
        shutil.rmtree(folder, ignore_errors=True)
    return Volume.open(out)


def window_counts(volume: Volume) -> WindowCounts:
    """The windows behind a volume that `stitch_windows` has made.

    Raises
    ------
    ValueError
        If something else has made it.
    """
    result = Manifest.load(volume.path).result
    if not isinstance(result, dict) or "windows" not in result:
        raise ValueError(f"{volume.path} was not made of windows")
    return WindowCounts(**result["windows"])


def _work(declared: WindowPass, volume: Volume, inside: Field | None) -> WindowWork:
    infer, dtype = declared.kernel, declared.written
    if dtype.name not in SCORES:
        raise TypeError(f"dtype of scores must be one of {', '.join(SCORES)}, got {dtype}")
    lattice = declared.lattice
    point = lattice.point(infer.bound)
    if not abs(infer.outside) <= infer.bound:
        raise ValueError(f"outside must be within the bound {infer.bound}, got {infer.outside}")
    mask = None if inside is None else Inside.of(inside, volume.shape)
    return WindowWork(infer, volume, lattice, mask, point, dtype)


def _parameters(work: WindowWork) -> dict[str, Any]:
    """Parameters of the scores besides the volume; blocks and workers are not among them."""
    windows = work.lattice.windows
    return {
        "infer": work.infer.recipe,
        "bound": work.infer.bound,
        "outside": work.infer.outside,
        "edge": windows.edges,
        "overlap": windows.overlaps,
        "halo": windows.halos,
        "weight": windows.weight,
        "batch": windows.batch,
        "inside": work.inside and input_identity(work.inside.field),
        "numerics": numerics(),
    }


def _stitch(
    declared: WindowPass, work: WindowWork, job: Job, folder: Path, run: Run
) -> tuple[dict[int, Record], dict[str, int]]:
    """Both passes: the records of the blocks that were written, and the counts of windows."""
    shape, chunks = work.volume.shape, work.volume.chunks
    mask = work.inside.bytes_per_voxel if work.inside else 0.0
    need = replace(declared, inside=mask).need
    with Job(folder, None, job.recipe, overwrite=True) as sums:
        task = partial(sum_block, work=work)
        owned = work.lattice.count
        stage = Stage(task, shape, chunks, need, title="windows", told_grid=True, work=owned)
        found = run_stage(stage, sums, run)
        counts = np.sum([record.load("counts")["counts"] for record in found.values()], axis=0)
        grid = sums.freeze(BlockGrid(shape, shape))
        later = partial(paint_block, work=work, found=sums.output)
        title = declared.title or words_of(job.path, "scores")
        stage = Stage(later, shape, chunks, need, title=title, settled=True, told_grid=True)
        painted = run_stage(stage, job, run.but(block=grid.block))
    return painted, {"inferred": int(counts[0]), "skipped": int(counts[1])}
