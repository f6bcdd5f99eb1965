"""Values of a volume: a few samples tell a scan from a label image, one pass confirms it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Reduction, Run, reduce_blocks
from poroscale.identity import kernel
from poroscale.volume import Index, Shape, Volume

FEW = 4
"""Values that a label image holds at most, where nobody says that it is one."""
EDGE = 64
"""Edge of a sample [voxels]."""
PLACES = (0.5, 0.25, 0.75, 0.0, 1.0)
"""Places of samples on the diagonal of the volume; grey values show in the first of them."""


def few_values(
    volume: Volume, *, most: int = FEW, run: Run | None = None
) -> dict[int | float, int] | None:
    """The voxels of each value of a volume that holds `most` values at most; None of another.

    Parameters
    ----------
    volume
        Any volume. Samples on its diagonal are read first, so that a scan of grey values costs
        the reading of one sample; where they hold few values, all blocks are counted.
    most
        Values that count as few.
    run
        Memory, workers and cluster; changes no number.

    Returns
    -------
    dict
        Values in ascending order, a bool as 0 and 1, with the number of their voxels.
    """
    if sampled_values(volume, most=most) is None:
        return None
    reduction = Reduction(_count, _both, lambda found: found)
    found = reduce_blocks(
        reduction,
        volume,
        parameters={"most": most},
        bytes_per_voxel=volume.dtype.itemsize + 9.0,
        run=run,
    )
    if len(found["values"]) > most:
        return None
    return dict(zip(found["values"].tolist(), found["counts"].tolist(), strict=True))


def voxels_of(volume: Volume, value: int, *, run: Run | None = None) -> int:
    """Number of voxels of one value, in one reading of the volume."""
    reduction = Reduction(_count_one, _sum, lambda found: int(found["voxels"]))
    found: int = reduce_blocks(
        reduction, volume, parameters={"value": value}, bytes_per_voxel=1.0, run=run
    )
    return found


def sampled_values(volume: Volume, *, most: int) -> list[int | float] | None:
    """Values in samples on the diagonal of a volume, ascending; None if there are more than `most`.

    Other values may lie elsewhere.
    """
    seen: NDArray[Any] = np.empty(0, volume.dtype)
    for origin, shape in _samples(volume.shape, volume.chunks):
        seen = np.union1d(seen, _distinct(volume.read(origin, shape))[0])
        if len(seen) > most:
            return None
    found: list[int | float] = seen.tolist()
    return found


def shares_in_words(counts: Mapping[int | float, int]) -> str:
    """Values with their shares of the voxels: "0 (40.0 %), 128 (60.0 %)"."""
    total = sum(counts.values())
    return ", ".join(f"{value:g} ({100 * n / total:.3g} %)" for value, n in counts.items())


def _samples(shape: Shape, chunks: Shape) -> Iterator[tuple[Index, Shape]]:
    """Boxes on the diagonal, each moved into one chunk if it fits: eight would cost eight times."""
    z, y, x = (min(EDGE, n) for n in shape)
    for place in PLACES:
        a, b, c = (
            _within_chunk(int(place * (n - m)), m, n, chunk)
            for n, m, chunk in zip(shape, (z, y, x), chunks, strict=True)
        )
        yield (a, b, c), (z, y, x)


def _within_chunk(first: int, edge: int, extent: int, chunk: int) -> int:
    """Where a sample of some voxels begins that lies in the chunk of its middle."""
    begin = (first + edge // 2) // chunk * chunk
    end = min(begin + chunk, extent)
    return first if end - begin < edge else min(max(first, begin), end - edge)


@kernel("statistics.count_one")
def _count_one(block: NDArray[Any], *, value: int) -> dict[str, NDArray[Any]]:
    return {"voxels": np.array(np.count_nonzero(block == value))}


def _sum(a: Mapping[str, NDArray[Any]], b: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {"voxels": np.asarray(a["voxels"] + b["voxels"])}


@kernel("statistics.count")
def _count(block: NDArray[Any], *, most: int) -> dict[str, NDArray[Any]]:
    """Values and counts of a block; of too many values, the first `most` + 1."""
    values, counts = _distinct(block)
    return {"values": values[: most + 1], "counts": counts[: most + 1].astype(np.int64)}


def _distinct(block: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Values, ascending, and how often they occur; bytes are counted, not sorted."""
    if block.dtype.kind == "b" or block.dtype == np.uint8:
        counts = np.bincount(block.reshape(-1).view(np.uint8), minlength=1)
        values = np.flatnonzero(counts)
        return values, counts[values]
    values, counts = np.unique(block, return_counts=True, equal_nan=True)
    return values, counts


def _both(a: Mapping[str, NDArray[Any]], b: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The values of both with their counts. Too many stay too many: nothing is cut off here."""
    values = np.union1d(a["values"], b["values"])
    counts = np.zeros(len(values), np.int64)
    for part in (a, b):
        counts[np.searchsorted(values, part["values"])] += part["counts"]
    return {"values": values, "counts": counts}
