"""Work of one block in each pass of `stitch_windows`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from poroscale.engine.grid import BlockGrid, Box
from poroscale.engine.inputs import Halo, read_padded
from poroscale.engine.jobs.journal import Record
from poroscale.engine.jobs.output import Output
from poroscale.engine.plan import release_kept_memory
from poroscale.engine.stitching.inside import Inside
from poroscale.engine.stitching.lattice import Lattice, Spans
from poroscale.engine.stitching.memory import SLAB
from poroscale.identity import kernel
from poroscale.kernels.window_sums import FixedPoint, Sums, add_window, mean_values
from poroscale.volume import Index, Volume

Floats = NDArray[np.float32]


@kernel("engine.Infer")
class Infer(Protocol):
    """A model that answers a batch of windows. It pickles small, and loads its model where it runs.

    Its answer to a window must depend on nothing but the window and the shape of the batch. Where
    its device cannot hold a batch it raises MemoryError.
    `memory`, if there is such an attribute, says how many bytes one call takes besides its argument
    and its answer, the model included.
    """

    @property
    def bound(self) -> float:
        """Largest magnitude of a value."""

    @property
    def outside(self) -> float:
        """Value of a window that lies wholly outside the part."""

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Conditions of the answers: weights, normalisation, class of device (JSON)."""

    def __call__(self, patches: Floats) -> Floats:
        """(n, ez, ey, ex) values for as many grey values, halo included."""

    def finish(self, values: Floats) -> Floats:
        """Averaged values to scores in [0, 1], voxel by voxel."""


@dataclass(frozen=True)
class WindowWork:
    """Settings that the tasks of both passes share; they travel to the workers.

    Attributes
    ----------
    infer, volume, lattice
        Model, and the settings of its windows.
    inside
        The mask of the part, if windows outside are to be skipped.
    point
        Fixed point of the sums.
    dtype
        Type of the scores.
    """

    infer: Infer
    volume: Volume
    lattice: Lattice
    inside: Inside | None
    point: FixedPoint
    dtype: np.dtype[Any]


def sum_block(
    _output: Output, _number: int, box: Box, *, grid: BlockGrid, work: WindowWork
) -> tuple[None, dict[str, NDArray[Any]]]:
    """Pass 1: infer the block's windows; keep its finished core, and the sums of the rest."""
    lattice, summed = work.lattice, work.lattice.summed(box)
    if not summed.voxels:
        return None, {"counts": np.zeros(2, np.int64)}
    sums = np.zeros(summed.shape, work.point.dtype)
    wanted = _wanted(work, box)
    _add_skipped(work, box, sums, ~wanted)
    if wanted.any():
        _add_inferred(work, box, sums, wanted)
        release_kept_memory()  # what the network took, and the input
    kept = {"counts": np.array([wanted.sum(), wanted.size - wanted.sum()], np.int64)}
    core = lattice.core(box)
    kept["core"] = _finished(work, sums, core, _moved(core, box.origin))
    shares = {f"shell{k}": part for k, part in enumerate(lattice.shell(box))}
    shares |= {_share(step): part for step, part in lattice.spill(box, grid)}
    return None, kept | {name: sums[part].copy() for name, part in shares.items()}


def _share(step: Index) -> str:
    return "to {} {} {}".format(*step)


def _moved(spans: Spans, by: Index) -> Spans:
    z, y, x = (slice(s.start + b, s.stop + b) for s, b in zip(spans, by, strict=True))
    return z, y, x


def _wanted(work: WindowWork, box: Box) -> NDArray[np.bool_]:
    """Choice of the block's windows that are inferred."""
    origins = work.lattice.origins_in(box)
    if work.inside is None:
        return np.ones([len(along) for along in origins], bool)
    return work.inside.touched(origins, work.lattice.windows.edges)


def _corners(work: WindowWork, box: Box, which: NDArray[np.bool_]) -> Iterator[Index]:
    """First voxels of the block's windows that are asked for, in (z, y, x) order."""
    origins = work.lattice.origins_in(box)
    for (z, y, x), asked in zip(product(*origins), which.ravel(), strict=True):
        if asked:
            yield int(z), int(y), int(x)


def _add_skipped(work: WindowWork, box: Box, sums: Sums, which: NDArray[np.bool_]) -> None:
    """Windows outside the part count as if they had answered `infer.outside`."""
    outside = np.full(work.lattice.windows.edges, work.infer.outside, np.float32)
    for corner in _corners(work, box, which):
        _add(work, sums, outside, _minus(corner, box.origin), crop=(0, 0, 0))


def _add_inferred(work: WindowWork, box: Box, sums: Sums, which: NDArray[np.bool_]) -> None:
    windows, read = work.lattice.windows, work.lattice.read(box)
    grey = read_padded(work.volume, read, Halo())
    release_kept_memory()  # chunks that were decoded
    patches = np.zeros((windows.batch, *windows.input_edges), np.float32)
    corners = list(_corners(work, box, which))
    for first in range(0, len(corners), windows.batch):
        some = corners[first : first + windows.batch]
        for k in range(windows.batch):
            # A short batch is filled up, because the last bits depend on its shape.
            start = _minus(some[min(k, len(some) - 1)], read.origin)
            start = _minus(start, windows.halos)
            patches[k] = grey[Box(start, windows.input_edges).slices]
        values = _answer(work, patches)
        for corner, value in zip(some, values, strict=False):
            _add(work, sums, value, _minus(corner, box.origin), crop=windows.halos)


def _minus(index: Index, by: Index) -> Index:
    return index[0] - by[0], index[1] - by[1], index[2] - by[2]


def _answer(work: WindowWork, patches: Floats) -> Floats:
    try:
        values = np.ascontiguousarray(work.infer(patches), np.float32)
    except MemoryError as error:
        batch = len(patches)
        raise MemoryError(
            f"batch must fit the device's memory, got {batch} ({error}); "
            + (f"use a batch of {batch // 2}" if batch > 1 else "use smaller windows")
        ) from error
    if values.shape != patches.shape:
        raise ValueError(f"infer must answer values of shape {patches.shape}, got {values.shape}")
    return values


def _add(work: WindowWork, sums: Sums, values: Floats, corner: Index, *, crop: Index) -> None:
    lattice, bound = work.lattice, work.infer.bound
    bad = add_window(
        sums,
        values,
        corner,
        crop=crop,
        weights=lattice.weights(),
        point=work.point,
        bound=bound,
    )
    if bad:
        raise ValueError(f"infer must answer values from {-bound} to {bound}, got {bad} others")


def _finished(work: WindowWork, sums: Sums, part: Spans, where: Spans) -> NDArray[Any]:
    """The scores of a `part` of the sums that lies at `where` in the volume."""
    shape = [s.stop - s.start for s in part]
    scores = np.empty(shape, work.dtype)
    layers = max(1, SLAB // max(1, shape[1] * shape[2]))
    wz, wy, wx = work.lattice.weight_sums(where)
    z0, y0, x0 = (s.start for s in part)
    for z in range(0, shape[0] if scores.size else 0, layers):
        weights = (wz[z : z + layers], wy, wx)
        values = mean_values(sums, (z0 + z, y0, x0), weights, point=work.point)
        scores[z : z + layers] = _stored(work.infer.finish(values), values, work.dtype)
    return scores


def _stored(scores: Floats, values: Floats, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Scores in the type that is written."""
    if scores.shape != values.shape:
        raise ValueError(
            f"infer.finish must answer scores of shape {values.shape}, got {scores.shape}"
        )
    low, high = float(scores.min()), float(scores.max())
    if not (low >= 0 and high <= 1):  # NaN is neither
        raise ValueError(f"infer.finish must answer scores from 0 to 1, got {low} to {high}")
    if dtype.kind == "f":
        return scores.astype(dtype)
    return np.rint(scores * np.float32(np.iinfo(dtype).max)).astype(dtype)


def paint_block(
    _output: Output, number: int, box: Box, *, grid: BlockGrid, work: WindowWork, found: Output
) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    """Pass 2: add up what the block and those before it have kept of it."""
    lattice, own = work.lattice, _record(found, number)
    scores = np.empty(box.shape, work.dtype)
    core, parts = lattice.core(box), lattice.shell(box)
    if "core" in own.arrays:
        scores[core] = own.load("core")["core"]
    sums = [_shell(own, k, part, work.point) for k, part in enumerate(parts)]
    for share in _shares(found, lattice.sources(number, grid)):
        for part, total in zip(parts, sums, strict=True):
            _add_share(total, part, share)
    for part, total in zip(parts, sums, strict=True):
        whole = (slice(0, n) for n in total.shape)
        z, y, x = whole
        scores[part] = _finished(work, total, (z, y, x), _moved(part, box.origin))
    return scores, {}


def _record(found: Output, number: int) -> Record:
    record = found.journal.find(number)
    if record is None:
        raise OSError(f"{found.path}: the sums of block {number} are gone; run the job again")
    return record


def _shell(own: Record, k: int, part: Spans, point: FixedPoint) -> Sums:
    name = f"shell{k}"
    if name in own.arrays:
        return own.load(name)[name]
    return np.zeros([s.stop - s.start for s in part], point.dtype)


def _shares(found: Output, sources: Iterator[tuple[Index, int]]) -> Iterator[Sums]:
    """Sum of the contributions of earlier blocks in a block, from its first voxel on."""
    for step, number in sources:
        record, name = _record(found, number), _share(step)
        if name in record.arrays:
            yield record.load(name)[name]


def _add_share(total: Sums, part: Spans, share: Sums) -> None:
    """Add that part of a share which lies in one part of the shell."""
    within = [slice(s.start, min(s.stop, n)) for s, n in zip(part, share.shape, strict=True)]
    if all(s.start < s.stop for s in within):
        into = tuple(slice(0, s.stop - s.start) for s in within)
        total[into] += share[tuple(within)]
