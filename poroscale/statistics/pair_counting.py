"""Counts of the pairs of voxels of a volume, block by block, with a halo of the largest lag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine import Halo, Pass, Reduction, Run, reduce_pass
from poroscale.engine.cheap_blocks import in_cheapest_block
from poroscale.identity import kernel
from poroscale.kernels.phases.codes import OUTSIDE
from poroscale.kernels.phases.pair_counts import (
    PART,
    PairFrame,
    class_sums,
    edge_classes,
    pair_counts,
)
from poroscale.statistics.correlation import Correlations, Pair
from poroscale.statistics.phases import PhaseMap, phase_map
from poroscale.statistics.sums import summed
from poroscale.volume import Index, Shape, Volume

Floats = NDArray[np.float64]
LAGS = 64
"""Largest lag where none is given [voxels]; at most a quarter of the longest edge."""


def correlations(
    volume: Volume,
    *,
    phases: PhaseMap | None = None,
    pairs: Sequence[Pair] | None = None,
    lags: int | None = None,
    inside: Volume | None = None,
    run: Run | None = None,
) -> Correlations:
    """Count the pairs of a volume by distance vector.

    Parameters
    ----------
    volume
        Phases: integers or bool. A 2D image is a volume of one slice.
    phases
        Its phases; by default those that its values show.
    pairs
        Codes of the two phases of each S2 that is wanted; by default each phase with itself.
    lags
        Largest lag along each axis [voxels], at most one less than the edge. By default 64, or a
        quarter of the longest edge where that is less.
    inside
        Mask of the part, of the same shape.
    run
        Memory, workers and cluster. The sums of a block come from transforms in single precision,
        so that S2 depends on the blocks in its last digits: by about 1e-7.

    Raises
    ------
    ValueError
        If lags are longer than the volume.
    """
    run = run or Run()
    phases = phases or phase_map(volume, run=run)
    wanted = sorted({(min(p), max(p)) for p in pairs or [(k, k) for k in range(phases.count)]})
    # Of two phases, one tells of the other: where the first is not, the second is.
    counted = [(0, 0)] if phases.count == 2 else wanted
    reach = reach_of(volume.shape, lags)
    masked = inside is not None or phases.outside is not None
    inputs = [volume] if inside is None else [volume, inside]
    reads = [each.dtype for each in inputs]
    codes = sorted({code for pair in counted for code in pair})
    reduction = Reduction(_count_block, summed, lambda total: total, located=True)
    every = sorted({*counted, *((b, a) for a, b in counted)})
    ends = [pair for code in codes for pair in ((code, PART), (PART, code))]
    listed = [*every, *ends, (PART, PART)] if masked else every
    work = PairWork(len(codes) + masked, len(listed), reach)
    declared, run = in_slabs(volume, reads, work, run)
    parameters = {
        "values": phases.values,
        "outside": phases.outside,
        "rest": phases.rest,
        "pairs": listed,
        "codes": [] if masked else codes,
        "reach": reach,
        "width": declared.halo.width,
        "shape": volume.shape,
    }
    found = reduce_pass(declared.but(kernel=reduction, parameters=parameters), inputs, run=run)
    counts: dict[Pair, Floats] = dict(zip(listed, found["pairs"], strict=True))
    if masked:
        part = counts.pop((PART, PART))
        either = {code: counts.pop((code, PART)) + counts.pop((PART, code)) for code in codes}
    else:
        part = _pairs_of_box(volume.shape, reach)
        sums = zip(codes, found["classes"], strict=True)
        either = {code: _ends_in_box(classes, volume.shape, reach) for code, classes in sums}
    either_order = {(a, b): 0.5 * (counts[a, b] + counts[b, a]) for a, b in counted}
    if phases.count == 2:
        first, ends_of_first = either_order[0, 0], either[0]
        either_order[0, 1] = 0.5 * ends_of_first - first
        either_order[1, 1] = part - ends_of_first + first
        either[1] = 2 * part - ends_of_first
    return Correlations(phases, either_order, part, either, volume.shape, volume.voxel_size)


def reach_of(shape: Shape, lags: int | None) -> Index:
    """Largest lags along z, y, x.

    Raises
    ------
    ValueError
        If `lags` is negative or longer than the volume.
    """
    longest = max(shape) - 1
    if lags is None:
        lags = min(LAGS, max(1, max(shape) // 4), longest)
    if not 0 <= lags <= longest:
        raise ValueError(
            f"`lags` must be at least 0 and at most {longest} voxels in a volume of shape {shape}, "
            f"got {lags}"
        )
    z, y, x = (min(lags, n - 1) for n in shape)
    return z, y, x


def _pairs_of_box(shape: Shape, reach: Index) -> Floats:
    """Pairs of all voxels of a volume: products of what two shifted edges have in common."""
    z, y, x = (np.abs(np.arange(-r, r + 1)) for r in reach)
    nz, ny, nx = shape
    pairs = (nz - z[reach[0] :])[:, None, None] * (ny - y)[:, None] * (nx - x)
    return np.asarray(pairs, np.float64)


def _ends_in_box(classes: NDArray[np.int64], shape: Shape, reach: Index) -> Floats:
    """Pairs of a phase and any voxel of a volume, in either order, from its voxels by class.

    The partner at a vector is in the volume if the voxel lies in the box that the volume has in
    common with itself moved back by the vector: a sum over classes, by differences of their sums.
    """
    grown = np.pad(classes, ((1, 0),) * 3).cumsum(0).cumsum(1).cumsum(2).astype(np.float64)
    total: Floats = np.zeros(1)
    for sign in (1, -1):
        sums = grown
        for axis, (n, r) in enumerate(zip(shape, reach, strict=True)):
            vectors = sign * (np.arange(r + 1) if axis == 0 else np.arange(-r, r + 1))
            low, high = np.maximum(0, -vectors), n - np.maximum(0, vectors)
            back = n - classes.shape[axis]
            low, high = (np.where(place <= r, place, place - back) for place in (low, high))
            sums = sums.take(high, axis) - sums.take(low, axis)
        total = total + sums
    return total


@dataclass(frozen=True)
class PairWork:
    """What is counted in each block.

    Attributes
    ----------
    fields
        Phases that are told apart, the part counted as one.
    pairs
        Pairs of them, in either order.
    reach
        Largest lags along z, y, x [voxels].
    """

    fields: int
    pairs: int
    reach: Index

    @classmethod
    def of(cls, phases: int, reach: Index, *, masked: bool) -> PairWork:
        """S2 of each of some phases with itself."""
        return cls(phases + masked, phases + (2 * phases + 1 if masked else 0), reach)


def correlation_pass(
    shape: Shape, block: Shape, *, reads: Sequence[DTypeLike], work: PairWork
) -> Pass:
    """The pass over blocks of a volume of `shape`."""
    whole = [b >= n for b, n in zip(block, shape, strict=True)]
    reach = work.reach
    z, y, x = (0 if all_of_it else r for r, all_of_it in zip(reach, whole, strict=True))
    core = tuple(min(b, n) for b, n in zip(block, shape, strict=True))
    frame = PairFrame((core[0], core[1], core[2]), (z, y, x), (z, y, x), reach)
    maps = (work.fields**2 + 1) * prod(2 * r + 1 for r in reach) // 2
    return Pass(
        "pairs of voxels",
        reads=tuple(reads),
        halo=Halo.of((z, y, x), pad="edge"),
        temporary=0.25 if np.dtype(reads[0]).itemsize == 1 else 1.25,
        fixed=frame.bytes(work.fields, work.pairs) + 20 * maps,
        driver=24 * maps,
        libraries=("numba", "torch"),
    )


def in_slabs(
    volume: Volume, reads: Sequence[DTypeLike], work: PairWork, run: Run
) -> tuple[Pass, Run]:
    """The pass and the block that cost least among those that fit the memory.

    The work of a block is that of its transforms, whose lengths are those of the block and its
    lags. Blocks that span the volume along y and x need no lags there, and their planes are
    transformed once.
    """
    shape = volume.shape

    def declare(block: Shape) -> Pass:
        return correlation_pass(shape, block, reads=reads, work=work)

    return in_cheapest_block(volume, declare, partial(_transformed, shape, work.reach), run)


def _transformed(shape: Shape, reach: Index, block: Shape, workers: int) -> float:
    """Voxels that one worker transforms."""
    whole = [b >= n for b, n in zip(block, shape, strict=True)]
    blocks = prod(-(-n // b) for n, b in zip(shape, block, strict=True))
    edges = [min(b, n) for b, n in zip(block, shape, strict=True)]
    padded = (edges[0] + reach[0]) * prod(
        b + r * (1 if all_of_it else 2)
        for b, r, all_of_it in zip(edges[1:], reach[1:], whole[1:], strict=True)
    )
    twice = 5 / 3 if not (whole[1] and whole[2]) else 1.0
    return -(-blocks // workers) * padded * twice


@kernel("statistics.pair_counts")
def _count_block(
    block: NDArray[Any],
    mask: NDArray[Any] | None = None,
    *,
    origin: Index,
    values: Sequence[int],
    outside: int | None,
    rest: bool,
    pairs: Sequence[Pair],
    codes: Sequence[int],
    reach: Index,
    width: Index,
    shape: Shape,
) -> dict[str, NDArray[Any]]:
    """Pairs whose first voxel lies in the block."""
    box = PhaseMap(tuple(values), outside, rest).codes(block, mask, reuse=True)
    for axis, (first, n, w) in enumerate(zip(origin, shape, width, strict=True)):
        along = np.moveaxis(box, axis, 0)
        along[: max(0, w - first)] = OUTSIDE
        along[max(0, n - first + w) :] = OUTSIDE
    z, y, x = (n - 2 * w for n, w in zip(box.shape, width, strict=True))
    frame = PairFrame((z, y, x), width, width, reach)
    found: dict[str, NDArray[Any]] = {"pairs": pair_counts(box, [(a, b) for a, b in pairs], frame)}
    if codes:
        inner = box[tuple(slice(w, w + n) for w, n in zip(width, frame.core, strict=True))]
        found["classes"] = _classes(inner, codes, origin, shape, reach)
    return found


def _classes(
    inner: NDArray[np.uint8], codes: Sequence[int], origin: Index, shape: Shape, reach: Index
) -> NDArray[np.int64]:
    """(codes, classes ...) voxels of each code by the classes of their places in the volume."""
    every = [edge_classes(n, r) for n, r in zip(shape, reach, strict=True)]
    here = [c[o : o + n] for c, o, n in zip(every, origin, inner.shape, strict=True)]
    counts = np.zeros((len(codes), *(int(c[-1]) + 1 for c in every)), np.int64)
    place = np.ix_(*(np.unique(c) for c in here))
    for k, code in enumerate(codes):
        counts[k][place] = class_sums(inner, code, here)
    return counts
