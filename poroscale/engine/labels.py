"""Connected components of a volume, block by block, in four passes.

1. Label the x-runs of every block; sum each component's integers; keep the runs and the labels on
   the six faces in the journal.
2. Where two blocks meet, pair the labels that touch, and join the pairs (union-find).
3. Number the components that are kept, slab of blocks by slab, in the order of their first voxel.
4. Paint every block from its runs. No voxel is read twice.

Only labels on a face can have a partner, so only they enter the union-find. A component that
touches no face is complete in its block, and is forgotten as soon as its slab has been numbered.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine.grid import BlockGrid, Box
from poroscale.engine.inputs import Field, Halo, first_volume, read_padded, same_shape
from poroscale.engine.jobs.job import Job, refuse_inputs
from poroscale.engine.jobs.journal import Record
from poroscale.engine.jobs.output import Output
from poroscale.engine.jobs.recipe import recipe_of
from poroscale.engine.numbering import Numbering, number_components
from poroscale.engine.passes import Pass
from poroscale.engine.plan import KERNELS, TABLES, Need
from poroscale.engine.run import Run
from poroscale.engine.stage import Stage, build_levels, run_stage
from poroscale.engine.workers.names import words_of
from poroscale.kernels.bodies.runs import Runs, label_runs, paint_runs
from poroscale.kernels.bodies.seams import faces_of
from poroscale.manifest import write_durably
from poroscale.storage.parquet_files import read_parquet
from poroscale.volume import Volume

if TYPE_CHECKING:
    import pandas as pd

COMPONENTS_FILE = "components.parquet"
RUN_BYTES = 10.0
"""Temporary bytes per voxel of pass 1 when every second voxel begins a run; real masks have few."""


RUNS_STORED = 0.5
"""Bytes per voxel of the runs, faces and sums in the journal."""

LONGEST_ROW = 65535
"""Voxels along x of a block: places in a row are stored in 16 bits."""

NUMBERING = 48 << 20
"""Bytes that passes 2 and 3 hold: labels on faces, and the components of one slab of blocks."""

Keep = Callable[["pd.DataFrame"], NDArray[np.bool_]]


@dataclass(frozen=True)
class Components:
    """Rules for which voxels form a component, and which components are kept.

    Attributes
    ----------
    foreground
        `foreground(*blocks, **parameters) -> uint8 block` of 0 background, 1 foreground,
        2 foreground that is counted as marked; blocks come with their halo, the result with or
        without it.
    connectivity
        6, 18 or 26 neighbours.
    parameters
        JSON or arrays that `foreground` is called with.
    halo
        Voxels of the neighbourhood that `foreground` needs.
    keep
        `keep(table) -> bool (n,)` from a frame with the columns of `kernels.runs.COLUMNS`; None
        keeps all.
    """

    foreground: Callable[..., NDArray[np.uint8]]
    connectivity: int = 6
    parameters: Mapping[str, Any] = field(default_factory=dict)
    halo: Halo = field(default_factory=Halo)
    keep: Keep | None = None

    def recipe(self, volumes: Sequence[Field], verb: str) -> dict[str, Any]:
        """Parameters on which the components depend."""
        parameters = {
            "connectivity": self.connectivity,
            "halo": self.halo.width,
            "pad": self.halo.pad,
            "keep": self.keep,
            **self.parameters,
        }
        return recipe_of(verb, self.foreground, parameters=parameters, inputs=volumes)


@dataclass(frozen=True)
class LabelPass(Pass):
    """The passes of `label_blocks`, declared as one.

    `kernel` is the foreground, `temporary` what that allocates beside the runs. Without `writes`
    components are counted only.

    Attributes
    ----------
    connectivity, keep
        As in `Components`.
    """

    temporary: float = 0.0
    driver: int = NUMBERING
    scratch: float = RUNS_STORED
    libraries: tuple[str, ...] = (*KERNELS, *TABLES)
    connectivity: int = 6
    keep: Keep | None = None

    @classmethod
    def of(cls, components: Components, dtype: DTypeLike | None) -> LabelPass:
        """Components as a pass that writes `dtype`; None counts only."""
        return cls(
            "",
            components.foreground,
            writes=dtype,
            halo=components.halo,
            parameters=components.parameters,
            # The largest label of a cube is one of its labels: no voxel of a coarser level is new.
            pyramid=None if dtype is None or np.dtype(dtype) == bool else "max",
            connectivity=components.connectivity,
            keep=components.keep,
        )

    @property
    def components(self) -> Components:
        """Rules for which voxels form a component, and for the components that are kept."""
        return Components(self.kernel, self.connectivity, self.parameters, self.halo, self.keep)

    @property
    def painting(self) -> Need:
        """Need of the last pass, over the blocks of the first."""
        return Need(write=self.written_bytes, temporary=2, stored=self.stored_bytes)

    @property
    def need(self) -> Need:
        """Needs of all passes: they share one grid."""
        later = None if self.writes is None else self.painting
        temporary = RUN_BYTES + self.temporary
        return replace(super().need, write=0, temporary=temporary, later=later)


@dataclass(frozen=True)
class Labelled:
    """Labels and what is known of them: row i of the table is label i + 1."""

    volume: Volume

    def table(self) -> pd.DataFrame:
        """int64 columns `label` and those of `kernels.runs.COLUMNS`, one row per component."""
        import pandas as pd

        return pd.DataFrame(self.columns())

    def columns(self) -> dict[str, NDArray[np.int64]]:
        """The columns of `table` as arrays, for those who can do without pandas."""
        found = read_parquet(self.volume.path / COMPONENTS_FILE)
        return {name: found[name].to_numpy() for name in found.column_names}


def label_blocks(
    components: Components,
    inputs: Field | Sequence[Field],
    out: str | Path,
    *,
    dtype: DTypeLike = np.uint32,
    attributes: Mapping[str, Any] | None = None,
    run: Run | None = None,
) -> Labelled:
    """Connected components of a volume.

    Labels are consecutive from 1 after `components.keep`, numbered by their first voxel in
    (z, y, x) order; they equal `scipy.ndimage.label` of the whole array.

    Parameters
    ----------
    components
        Rules for foreground, and for the components that are kept.
    inputs
        Volumes that `components.foreground` reads.
    out
        Folder of the label volume.
    dtype
        uint32 for labels; bool for a mask of the kept components.
    attributes
        JSON of the new volume.
    run
        Memory, workers and cluster.

    Returns
    -------
    Labelled
        The label volume with its table of components.

    Raises
    ------
    ValueError
        If `out` holds something else, or the connectivity is none.
    OverflowError
        If there are more components than `dtype` can number.
    """
    declared = LabelPass.of(components, dtype)
    return label_pass(declared, inputs, out, attributes=attributes, run=run)


def label_pass(
    declared: LabelPass,
    inputs: Field | Sequence[Field],
    out: str | Path,
    *,
    attributes: Mapping[str, Any] | None = None,
    run: Run | None = None,
) -> Labelled:
    """`label_blocks` as a pass declares it.

    Raises
    ------
    TypeError
        If the inputs take more bytes per voxel than the pass declares.
    ValueError, OverflowError
        As `label_blocks`.
    """
    volumes, first = same_shape(inputs), first_volume(inputs)
    declared, out, run = declared.reading(volumes), Path(out), run or Run()
    spec = declared.spec(first.spec, attributes)
    recipe = declared.components.recipe(volumes, "label_blocks") | {"dtype": spec.dtype.str}
    refuse_inputs(out, volumes)
    with Job(out, spec, recipe, overwrite=run.overwrite) as job:
        work = out.with_name(f"{out.name}.work")
        if job.finished is None:
            painted = _label(declared, volumes, job, work / "runs", run)
            painted |= build_levels(job, spec, run)
            job.finish(painted, extra=(COMPONENTS_FILE,))
        shutil.rmtree(work, ignore_errors=True)
    return Labelled(Volume.open(out))


def _label(
    declared: LabelPass, volumes: Sequence[Field], job: Job, work: Path, run: Run
) -> dict[int, Record]:
    """All four passes: the records of the blocks that were painted."""
    # The numbers of pass 3 belong to blocks, so that the first and the last pass share one grid.
    run = run.but(block=job.frozen_block or run.block)
    first, title = first_volume(volumes), declared.title or words_of(job.path, "labels")
    with _found(declared, volumes, work, run) as (numbering, found):
        task = partial(_paint, found=found.output, numbers=numbering.numbers)
        need = declared.painting
        stage = Stage(task, first.shape, first.chunks, need, title=title, settled=True)
        painted = run_stage(stage, job, run.but(block=found.grid.block))
        write_durably(job.path / COMPONENTS_FILE, numbering.table.read_bytes())
    return painted


def count_components(
    components: Components,
    inputs: Field | Sequence[Field],
    *,
    journal: Path | None = None,
    run: Run | None = None,
) -> pd.DataFrame:
    """The table of components without painting them: passes 1 to 3 of `label_blocks`.

    Parameters
    ----------
    components, inputs, run
        As in `label_blocks`.
    journal
        Folder that remembers finished blocks; it stays until the caller removes it.
    """
    return count_pass(LabelPass.of(components, None), inputs, journal=journal, run=run)


def count_pass(
    declared: LabelPass,
    inputs: Field | Sequence[Field],
    *,
    journal: Path | None = None,
    run: Run | None = None,
) -> pd.DataFrame:
    """`count_components` as a pass declares it."""
    import pandas as pd

    if journal is None:
        with tempfile.TemporaryDirectory(prefix="poroscale-") as folder:
            return count_pass(declared, inputs, journal=Path(folder) / "runs", run=run)
    volumes = same_shape(inputs)
    counted = replace(declared.reading(volumes), writes=None)
    with _found(counted, volumes, journal, run or Run()) as (numbering, _):
        return pd.read_parquet(numbering.table)


@dataclass(frozen=True)
class _Found:
    """Folder of the runs of pass 1."""

    output: Output
    grid: BlockGrid


@contextmanager
def _found(
    declared: LabelPass, volumes: Sequence[Field], work: Path, run: Run
) -> Iterator[tuple[Numbering, _Found]]:
    """Passes 1 to 3; the runs stay until the context is left."""
    components, first = declared.components, first_volume(volumes)
    task = partial(_find, components=components, volumes=volumes)
    # Labels are painted by a later pass, which has the title of the whole.
    title = (declared.title if declared.writes is None else "") or "components"
    stage = Stage(task, first.shape, first.chunks, declared.need, title=title)
    with Job(work, None, components.recipe(volumes, "components"), overwrite=True) as job:
        records = run_stage(stage, job, run)
        grid = job.freeze(BlockGrid(first.shape, first.shape))
        numbering = number_components(
            records, grid, work, connectivity=components.connectivity, keep=components.keep
        )
        yield numbering, _Found(job.output, grid)


def _find(
    output: Output, _number: int, box: Box, *, components: Components, volumes: Sequence[Field]
) -> tuple[None, dict[str, NDArray[Any]]]:
    """Pass 1 of one block."""
    if box.shape[2] > LONGEST_ROW:
        raise ValueError(f"block must be at most {LONGEST_ROW} voxels along x, got {box.shape[2]}")
    blocks = (read_padded(volume, box, components.halo) for volume in volumes)
    mask = components.foreground(*blocks, **components.parameters)
    if mask.shape != box.shape:
        inner = zip(components.halo.width, box.shape, strict=True)
        mask = mask[tuple(slice(h, h + n) for h, n in inner)]
    runs, table = label_runs(mask, connectivity=components.connectivity, origin=box.origin)
    return None, {"table": table, **_stored(runs), **faces_of(runs, box.shape)}


def _stored(runs: Runs) -> dict[str, NDArray[Any]]:
    return {
        "rows": np.diff(runs.rows).astype(np.uint16),
        "start": runs.start.astype(np.uint16),
        "length": (runs.stop - runs.start).astype(np.uint16),
        "label": runs.label,
    }


def load_runs(record: Record) -> Runs:
    """The runs of a block as pass 1 left them."""
    stored = record.load("rows", "start", "length", "label")
    rows = np.concatenate([[0], np.cumsum(stored["rows"])]).astype(np.int32)
    start = stored["start"].astype(np.int32)
    return Runs(rows, start, start + stored["length"], stored["label"])


def _paint(
    output: Output, number: int, box: Box, *, found: Output, numbers: Path
) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    """Pass 4 of one block."""
    assert output.spec is not None
    record = found.journal.find(number)
    if record is None:
        raise OSError(f"{found.path}: the runs of block {number} are gone; run the job again")
    values = Numbering.load_numbers(numbers, number)
    limit = 1 if output.spec.dtype == bool else np.iinfo(output.spec.dtype).max
    if output.spec.dtype != bool and values.size and values.max() > limit:
        raise OverflowError(
            f"{output.path}: {values.max()} components do not fit {output.spec.dtype}"
        )
    return paint_runs(load_runs(record), values.astype(output.spec.dtype), box.shape), {}
