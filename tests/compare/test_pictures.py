from functools import cache

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from poroscale.compare import pictures
from poroscale.compare.pictures import Scattered, scatter_views, scattering_row
from poroscale.compare.voxels import Streamed
from poroscale.kernels.maps.scattering import scattering_coefficients


@cache
def texture(seed, *, sigma=2.0):
    noise = np.random.default_rng(seed).normal(size=(32, 32))
    return scattering_coefficients(gaussian_filter(noise, sigma, mode="wrap"))


def streamed(windows, *, columns=40, layers=16, seed=1):
    rng = np.random.default_rng(seed)
    depth = windows * layers
    flat = rng.integers(0, 3, (depth, columns)).astype(np.uint16)
    along_z = rng.integers(0, 3, (windows, columns, columns)).astype(np.uint16)
    counts = np.ones(depth, np.int64)
    return Streamed(counts, counts, along_z, flat, flat, (20.0, 20.0), layers)


def row(first, second):
    sets = Scattered([texture(s) for s in first], [texture(s, sigma=second[1]) for s in second[0]])
    return scattering_row("surface", sets, splits=4, seed=0)


def test_equal_laws_pass_and_other_textures_do_not():
    same = row(range(10), (range(10, 20), 2.0))
    assert same["passes"]
    assert same["S"] == pytest.approx(same["P"] + same["P_hat"], rel=0.3)
    assert same["halves"]["S"] == pytest.approx(same["S"], rel=0.6)
    other = row(range(10), (range(10, 20), 3.0))
    assert not other["passes"]
    assert other["S"] > 2 * other["target"]


def test_pictures_of_unlike_parts_are_brought_to_one_size():
    sides = ([streamed(4)], [streamed(5, columns=64)])
    found = scatter_views(sides, ([None], [None]), longest=256)
    assert set(found) == {"z", "y", "x"}
    assert [len(found["z"].reference), len(found["z"].generated)] == [4, 5]


def test_windows_without_a_pore_are_left_out():
    empty = streamed(5)
    empty.along_z[2] = 0
    found = scatter_views(([empty], [streamed(5)]), ([None], [None]), longest=256)
    assert len(found["z"].reference) == 4


def test_too_few_pictures_are_not_compared():
    assert scatter_views(([streamed(3)], [streamed(5)]), ([None], [None]), longest=256) == {}


@pytest.mark.parametrize(("shape", "expected"), [((64, 512), (32, 256)), ((20, 512), (20, 512))])
def test_pictures_are_averaged_while_they_stay_large_enough(shape, expected):
    picture = np.random.default_rng(1).random(shape, dtype=np.float32)
    shrunk = pictures._shrunk(picture, 256)
    assert shrunk.shape == expected
    assert shrunk.mean() == pytest.approx(picture.mean(), rel=1e-5)
