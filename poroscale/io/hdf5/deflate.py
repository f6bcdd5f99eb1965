"""Boxes of the commonest HDF5 datasets, deflated with or without shuffled bytes, decoded here.

HDF5 decodes one chunk at a time whatever the number of threads, and without a bound. Here a stream
is unpacked up to the size of a chunk and not a byte further, and threads do so side by side.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.io.read.source import Voxels

if TYPE_CHECKING:
    import h5py

_DEFLATE, _SHUFFLE = 1, 2


def is_deflated(found: h5py.Dataset) -> bool:
    """True if `read_deflated` can read a dataset: its filters, and numbers as numpy has them."""
    import h5py

    if found.chunks is None or found.is_virtual or found.dtype.kind not in "uif":
        return False
    pipeline = found.id.get_create_plist()
    filters = [pipeline.get_filter(i)[0] for i in range(pipeline.get_nfilters())]
    plain = found.id.get_type() == h5py.h5t.py_create(found.dtype)
    return filters in ([_DEFLATE], [_SHUFFLE, _DEFLATE]) and bool(plain)


def read_deflated(found: h5py.Dataset, where: Sequence[slice], name: str) -> Voxels:
    """The box `where`, a slice with start and stop for each stored axis.

    Raises
    ------
    OSError
        Naming the dataset and the chunk that is damaged, or decodes to more than a chunk.
    """
    box = np.empty([s.stop - s.start for s in where], found.dtype)
    shuffled = found.id.get_create_plist().get_nfilters() > 1
    axes = zip(where, found.chunks, strict=True)
    for corner in product(*(range(s.start // c * c, s.stop, c) for s, c in axes)):
        mask, packed = found.id.read_direct_chunk(corner)
        chunk = _chunk(
            found, packed, mask=mask, shuffled=shuffled, name=f"{name}: the chunk at {corner}"
        )
        source, target = _overlap(where, corner, found.chunks)
        box[target] = chunk[source]
    return box


def _chunk(
    found: h5py.Dataset, packed: bytes, *, mask: int, shuffled: bool, name: str
) -> NDArray[Any]:
    """The voxels of a chunk; the bits of `mask` are the filters that were left out for it."""
    size = prod(found.chunks) * found.dtype.itemsize
    data = packed if mask >> int(shuffled) & 1 else _inflated(packed, size, name)
    if len(data) != size:
        raise OSError(f"{name} is damaged: it decodes to {len(data)} of {size} bytes")
    if shuffled and not mask & 1 and found.dtype.itemsize > 1:
        apart = np.frombuffer(data, np.uint8).reshape(found.dtype.itemsize, -1)
        data = apart.T.tobytes()
    return np.frombuffer(data, found.dtype).reshape(found.chunks)


def _inflated(packed: bytes, size: int, name: str) -> bytes:
    decoder = zlib.decompressobj()
    try:
        data = decoder.decompress(packed, size)
        more = b"" if decoder.eof else decoder.decompress(decoder.unconsumed_tail, 1)
    except zlib.error as error:
        raise OSError(f"{name} is damaged: {error}") from error
    if more:
        raise OSError(f"{name} would decode to more than the {size} bytes of a chunk")
    if not decoder.eof:
        raise OSError(f"{name} is damaged: it is cut short")
    return data


def _overlap(
    where: Sequence[slice], corner: Sequence[int], chunks: Sequence[int]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The part of a chunk that lies in the box, and its place in the box."""
    source, target = [], []
    for window, start, size in zip(where, corner, chunks, strict=True):
        first, last = max(window.start, start), min(window.stop, start + size)
        source.append(slice(first - start, last - start))
        target.append(slice(first - window.start, last - window.start))
    return tuple(source), tuple(target)
