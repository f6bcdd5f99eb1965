"""The bytes of one storage chunk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numcodecs import zstd
from numpy.typing import NDArray

ZSTD_LEVEL = 1
"""Masks compress at any level: the fastest is enough. It is what the metadata say."""

NOISE_LEVEL = -1
"""For noise: repetitions are still found, but no code is made for single bytes. To make and to undo
one takes most of the time of a chunk of grey values, and saves a tenth of its size."""

_SAMPLE = 1 << 16
_NOISE = 0.85
"""A sample that stays larger than this is noise."""


def encode_chunk(voxels: NDArray[Any], shape: tuple[int, int, int]) -> bytes | None:
    """Encode a chunk as Zarr's codecs `bytes` (little endian) and `zstd` with its checksum do.

    Parameters
    ----------
    voxels
        The chunk, or less of it where the volume ends.
    shape
        Shape of a whole chunk; what is missing is filled with 0.

    Returns
    -------
    bytes or None
        None if every voxel is 0: such a chunk is not stored.
    """
    if voxels.shape != shape:
        whole = np.zeros(shape, voxels.dtype)
        whole[tuple(slice(n) for n in voxels.shape)] = voxels
        voxels = whole
    data = np.ascontiguousarray(voxels, voxels.dtype.newbyteorder("<")).reshape(-1).view(np.uint8)
    if not _any_bit(data):
        return None
    return bytes(zstd.compress(data, _level_for(data), True))


def _level_for(data: NDArray[np.uint8]) -> int:
    """The level for a chunk, from its own bytes alone: a sample from the middle decides."""
    if data.size <= _SAMPLE:
        return ZSTD_LEVEL
    middle = (data.size - _SAMPLE) // 2
    packed = zstd.compress(data[middle : middle + _SAMPLE], ZSTD_LEVEL)
    return NOISE_LEVEL if len(packed) > _NOISE * _SAMPLE else ZSTD_LEVEL


def decode_chunk(packed: bytes | memoryview, voxels: NDArray[Any]) -> None:
    """Undo `encode_chunk` into `voxels`, a whole chunk in C order and little endian.

    Raises
    ------
    RuntimeError, ValueError
        If `packed` is damaged, or holds more than `voxels` can take.
    """
    zstd.decompress(packed, voxels.reshape(-1).view(np.uint8))


def _any_bit(data: NDArray[np.uint8]) -> bool:
    """True if any bit is set; -0.0 counts, so that floats come back as they were."""
    words = data[: data.size // 8 * 8].view(np.uint64)
    return bool(words.any() or data[words.size * 8 :].any())
