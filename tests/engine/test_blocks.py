"""`fill_blocks`, `map_blocks` and `reduce_blocks` equal their meaning on the whole array."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from poroscale.engine import (
    Components,
    Halo,
    Reduction,
    Run,
    Windows,
    fill_blocks,
    label_blocks,
    map_blocks,
    reduce_blocks,
    stitch_windows,
    volume_from_array,
)
from poroscale.volume import Volume, VolumeSpec
from tests.strategies import CHUNK, blocks, grey, shapes


@dataclass(frozen=True)
class Ramp:
    """A sampler: every voxel's own index."""

    shape: tuple

    def __call__(self, origin, shape):
        z, y, x = np.indices(shape)
        place = np.array(origin)
        return ((z + place[0]) * 10000 + (y + place[1]) * 100 + x + place[2]).astype(np.int32)


@dataclass(frozen=True)
class Same:
    """A network that answers with what it sees."""

    bound, outside, memory = 255.0, 0.0, 0

    @property
    def recipe(self):
        return {"network": "none"}

    def __call__(self, patches):
        return patches

    def finish(self, values):
        return values / 255


def gaussian(block, *, sigma):
    return ndimage.gaussian_filter(block.astype(np.float64), sigma, mode="nearest")


def add(a, b, *, factor):
    return a + factor * b


def extremes(block):
    return {"low": np.asarray(block.min()), "high": np.asarray(block.max())}


def wider(a, b):
    return {"low": np.minimum(a["low"], b["low"]), "high": np.maximum(a["high"], b["high"])}


def first_voxels(block, *, origin):
    return {"seen": np.array([[*origin, block[0, 0, 0]]], np.int64)}


def one_after_the_other(a, b):
    return {"seen": np.concatenate([a["seen"], b["seen"]])}


def broken(block):
    raise ZeroDivisionError("kernel is broken")


def mean(block):
    return {"sum": np.asarray(block.sum(dtype=np.float64))}


@given(shape=shapes(), block=blocks(), workers=st.integers(1, 3))
def test_fill_equals_one_call_of_the_sampler(shape, block, workers, new_path):
    ramp = Ramp(shape)
    spec = VolumeSpec(shape, np.int32, (2.0, 3.0, 4.0), chunks=CHUNK)
    run = Run(block=block, workers=workers)
    volume = fill_blocks(ramp, new_path(), spec=spec, recipe={"sampler": "ramp"}, run=run)
    np.testing.assert_array_equal(volume.read(), ramp((0, 0, 0), shape))
    assert volume.voxel_size == (2.0, 3.0, 4.0)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, ">u2", np.uint32, np.float32, ">f8"])
def test_voxels_come_back_as_they_were(dtype, new_path):
    array = np.random.default_rng(0).integers(-3, 4, (9, 7, 11)).astype(dtype)
    array[0] = 0
    if array.dtype.kind == "f":
        array[1], array[2, 0, 0], array[3] = -0.0, np.nan, np.inf
    volume = volume_from_array(array, new_path())
    assert volume.read().tobytes() == np.asarray(array, array.dtype.newbyteorder("<")).tobytes()


@given(array=grey(np.int16), block=blocks())
def test_map_with_halo_equals_the_whole_array(array, block, as_volume, new_path):
    volume = as_volume(array)
    run = Run(block=block)
    smooth = map_blocks(
        gaussian, volume, new_path(), dtype=float, halo=4, parameters={"sigma": 1.0}, run=run
    )
    np.testing.assert_array_equal(smooth.read(), gaussian(array, sigma=1.0))


@pytest.mark.parametrize("pad", ["edge", "reflect", "symmetric", 7])
def test_halo_is_padded_like_numpy(pad, as_volume, new_path):
    array = np.arange(6 * 7 * 9).reshape(6, 7, 9)
    padded = []
    map_blocks(
        lambda block: padded.append(block) or block,
        as_volume(array, chunks=(6, 7, 9)),
        new_path(),
        dtype=array.dtype,
        halo=Halo((1, 2, 3), pad),
        run=Run(cluster="threads"),
    )
    how = {"constant_values": pad, "mode": "constant"} if pad == 7 else {"mode": pad}
    np.testing.assert_array_equal(padded[0], np.pad(array, [(1, 1), (2, 2), (3, 3)], **how))


@pytest.mark.parametrize("inner", ["", "inside.zarr"])
def test_an_input_is_never_the_output(inner, as_volume):
    volume = as_volume(np.zeros(CHUNK, np.uint8))
    out, run = volume.path / inner, Run(overwrite=True)
    with pytest.raises(ValueError, match="is read and must not be the output, too"):
        map_blocks(np.sign, volume, out, dtype=np.uint8, run=run)
    with pytest.raises(ValueError, match="is read and must not be the output, too"):
        label_blocks(Components(foreground=np.sign), volume, out, run=run)
    with pytest.raises(ValueError, match="is read and must not be the output, too"):
        stitch_windows(Same(), volume, out, windows=Windows(4), run=run)
    assert Volume.open(volume.path).digest == volume.digest


def test_map_over_two_volumes(as_volume, new_path):
    a, b = np.arange(60).reshape(3, 4, 5), np.ones((3, 4, 5), np.int64)
    out = map_blocks(
        add, (as_volume(a), as_volume(b)), new_path(), dtype=int, parameters={"factor": 3}
    )
    np.testing.assert_array_equal(out.read(), a + 3)


def test_volumes_of_two_shapes(as_volume, new_path):
    inputs = as_volume(np.ones((3, 4, 5), int)), as_volume(np.ones((3, 4, 6), int))
    with pytest.raises(ValueError, match="volumes must have one shape"):
        map_blocks(add, inputs, new_path(), dtype=int, parameters={"factor": 3})


@given(array=grey(np.float32), block=blocks(), workers=st.integers(1, 3))
def test_reduce_equals_the_whole_array(array, block, workers, as_volume):
    run = Run(block=block, workers=workers)
    found = reduce_blocks(Reduction(extremes, wider, lambda t: t), as_volume(array), run=run)
    assert (found["low"], found["high"]) == (array.min(), array.max())


def test_partial_results_combine_in_the_order_of_the_blocks(as_volume):
    array = np.arange(12 * 10 * 16).reshape(12, 10, 16)
    reduction = Reduction(first_voxels, one_after_the_other, lambda t: t["seen"], located=True)
    seen = reduce_blocks(reduction, as_volume(array), run=Run(block=CHUNK, workers=3))
    assert [tuple(row[:3]) for row in seen] == sorted(tuple(row[:3]) for row in seen)
    np.testing.assert_array_equal(array[tuple(seen[:, :3].T)], seen[:, 3])


def test_float_sums_do_not_depend_on_workers(as_volume):
    array = np.random.default_rng(1).normal(size=(16, 20, 32)).astype(np.float32)
    volume = as_volume(array)
    reduction = Reduction(mean, lambda a, b: {"sum": a["sum"] + b["sum"]}, lambda t: t["sum"])
    runs = [Run(workers=n, block=CHUNK) for n in (1, 2, 3)]
    sums = {float(reduce_blocks(reduction, volume, run=run)) for run in runs}
    assert len(sums) == 1


@pytest.mark.parametrize("cluster", ["threads", "processes"])
def test_a_failing_kernel_fails_the_verb_and_leaves_nothing_finished(cluster, as_volume, new_path):
    out = new_path()
    volume, run = as_volume(np.ones((9, 9, 9))), Run(cluster=cluster, workers=1)
    with pytest.raises(ZeroDivisionError, match="kernel is broken"):
        map_blocks(broken, volume, out, dtype=float, run=run)
    with pytest.raises(ValueError, match="is unfinished"):
        Volume.open(out)


def test_a_kernel_that_returns_another_shape(as_volume, new_path):
    with pytest.raises(ValueError, match="must be float64 of shape"):
        map_blocks(
            lambda block: block[:1, :1, :1], as_volume(np.ones((4, 4, 4))), new_path(), dtype=float
        )


def test_finished_output_is_left_alone_and_other_settings_are_refused(as_volume, new_path):
    volume, out = as_volume(np.arange(60).reshape(3, 4, 5)), new_path()

    def run(sigma, **how):
        return map_blocks(
            gaussian, volume, out, dtype=float, parameters={"sigma": sigma}, run=Run(**how)
        )

    first = run(1.0)
    stamp = (out / "zarr.json").stat().st_mtime_ns
    assert run(1.0).digest == first.digest
    assert (out / "zarr.json").stat().st_mtime_ns == stamp
    with pytest.raises(ValueError, match=r"finished with other input or settings \(parameters\)"):
        run(2.0)
    assert run(2.0, overwrite=True).digest != first.digest
