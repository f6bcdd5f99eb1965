import numpy as np
import pytest

from poroscale.kernels.topology.order_keys import key_dtype, order_keys, unflipped, values_of_keys

TYPES = [
    "bool",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
    "float16",
    "float32",
    "float64",
]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("flipped", [False, True])
def test_keys_keep_the_order_and_give_the_values_back(dtype, flipped):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        values = np.array([-np.finfo(dtype).max, -1.5, -1e-5, -0.0, 0.0, 1e-5, 2, 1e4], dtype)
    elif dtype.kind == "b":
        values = np.array([False, True])
    else:
        limits = np.iinfo(dtype)
        values = np.unique(np.array([limits.min, 0, 1, 7, limits.max // 2, limits.max], dtype))
    keys = order_keys(values, flipped=flipped)
    assert keys.dtype == key_dtype(dtype)
    wide = keys.astype(np.int64)
    rises = wide[1:] < wide[:-1] if flipped else wide[1:] > wide[:-1]
    assert np.array_equal(rises, values[1:] > values[:-1])
    back = values_of_keys(unflipped(wide, keys.dtype) if flipped else wide, dtype)
    assert back.dtype == dtype
    assert np.array_equal(back, values)
