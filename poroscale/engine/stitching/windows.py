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
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from poroscale.engine.blocks import Field, first_volume
from poroscale.engine.grid import BlockGrid
from poroscale.engine.jobs.job import Job, refuse_inputs
from poroscale.engine.jobs.journal import Record
from poroscale.engine.jobs.recipe import input_identity, numerics, recipe_of
from poroscale.engine.run import Run
from poroscale.engine.stage import Stage, build_levels, run_stage
from poroscale.engine.stitching.inside import Inside
from poroscale.engine.stitching.lattice import Lattice, Windows
from poroscale.engine.stitching.memory import WindowNeed
from poroscale.engine.stitching.tasks import Infer, WindowWork, paint_block, sum_block
from poroscale.manifest import Manifest
from poroscale.volume import Volume, VolumeSpec

SCORES = ("uint8", "uint16", "float16", "float32")


@dataclass(frozen=True)
class WindowCounts:
    """How many windows of a lattice were inferred, and how many skipped as outside."""

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
    worker count and scheduler.

    Parameters
    ----------
    infer
        What answers a batch of windows: float32 grey values in, float32 values out.
    volume
        The scan. A volume thinner than a window is padded with its outermost voxels.
    out
        Folder of the scores.
    windows
        How the volume is cut; 64 voxels with half overlap by default.
    inside
        0 outside the part. It has the volume's shape, or is a coarser level (of maxima) of such a
        volume. A window without any voxel inside is not inferred: its values are `infer.outside`.
    dtype
        uint8 or uint16, a score of 1 being the largest integer; float16 or float32.
    attributes
        JSON of the new volume.
    pyramid
        How coarser levels are made, if any: "mean" or "max".
    run
        How to run.

    Returns
    -------
    Volume
        The scores; `window_counts` tells how many windows were inferred.

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
    first, out, run = first_volume(volume), Path(out), run or Run()
    work = _work(infer, first, windows or Windows(), inside=inside, dtype=np.dtype(dtype))
    spec = first.spec.but(dtype=work.dtype, attributes=dict(attributes or {}), pyramid=pyramid)
    recipe = recipe_of(
        "stitch_windows", infer, parameters=_parameters(work), inputs=(first,), spec=spec
    )
    refuse_inputs(out, (first, *([] if inside is None else [inside])))
    with Job(out, spec, recipe, overwrite=run.overwrite) as job:
        folder = out.with_name(f"{out.name}.work")
        if job.finished is None:
            run = run.but(block=job.frozen_block or run.block)
            try:
                records, counts = _stitch(work, job, folder / "sums", run)
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


def _work(
    infer: Infer, volume: Volume, windows: Windows, *, inside: Field | None, dtype: np.dtype[Any]
) -> WindowWork:
    if dtype.name not in SCORES:
        raise TypeError(f"dtype of scores must be one of {', '.join(SCORES)}, got {dtype}")
    lattice = Lattice(windows, volume.shape)
    point = lattice.point(infer.bound)
    if not abs(infer.outside) <= infer.bound:
        raise ValueError(f"outside must be within the bound {infer.bound}, got {infer.outside}")
    mask = None if inside is None else Inside.of(inside, volume.shape)
    return WindowWork(infer, volume, lattice, mask, point, dtype)


def _parameters(work: WindowWork) -> dict[str, Any]:
    """What the scores depend on besides the volume; blocks and workers are no part of it."""
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
    work: WindowWork, job: Job, folder: Path, run: Run
) -> tuple[dict[int, Record], dict[str, int]]:
    """Both passes: the records of the blocks that were written, and the counts of windows."""
    shape, chunks = work.volume.shape, work.volume.chunks
    need = window_need(
        work.infer,
        work.volume.spec,
        work.lattice.windows,
        dtype=work.dtype,
        inside=work.inside.bytes_per_voxel if work.inside else 0.0,
    )
    with Job(folder, None, job.recipe, overwrite=True) as sums:
        task = partial(sum_block, work=work)
        owned = work.lattice.count
        stage = Stage(task, shape, chunks, need, title="windows", told_grid=True, work=owned)
        found = run_stage(stage, sums, run)
        counts = np.sum([record.load("counts")["counts"] for record in found.values()], axis=0)
        grid = sums.freeze(BlockGrid(shape, shape))
        later = partial(paint_block, work=work, found=sums.output)
        title = job.path.name
        stage = Stage(later, shape, chunks, need, title=title, settled=True, told_grid=True)
        painted = run_stage(stage, job, run.but(block=grid.block))
    return painted, {"inferred": int(counts[0]), "skipped": int(counts[1])}


def window_need(
    infer: Infer, spec: VolumeSpec, windows: Windows, *, dtype: DTypeLike, inside: float = 0.0
) -> WindowNeed:
    """What `stitch_windows` takes in memory and on disk.

    Parameters
    ----------
    infer, windows, dtype
        As there.
    spec
        Of the volume.
    inside
        Bytes that the mask of the part takes for each voxel read.
    """
    lattice, scores = Lattice(windows, spec.shape), np.dtype(dtype)
    sums = lattice.point(infer.bound).dtype
    batches = 2 * 4 * windows.batch * int(np.prod(windows.input_edges))
    return WindowNeed(
        read=spec.dtype.itemsize,
        write=scores.itemsize,
        stored=scores.itemsize + sums.itemsize,
        lattice=lattice,
        sums=sums.itemsize,
        infer=batches + int(getattr(infer, "memory", 0)),
        inside=inside,
    )
