"""A scan in any format becomes a volume: `ingest`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.engine import BlockGrid, JobPlan, Pass, Run, connect, fill_pass, plan_job
from poroscale.engine.jobs.job import is_output, is_results
from poroscale.engine.passes import named
from poroscale.engine.plan import make_plan
from poroscale.engine.workers.cluster import cluster_of
from poroscale.io.ingest_config import IngestConfig
from poroscale.io.opening import open_source
from poroscale.io.read.calibrated import Missing
from poroscale.io.read.cast import Cast, Inverted
from poroscale.io.read.finite import Finite
from poroscale.io.read.keyed import Keyed, keyed_array, refuse_others
from poroscale.io.read.lengths import positive_voxel_size
from poroscale.io.read.source import BlockHint, Source
from poroscale.io.read.wrappers import BuildAxis, Crop, Masked, rotated, rotated_index
from poroscale.verb import Section, verb
from poroscale.volume import CHUNK, Shape, Volume, VolumeSpec, VoxelSize

_VERSION = 2
_GOOD_BLOCK = 1 << 24  # voxels; beyond it a larger block gains nothing
_LARGE_SLAB = 1 << 30  # bytes; slices whose slab of the usual depth exceeds it are stored flatter
_FLAT_CHUNK = (32, 256, 256)


@verb("ingest", Section.of("ingest", IngestConfig), plan="plan_ingest")
def ingest(
    src: Any,
    out: str | Path,
    *,
    config: IngestConfig | None = None,
    name: str | None = None,
    run: Run | None = None,
) -> Volume:
    """Bring a scan of any format in as a volume, block by block.

    Parameters
    ----------
    src
        A path, anything that `open_source` opens; or an array of numpy, dask, zarr or xarray, as
        `as_volume` takes.
    out
        Folder of the volume.
    config
        Settings.
    name
        Name of an array; None knows a dask array by its own name, and reads any other
        array once to know it by its content.
    run
        Memory, workers and cluster. Without a block the widest one is taken that the budget holds,
        so that compressed slices are decoded as few times as possible.

    Returns
    -------
    Volume
        With the attributes ``{"kind": "scan", "source": {...}}``.

    Raises
    ------
    FileNotFoundError
        If there is nothing to read.
    ValueError
        If the input is not whole, holds NaN, states no voxel size while none is given, or if
        `out` and `src` lie inside each other.
    TypeError
        If `src` is neither a path nor an array that can be read.
    MemoryError
        If the budget cannot hold one block.
    """
    config, run, out = config or IngestConfig(), run or Run(), Path(out)
    if not isinstance(src, str | Path):
        refuse_others(src)
        array = keyed_array(src, name=name, role="input", voxel_size=config.voxel_size)
        return ingest_array(array, out, config=config, run=run)
    refuse_overlap(src, out)
    scratch = out.with_name(f"{out.name}.unpacked")
    source = _unpacked(src, config, scratch)
    with connect(run, job="ingest") as shared:
        volume = _filled(source, out, stated=config.voxel_size is None, run=shared)
    shutil.rmtree(scratch, ignore_errors=True)
    return volume


def _unpacked(src: str | Path, config: IngestConfig, scratch: Path) -> Source:
    """The source as `config` asks for it; what is compressed as a whole lies in `scratch`."""
    try:
        opened = _opened(src, config, scratch)
        if config.invert:
            _refuse_mask(opened)
        return _shaped(opened, config, scratch)
    except BaseException:
        with suppress(OSError):  # there is none, or it holds what a next try need not unpack
            scratch.rmdir()
        raise


def ingest_array(array: Keyed, out: Path, *, config: IngestConfig, run: Run) -> Volume:
    """Read an array into the volume `out`: threads of this process do, wherever it is computed.

    Parameters
    ----------
    array
        See `keyed_array`.
    out
        Folder of the volume.
    config
        Settings; `dataset`, `pattern` and `channel` mean nothing for an array.
    run
        Memory, workers and cluster.

    Raises
    ------
    ValueError, MemoryError
        As `ingest`.
    """
    if config.dataset or config.pattern or config.channel is not None:
        raise ValueError("dataset, pattern and channel must be left out for an array")
    if config.invert:
        _refuse_mask(array)
    source = _shaped(array, config, None)
    with connect(run, job="ingest") as shared:
        here = shared.but(cluster="threads")
        return _filled(source, out, stated=config.voxel_size is None, run=here)


def _filled(source: Source, out: Path, *, stated: bool, run: Run) -> Volume:
    """A source that is shaped already, as a volume."""
    spec = _spec(source, stated=stated)
    with _told_what_is_decoded(source):
        return fill_pass(
            ingest_pass(source, spec),
            out,
            spec=spec,
            recipe={"sampler": "ingest", "version": _VERSION, "source": source.fingerprint()},
            run=run.but(block=run.block or _block(source, spec, run)),
        )


@contextmanager
def _told_what_is_decoded(source: Source) -> Iterator[None]:
    """A budget that cannot hold a strip or picture is refused with its size."""
    try:
        yield
    except MemoryError as error:
        if source.per_read < 1 << 20:
            raise
        size = f"{source.per_read >> 20} MiB"
        raise MemoryError(
            f"{error}; {source.name} is decoded {size} at a time by each worker"
        ) from error


def _refuse_mask(source: Source) -> None:
    """Refuse to reverse what holds 0 and 1 in three of its slices: 255 and 254 mean nothing."""
    if source.dtype != np.uint8:
        return
    nz, ny, nx = source.shape
    if all(source.read((z, 0, 0), (1, ny, nx)).max() <= 1 for z in {0, nz // 2, nz - 1}):
        raise ValueError(
            f"{source.name}: grey values must be reversed, and this is a mask of 0 and 1; leave "
            "the inversion away, and name the value of the pores where they are measured"
        )


def passes(src: str | Path, config: IngestConfig) -> tuple[VolumeSpec, dict[str, Pass]]:
    """The volume that `src` will become, and the pass that reads it; no voxel is touched."""
    source = prepare(src, config)
    spec = _spec(source, stated=config.voxel_size is None)
    return spec, named(ingest_pass(source, spec))


def ingest_pass(source: Source, spec: VolumeSpec) -> Pass:
    """The pass that reads `source` into a volume of `spec`."""
    return Pass(
        "ingest",
        source,
        writes=spec.dtype,
        pyramid=spec.pyramid,
        temporary=source.temporary,
        fixed=source.per_read,
    )


def plan_ingest(
    src: str | Path, *, config: IngestConfig | None = None, run: Run | None = None
) -> JobPlan:
    """The plan of `ingest`; no voxel is touched.

    Raises
    ------
    FileNotFoundError, ValueError
        As `ingest`.
    MemoryError
        If the budget cannot hold one block.
    """
    config, run = config or IngestConfig(), run or Run()
    source = prepare(src, config)
    spec = _spec(source, stated=config.voxel_size is None)
    with _told_what_is_decoded(source):
        block = run.block or _block(source, spec, run)
        return plan_job(spec, named(ingest_pass(source, spec)), run.but(block=block))


def prepare(src: Any, config: IngestConfig, *, scratch: Path | None = None) -> Source:
    """The source of `config`: opened, inverted, masked, turned, cropped, cast, in this order.

    Without `scratch`, a compressed file gives a source that knows its shape but cannot be read.
    """
    if not isinstance(src, str | Path):
        refuse_others(src)
        array = keyed_array(src, name="array", role="input", voxel_size=config.voxel_size)
        return _shaped(array, config, scratch)
    return _shaped(_opened(src, config, scratch), config, scratch)


def _opened(src: str | Path, config: IngestConfig, scratch: Path | None) -> Source:
    """The source as the file has it."""
    source = open_source(
        src,
        dataset=config.dataset,
        pattern=config.pattern,
        channel=config.channel,
        scratch=scratch,
    )
    return with_voxel_size(source, config.voxel_size)


def _shaped(source: Source, config: IngestConfig, scratch: Path | None) -> Source:
    """An opened source as `config` asks for it."""
    if config.invert:
        source = Inverted.of(source)
    if config.mask is not None:
        mask = open_source(config.mask, scratch=scratch and scratch / "mask")
        source = Masked.of(source, mask, config.mask_fill)
    if source.missing:
        source = Missing.of(source, config.nan)
    if source.dtype.kind == "f":
        source = Finite.of(source, config.nan)
    source = rotated(source, config.axes)
    if config.box is not None:
        source = _cropped(source, config.box, config.axes)
    if config.dtype is not None:
        source = Cast.of(
            source, np.dtype(config.dtype), overflow=config.overflow, levels=config.levels
        )
    return source


def with_voxel_size(source: Source, given: float | VoxelSize | None) -> Source:
    """`source` with the voxel size that is given (um), or with its own.

    Raises
    ------
    ValueError
        If there is neither, or one that is not positive.
    """
    from dataclasses import replace

    if given is None:
        if source.voxel_size is None:
            raise ValueError(
                f"{source.name} states no voxel size with a unit: give it with `voxel_size`, in um"
            )
        return source
    values = given if isinstance(given, tuple) else (given,)
    return replace(source, voxel_size=positive_voxel_size(values, "`voxel_size`"))


def refuse_overlap(src: str | Path, out: Path) -> None:
    """Refuse an output inside the input folder, or an input inside a volume to be replaced.

    Raises
    ------
    ValueError
        Naming both.
    """
    source, target = Path(str(src).partition("::")[0]).resolve(), out.resolve()
    if target == source or source in target.parents:
        raise ValueError(f"the output {out} must not lie inside the input {source.name}")
    if target in source.parents and is_output(target) and not is_results(target):
        raise ValueError(f"the input {source.name} must not lie inside the output {out}")


def _cropped(source: Source, box: tuple[int, int, int, int, int, int], axes: BuildAxis) -> Source:
    corner = (box[0], box[2], box[4])
    shape = (box[1] - box[0], box[3] - box[2], box[5] - box[4])
    return Crop.of(source, rotated_index(corner, axes), rotated_index(shape, axes))


def _spec(source: Source, *, stated: bool) -> VolumeSpec:
    assert source.voxel_size is not None
    said: dict[str, Any] = {"voxel_size_from": "metadata" if stated else "option"}
    if source.notes:
        said["notes"] = list(source.notes)
    if source.dtype == np.float16:  # ours are scores; whoever reads grey values expects more bits
        raise TypeError("dtype must not be float16; ingest it with `dtype` float32")
    return VolumeSpec(
        shape=source.shape,
        dtype=source.dtype,
        voxel_size=source.voxel_size,
        origin=source.origin,
        pyramid="mean",
        attributes={
            "kind": "scan",
            "source": {**source.fingerprint(), **said},
        },
        chunks=_chunks(source),
    )


def _chunks(source: Source) -> Shape | None:
    """Flatter chunks where a slice must be decoded whole and is large; None is the usual cube.

    Each slice is decoded as many times as there are blocks across it, and the deeper a chunk is,
    the fewer voxels across a slice fit the budget. Only the input decides, never the budget.
    """
    unit = [
        n if hint is None else hint
        for n, hint in zip(source.shape, source.preferred_block, strict=True)
    ]
    slab = CHUNK * unit[1] * unit[2] * source.dtype.itemsize
    return _FLAT_CHUNK if unit[0] == 1 and slab > _LARGE_SLAB else None


def _block(source: Source, spec: VolumeSpec, run: Run) -> Shape | None:
    """The widest block that the source likes and the budget holds; None leaves it to the plan."""
    need = ingest_pass(source, spec).need
    chunks = spec.chunk_shape
    with cluster_of(run) as cluster:
        staff = cluster.staff(run)
    for block in _wide_blocks(source.preferred_block, spec.shape, chunks, workers=staff.workers):
        try:
            make_plan(spec.shape, chunks, need, staff=staff, block=block)
        except MemoryError:
            continue
        return block
    return None


def _wide_blocks(hint: BlockHint, shape: Shape, chunks: Shape, *, workers: int) -> Iterator[Shape]:
    """Blocks of whole chunks from the one that `hint` wants down to narrower ones.

    Where the hint is small, the first is larger than it wants, as long as it does not exceed a
    good size and leaves every worker two.
    """
    z, y, x = (
        n if wanted is None or wanted > n - chunk else -(-wanted // chunk) * chunk
        for wanted, n, chunk in zip(hint, shape, chunks, strict=True)
    )
    while y < shape[1] and 2 * z * y * x <= _GOOD_BLOCK:
        if len(BlockGrid(shape, (z, 2 * y, x))) < 2 * workers:
            break
        y = min(2 * y, shape[1])
    yield z, y, x
    while y > chunks[1]:
        y = -(-y // (2 * chunks[1])) * chunks[1]
        yield z, y, x
    while x > chunks[2]:
        x = -(-x // (2 * chunks[2])) * chunks[2]
        yield z, y, x
