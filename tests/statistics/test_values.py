import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poroscale.engine import Run, volume_from_array
from poroscale.statistics.values import _samples, few_values, shares_in_words
from poroscale.volume import VolumeSpec

QUIET = Run(progress=False)


def stored(folder, array, chunks=None):
    spec = VolumeSpec(array.shape, array.dtype, (1.0, 1.0, 1.0), chunks=chunks)
    return volume_from_array(array, folder / "v.zarr", spec=spec, run=QUIET)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "uint16", "int32", "float32"])
def test_values_of_a_mask_are_counted(tmp_path, dtype):
    mask = np.zeros((9, 20, 33), dtype)
    mask[2:5, 3:9] = 1
    counts = few_values(stored(tmp_path, mask), run=QUIET)
    assert counts == {0: mask.size - 3 * 6 * 33, 1: 3 * 6 * 33}


@given(st.integers(1, 6), st.integers(0, 99))
def test_blocks_add_up_to_the_whole(tmp_path_factory, kinds, seed):
    array = np.random.default_rng(seed).integers(-3, -3 + kinds, (7, 12, 9)).astype(np.int16)
    volume = stored(tmp_path_factory.mktemp("v"), array, chunks=(4, 4, 4))
    values, counts = np.unique(array, return_counts=True)
    whole = dict(zip(values.tolist(), counts.tolist(), strict=True))
    found = few_values(volume, run=QUIET.but(block=(4, 8, 4)))
    assert found == (whole if len(whole) <= 4 else None)


def test_a_value_that_no_sample_holds_counts(tmp_path):
    array = np.zeros((3, 200, 200), np.uint8)
    array[0, 0, 190:196] = np.arange(1, 7)
    volume = stored(tmp_path, array)
    assert few_values(volume, run=QUIET) is None
    assert few_values(volume, most=7, run=QUIET) == {0: array.size - 6} | dict.fromkeys(
        range(1, 7), 1
    )


def test_grey_values_cost_one_sample(tmp_path, monkeypatch):
    from poroscale.statistics import values

    array = np.random.default_rng(1).integers(0, 256, (5, 300, 300)).astype(np.uint8)
    volume = stored(tmp_path, array)
    monkeypatch.setattr(values, "reduce_blocks", None)
    assert few_values(volume, run=QUIET) is None


def test_shares_in_words():
    assert shares_in_words({0: 40, 128: 60}) == "0 (40 %), 128 (60 %)"


@pytest.mark.parametrize(
    ("shape", "chunk"), [((512, 300, 70), 128), ((40, 40, 40), 16), ((1, 200, 90), 64)]
)
def test_samples_lie_in_the_volume_and_in_one_chunk_if_they_fit(shape, chunk):
    for origin, extent in _samples(shape, (chunk,) * 3):
        for first, n, whole in zip(origin, extent, shape, strict=True):
            assert 0 <= first <= first + n <= whole
            last = min((first // chunk + 1) * chunk, whole)
            assert first + n <= last or n > chunk or whole - whole // chunk * chunk < n
