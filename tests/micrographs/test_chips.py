"""Chips: a view of a stack of images that equals the windows, in any order and amount."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poroscale.engine import volume_from_array
from poroscale.micrographs.chips import ChipLattice, MicrographChips
from poroscale.volume import VolumeSpec
from tests.test_examples import ROOT

SIZES = ((40, 60), (33, 70), (52, 41))


def windows(stack, sizes, edge, stride, chosen=None):
    found = []
    for k, (height, width) in enumerate(sizes):
        if chosen is not None and k not in chosen:
            continue
        for y in range(0, height - edge + 1, stride):
            found += [
                stack[k, y : y + edge, x : x + edge] for x in range(0, width - edge + 1, stride)
            ]
    return np.stack(found)


def stored(folder, count=3, shape=(52, 70)):
    stack = np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)
    spec = VolumeSpec(stack.shape, stack.dtype, (0.5,) * 3, chunks=(1, 32, 32))
    return stack, volume_from_array(stack, folder / f"{count}.zarr", spec=spec)


@pytest.fixture(scope="module")
def stack_and_volume(tmp_path_factory):
    return stored(tmp_path_factory.mktemp("stack"))


@given(st.integers(5, 33), st.integers(1, 40), st.data())
def test_chips_are_the_windows(stack_and_volume, edge, stride, data):
    stack, volume = stack_and_volume
    chips = MicrographChips(volume, ChipLattice(SIZES, edge, stride), {})
    expected = windows(stack, SIZES, edge, stride)
    assert len(chips) == len(expected)
    numbers = np.array(data.draw(st.lists(st.integers(0, len(expected) - 1), max_size=9)), np.int64)
    np.testing.assert_array_equal(chips.take(numbers), expected[numbers])
    first = data.draw(st.integers(0, len(expected) - 1))
    np.testing.assert_array_equal(
        chips[first : first + 20, 1:5, 2:4], expected[first : first + 20, 1:5, 2:4]
    )


def test_chips_of_some_images_alone(stack_and_volume):
    stack, volume = stack_and_volume
    lattice = ChipLattice(SIZES, 16, 8, chosen=(0, 2))
    chips = MicrographChips(volume, lattice, {})
    np.testing.assert_array_equal(chips.read(), windows(stack, SIZES, 16, 8, {0, 2}))
    assert len(lattice.of_image(1)) == 0
    assert {*lattice.places(np.arange(len(lattice)))[:, 0]} == {0, 2}
    np.testing.assert_array_equal(
        np.concatenate(list(chips.batches(7))), windows(stack, SIZES, 16, 8, {0, 2})
    )


def test_the_labelled_view_is_lazy_and_has_conditions(stack_and_volume):
    stack, volume = stack_and_volume
    columns = {"temper": np.array(["T5", "T6", "T5"]), "feed_rate": np.array([1.0, 2.0, 3.0])}
    chips = MicrographChips(volume, ChipLattice(SIZES, 20, 9), columns)
    view = chips.to_xarray()
    assert view.dims == ("chip", "y", "x")
    assert view.attrs["pixel_um"] == 0.5
    chosen = view[(view.temper == "T6").values]
    assert {*chosen.image.values} == {1}
    assert {*chosen.feed_rate.values} == {2.0}
    one = chosen[5]
    y, x = int(one.top), int(one.left)
    np.testing.assert_array_equal(one.values, stack[1, y : y + 20, x : x + 20])
    assert float(view.mean()) == pytest.approx(windows(stack, SIZES, 20, 9).mean())


def test_chips_go_to_worker_processes(stack_and_volume):
    """As a path and the places: no pixel is sent."""
    stack, volume = stack_and_volume
    chips = MicrographChips(volume, ChipLattice(SIZES, 20, 9), {})
    sent = pickle.dumps(chips)
    assert len(sent) < 4000
    numbers = np.array([7, 3, 11])
    np.testing.assert_array_equal(
        pickle.loads(sent).take(numbers), windows(stack, SIZES, 20, 9)[numbers]
    )


def test_names_of_lazy_views_tell_lattices_apart(stack_and_volume):
    _, volume = stack_and_volume
    lattices = [
        ChipLattice(SIZES, 20, 9),
        ChipLattice(SIZES, 20, 8),
        ChipLattice(SIZES, 20, 9, (1,)),
    ]
    names = {MicrographChips(volume, each, {}).to_dask().name for each in lattices}
    assert len(names) == 3


def test_memory_of_a_reader_does_not_grow_with_the_images(tmp_path):
    """In a process of its own: threads of this one allocate, too."""
    peaks = []
    for count in (8, 64):
        path = stored(tmp_path, count, (96, 96))[1].path
        words = [sys.executable, "-c", READER, str(path), str(count)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] < 1.5 * peaks[0] + 20_000


READER = """
import sys, tracemalloc
import numpy as np
from poroscale.micrographs.chips import ChipLattice, MicrographChips
from poroscale.volume import Volume

count = int(sys.argv[2])
volume = Volume.open(sys.argv[1])
volume.read()  # the manifest and what is known of each file, some 300 bytes of 64 kB
chips = MicrographChips(volume, ChipLattice(((96, 96),) * count, 32, 8), {})
numbers = np.random.default_rng(1).integers(0, len(chips), 400)
tracemalloc.start()
for start in range(0, 400, 20):
    chips.take(numbers[start : start + 20])
print(tracemalloc.get_traced_memory()[1])
"""


def test_what_is_no_chip_is_refused(stack_and_volume):
    _, volume = stack_and_volume
    with pytest.raises(ValueError, match=r"image 1 must be as large as a chip of 40² pixels"):
        ChipLattice(SIZES, 40)
    with pytest.raises(ValueError, match="`stride` must be 1 pixel at least"):
        ChipLattice(SIZES, 8, 0)
    chips = MicrographChips(volume, ChipLattice(SIZES, 16, 8), {})
    with pytest.raises(IndexError, match="must be numbered from 0"):
        chips.take(np.array([len(chips)]))
    with pytest.raises(IndexError, match="leaves the chips"):
        chips.read((0, 10, 0), (1, 10, 16))
