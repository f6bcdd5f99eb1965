"""Values as integers of the same order, so that one compiled kernel serves every type of voxels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Keys = NDArray[Any]
"""uint8, uint16, int32 or int64."""


def order_keys(values: NDArray[Any], *, flipped: bool = False) -> Keys:
    """Integers in the order of `values`, in the opposite order if `flipped`.

    Parameters
    ----------
    values
        bool, integers or floats of at most 64 bits; floats are finite.
    flipped
        Give the largest value the smallest key.

    Returns
    -------
    ndarray
        uint8, uint16, int32 or int64, of the size of the values (float16 as float32).
    """
    keys = _keys(np.ascontiguousarray(values))
    return ~keys if flipped else keys


def values_of_keys(keys: NDArray[np.int64], dtype: DTypeLike) -> NDArray[Any]:
    """The values of keys that `order_keys` made of an array of `dtype`; of that dtype."""
    dtype = np.dtype(dtype)
    return _values(keys.astype(key_dtype(dtype)), dtype)


def unflipped(keys: NDArray[np.int64], dtype: DTypeLike) -> NDArray[np.int64]:
    """Keys of the type `dtype` from flipped ones, both held as int64."""
    return (~keys.astype(dtype)).astype(np.int64)


def key_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """The type of the keys of values of `dtype`."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return np.dtype(np.int64 if dtype.itemsize == 8 else np.int32)
    return np.dtype({1: np.uint8, 2: np.uint16, 4: np.int32, 8: np.int64}[dtype.itemsize])


def _keys(values: NDArray[Any]) -> Keys:
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind == "f":
        wide = values.astype(np.float64 if size == 8 else np.float32)
        wide[wide == 0] = 0  # -0.0 becomes 0.0
        bits = wide.view(key_dtype(values.dtype))
        return bits ^ ((bits >> (8 * bits.itemsize - 1)) & np.iinfo(bits.dtype).max)
    keys = values.view(key_dtype(values.dtype))
    return keys if kind == "b" or _is_plain(values.dtype) else keys ^ _sign(keys.dtype)


def _values(keys: Keys, dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "f":
        bits = keys ^ ((keys >> (8 * keys.itemsize - 1)) & np.iinfo(keys.dtype).max)
        return bits.view(np.float64 if dtype.itemsize == 8 else np.float32).astype(dtype)
    if dtype.kind == "b" or _is_plain(dtype):
        return keys.view(dtype)
    return (keys ^ _sign(keys.dtype)).view(dtype)


def _is_plain(dtype: np.dtype[Any]) -> bool:
    """True where key and value are the same bits."""
    return (dtype.kind == "u") == (dtype.itemsize < 4)


def _sign(dtype: np.dtype[Any]) -> Any:
    """The number whose only bit is the highest."""
    return dtype.type(np.iinfo(dtype).min if dtype.kind == "i" else 1 << (8 * dtype.itemsize - 1))
