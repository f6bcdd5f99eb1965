"""Label images: every value is a pore of its own, also where two of them touch.

1. Stream the image once: the integer sums of every label, its box, its first voxel.
2. Number the labels by their first voxels in (z, y, x) order, as components are.
3. Write them as consecutive labels. From there on nothing differs from components.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine import Halo, Pass, Reduction, Run, map_pass, reduce_pass
from poroscale.identity import kernel
from poroscale.kernels.bodies.moments import SECOND_MOMENTS
from poroscale.volume import Index, Volume

BYTES = 40.0
"""Temporary bytes per voxel of both passes: sorting a block's labels."""
LOW, HIGH = ("z0", "y0", "x0"), ("z1", "y1", "x1")
SUMS = ("voxel_count", "marked", "sz", "sy", "sx", *SECOND_MOMENTS)
Partial = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class ImageLabels:
    """The label volume of an image, and the integers of its labels.

    Attributes
    ----------
    volume
        Consecutive labels from 1, uint32.
    found
        Columns of `kernels.runs.COLUMNS` as int64 (n,), `label`, and `input_label`: the value in
        the image.
    """

    volume: Volume
    found: dict[str, NDArray[np.int64]]

    def columns(self) -> dict[str, NDArray[np.int64]]:
        """As `engine.Labelled.columns`."""
        return self.found


def passes(dtype: DTypeLike) -> tuple[Pass, Pass]:
    """The two passes over an image of `dtype`: the sums of its labels, and their new numbers."""
    sums = Pass("sums", reads=(dtype,), halo=Halo.of(1, pad="edge"), temporary=BYTES)
    return sums, Pass("labels", _renumbered, reads=(dtype,), writes=np.uint32, temporary=BYTES)


def number_labels(
    image: Volume, out: Path, *, outside: int | None, journal: Path, run: Run
) -> ImageLabels:
    """The labels of an image as a label volume of ours.

    Parameters
    ----------
    image
        Integers; 0 and the value of the outside are no labels.
    out
        Folder of the label volume.
    outside
        Value outside the part; None where all is part.
    journal
        Folder that remembers finished blocks of the first pass.
    run
        Memory, workers and cluster.

    Raises
    ------
    TypeError
        If the image does not hold integers.
    """
    if image.dtype.kind not in "ui":
        raise TypeError(f"a label image must hold integers, got {image.dtype} in {image.path}")
    sums, labels = passes(image.dtype)
    found: dict[str, NDArray[np.int64]] = reduce_pass(
        sums.but(kernel=_SUMS, parameters={"outside": outside}), image, journal=journal, run=run
    )
    order = np.argsort(found["input_label"], kind="stable")
    known = found["input_label"][order]
    number = found["label"][order].astype(np.uint32)
    volume = map_pass(
        labels.but(parameters={"known": known, "number": number}),
        image,
        out,
        attributes={"kind": "labels", "of": "label image"},
        run=run,
    )
    return ImageLabels(volume, found)


@kernel("pores.renumbered")
def _renumbered(
    block: NDArray[Any], *, known: NDArray[np.int64], number: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    if not len(known):
        return np.zeros(block.shape, np.uint32)
    row = np.minimum(np.searchsorted(known, block), len(known) - 1)
    return np.where(known[row] == block, number[row], np.uint32(0))


@kernel("pores.sums")
def _sums(block: NDArray[Any], *, origin: Index, outside: int | None) -> dict[str, NDArray[Any]]:
    inner = block[1:-1, 1:-1, 1:-1]
    labelled = inner != 0 if outside is None else (inner != 0) & (inner != outside)
    place = np.stack(np.nonzero(labelled))
    values, row = np.unique(inner[labelled].astype(np.int64), return_inverse=True)
    row = row.reshape(-1)
    beside = np.zeros(inner.shape, bool) if outside is None else _beside(block == outside)
    count, marked = _add(row, None, len(values)), _add(row, beside[labelled], len(values))
    found: dict[str, NDArray[Any]] = {"input_label": values, "voxel_count": count, "marked": marked}
    local = [_add(row, axis, len(values)) for axis in place]
    for name, start, total in zip("zyx", origin, local, strict=True):
        found[f"s{name}"] = total + start * count
    for name in SECOND_MOMENTS:
        a, b = ("zyx".index(axis) for axis in name[1:])
        product = _add(row, place[a] * place[b], len(values))
        moved = origin[a] * local[b] + origin[b] * local[a] + origin[a] * origin[b] * count
        found[name] = product + moved
    for axis, start in enumerate(origin):
        low = np.full(len(values), np.iinfo(np.int64).max)
        high = np.full(len(values), -1)
        np.minimum.at(low, row, place[axis])
        np.maximum.at(high, row, place[axis])
        found[LOW[axis]], found[HIGH[axis]] = low + start, high + start + 1
    first = np.full(len(values), place.shape[1])
    np.minimum.at(first, row, np.arange(place.shape[1]))
    found["first"] = (place[:, first] + np.array(origin)[:, None]).T
    return found


def _add(row: NDArray[np.int64], weight: NDArray[Any] | None, size: int) -> NDArray[np.int64]:
    """Sums by row; exact, as those of one block stay far below 2^53."""
    return np.bincount(row, weight, size).astype(np.int64)


def _beside(outside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True for each voxel with a face at the outside; the block comes with its halo."""
    found = np.zeros(tuple(n - 2 for n in outside.shape), bool)
    for axis in range(3):
        for side in (slice(None, -2), slice(2, None)):
            cut = [slice(1, -1)] * 3
            cut[axis] = side
            found |= outside[tuple(cut)]
    return found


def _both(a: Partial, b: Partial) -> dict[str, NDArray[Any]]:
    """Partial results of earlier blocks and of a later one, as one."""
    names = np.concatenate([a["input_label"], b["input_label"]])
    values, row = np.unique(names, return_inverse=True)
    row = row.reshape(-1)
    joined: dict[str, NDArray[Any]] = {"input_label": values}
    for name in (*SUMS, *LOW, *HIGH):
        parts = np.concatenate([a[name], b[name]])
        if name in SUMS:
            joined[name] = np.zeros(len(values), np.int64)
            np.add.at(joined[name], row, parts)
        else:
            extreme = np.minimum if name in LOW else np.maximum
            joined[name] = np.full(len(values), np.iinfo(np.int64).max if name in LOW else -1)
            extreme.at(joined[name], row, parts)
    joined["first"] = _earliest(np.concatenate([a["first"], b["first"]]), row, len(values))
    return joined


def _earliest(places: NDArray[np.int64], row: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """(size, 3) first of the places (n, 3) of each row in (z, y, x) order."""
    order = np.lexsort((places[:, 2], places[:, 1], places[:, 0], row))
    start = np.searchsorted(row[order], np.arange(size))
    return np.asarray(places[order][start])


def _in_order(total: Partial) -> dict[str, NDArray[np.int64]]:
    """Columns numbered by the first voxels of the labels."""
    order = np.lexsort(total["first"].T[::-1])
    found = {name: values[order] for name, values in total.items() if name != "first"}
    found |= {f"first_{axis}": total["first"][order, i] for i, axis in enumerate("zyx")}
    return {"label": np.arange(1, len(order) + 1), **found}


_SUMS = Reduction(_sums, _both, _in_order, located=True)
