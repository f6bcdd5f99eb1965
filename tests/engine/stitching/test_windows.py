"""`stitch_windows` equals the whole array, and every window of the lattice is inferred once."""

import threading
from dataclasses import dataclass, field
from itertools import product
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from poroscale.engine import Run, Windows, stitch_windows, window_counts
from poroscale.engine.stitching.lattice import Lattice
from poroscale.engine.stitching.windows import WindowCounts
from poroscale.kernels.window_sums import WEIGHTS, axis_weights
from poroscale.volume import Volume
from tests.strategies import CHUNK, blocks, shapes

UNIT = {"uint8": 255, "uint16": 65535, "float16": 1, "float32": 1}
RESOLUTION = {"uint8": 1.0, "uint16": 1.0, "float16": 2**-11, "float32": 1e-6}


@dataclass(frozen=True)
class Ramp:
    """Grey values times a ramp over the window: an error of place or order shows."""

    bound: float = 3.0
    outside: float = -1.25

    @property
    def recipe(self) -> dict[str, Any]:
        return {"name": "ramp"}

    def __call__(self, patches):
        ramp = sum(
            np.linspace(0.1, 1 + k, n).reshape([-1 if a == k else 1 for a in range(3)])
            for k, n in enumerate(patches.shape[1:])
        )
        return np.clip(patches * ramp / 200 - 1, -3, 3).astype(np.float32)

    def finish(self, values):
        return (1 / (1 + np.exp(-values))).astype(np.float32)


@dataclass(frozen=True)
class Counting(Ramp):
    """Keeps what it was asked, in this process."""

    seen: ClassVar[list[np.ndarray]] = []
    lock: ClassVar[Any] = threading.Lock()

    def __call__(self, patches):
        with self.lock:
            self.seen.extend(patch.copy() for patch in patches)
        return super().__call__(patches)


@pytest.fixture
def asked():
    """The patches that `Counting` was asked."""
    Counting.seen.clear()
    return Counting.seen


def axis_origins(extent, edge, stride):
    """Written down once more, from the definition."""
    if extent <= edge:
        return [0]
    origins = [0]
    while origins[-1] + edge < extent:
        origins.append(min(origins[-1] + stride, extent - edge))
    return origins


def lattice_of(shape, windows):
    each = zip(shape, windows.edges, windows.strides, strict=True)
    return list(product(*(axis_origins(*axis) for axis in each)))


def whole_array(infer, grey, windows, inside=None):
    """The average in float64 over the whole array, and the windows inferred and skipped."""
    edges = windows.edges
    padded = np.pad(
        grey, [(0, max(0, e - n)) for n, e in zip(grey.shape, edges, strict=True)], mode="edge"
    )
    total, weight, inferred, skipped = np.zeros(padded.shape), np.zeros(padded.shape), 0, 0
    wz, wy, wx = (axis_weights(edge, windows.weight).astype(float) for edge in edges)
    weights = wz[:, None, None] * wy[:, None] * wx
    for origin in lattice_of(grey.shape, windows):
        box = tuple(slice(o, o + e) for o, e in zip(origin, edges, strict=True))
        if inside is not None and not inside[box].any():
            values, skipped = infer.outside, skipped + 1
        else:
            values, inferred = infer(padded[box][None].astype(np.float32))[0], inferred + 1
        total[box] += weights * values
        weight[box] += weights
    own = tuple(slice(0, n) for n in grey.shape)
    return infer.finish((total / weight)[own]), WindowCounts(inferred, skipped)


def assert_equal_to_resolution(scores: Volume, expected):
    name = scores.dtype.name
    difference = np.abs(scores.read().astype(float) - UNIT[name] * expected.astype(float))
    # Half a step of rounding, and the last bits of single precision.
    assert difference.max() <= 0.51 * RESOLUTION[name]


@st.composite
def cut(draw):
    """Small windows of any overlap, weight and batch."""
    edge = draw(st.tuples(*[st.integers(1, 7)] * 3))
    overlap = tuple(draw(st.integers(0, e - 1)) for e in edge)
    weight = draw(st.sampled_from(WEIGHTS))
    return Windows(edge, overlap, weight, batch=draw(st.integers(1, 3)))


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@given(
    shape=shapes(9),
    windows=cut(),
    block=blocks(),
    dtype=st.sampled_from(sorted(UNIT)),
    workers=st.sampled_from([1, 3]),
    part=st.sampled_from([None, 0.0, 0.003, 0.05]),
)
@example(
    shape=(9, 11, 20),
    windows=Windows(6, 3, "hann", 2),
    block=(4, 5, 8),
    dtype="float32",
    workers=3,
    part=0.003,
)
@example(
    shape=(3, 2, 30),
    windows=Windows(7, 5),
    block=(8, 10, 16),
    dtype="uint8",
    workers=1,
    part=None,
)
def test_equals_the_whole_array_for_any_grid(
    shape, windows, block, dtype, workers, part, as_volume, new_path
):
    grey = noise(shape)
    mask = None if part is None else np.random.default_rng(1).random(shape) < part
    inside = None if mask is None else as_volume(mask)
    scores = stitch_windows(
        Ramp(),
        as_volume(grey),
        new_path(),
        windows=windows,
        inside=inside,
        dtype=dtype,
        run=Run(block=block, workers=workers),
    )
    expected, counts = whole_array(Ramp(), grey, windows, mask)
    assert_equal_to_resolution(scores, expected)
    assert window_counts(scores) == counts
    assert counts.inferred + counts.skipped == len(Lattice(windows, shape))


@pytest.mark.parametrize("weight", WEIGHTS)
def test_same_bytes_for_any_block_workers_and_scheduler(weight, as_volume, new_path, scheduler):
    volume, windows = as_volume(noise((11, 13, 24))), Windows(7, 4, weight, batch=2)
    runs = [
        Run(block=CHUNK, workers=1),
        Run(block=(8, 25, 16), workers=3),
        Run(block=(20, 5, 40), workers=2),
    ]
    if weight == "hann":
        runs.append(Run(block=(8, 10, 16), cluster=scheduler))
    made = [
        stitch_windows(Ramp(), volume, new_path(), windows=windows, dtype="float32", run=run)
        for run in runs
    ]
    assert len({each.digest for each in made}) == 1


@pytest.mark.parametrize("block", [CHUNK, (8, 10, 16), (20, 25, 40)])
def test_every_window_is_inferred_once(block, asked, as_volume, new_path):
    grey = np.arange(17 * 23 * 40, dtype=np.uint32).reshape(17, 23, 40)  # each window is another
    windows = Windows((6, 5, 9), (3, 2, 5))
    run = Run(block=block, workers=3)
    scores = stitch_windows(Counting(), as_volume(grey), new_path(), windows=windows, run=run)
    first = sorted(int(patch[0, 0, 0]) for patch in asked)
    assert first == sorted(int(grey[origin]) for origin in lattice_of(grey.shape, windows))
    assert window_counts(scores) == WindowCounts(len(first), 0)


def test_short_batches_are_filled_up(asked, as_volume, new_path):
    volume, windows = as_volume(noise((4, 5, 20))), Windows((4, 5, 8), (0, 0, 4), batch=3)
    run = Run(block=(4, 5, 24))
    scores = stitch_windows(Counting(), volume, new_path(), windows=windows, run=run)
    assert window_counts(scores) == WindowCounts(4, 0)
    assert len(asked) == 6
    np.testing.assert_array_equal(asked[4], asked[3])
    np.testing.assert_array_equal(asked[5], asked[3])


def test_windows_outside_are_not_inferred(asked, as_volume, new_path):
    grey, mask = noise((16, 20, 40)), np.zeros((16, 20, 40), bool)
    mask[5, 6, 7] = True
    scores = stitch_windows(
        Counting(), as_volume(grey), new_path(), windows=Windows(8), inside=as_volume(mask)
    )
    assert len(asked) == 8
    assert window_counts(scores) == WindowCounts(8, 3 * 4 * 9 - 8)
    far = int(np.rint(255 * Ramp().finish(np.float32(Ramp().outside))))
    assert np.all(scores.read()[:, :, 16:] == far)


@dataclass(frozen=True)
class Coarse:
    """Maxima of a mask over boxes of eight voxels."""

    mask: np.ndarray = field(repr=False)

    @property
    def shape(self):
        return tuple(-(-n // 2) for n in self.mask.shape)

    @property
    def dtype(self):
        return np.dtype(bool)

    def __call__(self, origin, shape):
        whole = np.pad(self.mask, [(0, n % 2) for n in self.mask.shape])
        z, y, x = self.shape
        level = whole.reshape(z, 2, y, 2, x, 2).any(axis=(1, 3, 5))
        return level[tuple(slice(o, o + n) for o, n in zip(origin, shape, strict=True))]


def test_a_coarser_level_skips_no_window_that_holds_a_voxel(as_volume, new_path):
    grey, mask = noise((15, 19, 33)), np.random.default_rng(2).random((15, 19, 33)) < 0.001
    windows, volume = Windows(5, 2), as_volume(grey)
    _, exact = whole_array(Ramp(), grey, windows, mask)
    for block in (CHUNK, (16, 10, 40)):
        run = Run(block=block)
        scores = stitch_windows(
            Ramp(), volume, new_path(), windows=windows, inside=Coarse(mask), run=run
        )
        counts = window_counts(scores)
        assert 0 < counts.skipped <= exact.skipped
        assert counts.inferred >= exact.inferred


KERNEL = np.random.default_rng(7).random((3, 5, 3))


@dataclass(frozen=True)
class Convolution(Ramp):
    """A convolution that is blind at the rim of its window: it answers 0 there."""

    def __call__(self, patches):
        halo = tuple(n // 2 for n in KERNEL.shape)
        inner = np.einsum(
            "nzyxabc,abc->nzyx", sliding_window_view(patches, KERNEL.shape, (1, 2, 3)), KERNEL
        )
        values = np.pad(inner / 255 / KERNEL.sum(), [(0, 0), *((h, h) for h in halo)])
        return values.astype(np.float32)

    def finish(self, values):
        return np.clip(values, 0, 1)


@given(shape=shapes(9), edge=st.integers(1, 9), block=blocks(), batch=st.integers(1, 2))
def test_tiles_with_a_halo_equal_the_whole_array(shape, edge, block, batch, as_volume, new_path):
    grey = noise(shape)
    windows = Windows(edge, halo=(1, 2, 1), batch=batch)
    run = Run(block=block)
    scores = stitch_windows(
        Convolution(), as_volume(grey), new_path(), windows=windows, dtype="float32", run=run
    )
    padded = np.pad(grey, [(1, 1), (2, 2), (1, 1)], mode="edge")[None].astype(np.float32)
    expected = Convolution()(padded)[0, 1:-1, 2:-2, 1:-1]
    np.testing.assert_allclose(scores.read(), expected, atol=1e-6)
    assert window_counts(scores).inferred == np.prod([-(-n // edge) for n in shape])


def test_a_job_killed_between_the_passes_infers_nothing_twice(
    asked, as_volume, new_path, monkeypatch
):
    volume, out = as_volume(noise((17, 23, 40))), new_path()
    windows, run = Windows(6, 2), Run(block=(8, 10, 16), workers=2)

    def killed(*_args, **_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("poroscale.engine.stitching.windows.paint_block", killed)
        with pytest.raises(KeyboardInterrupt):
            stitch_windows(Counting(), volume, out, windows=windows, run=run)
    before = len(asked)
    assert before == len(Lattice(windows, volume.shape))
    scores = stitch_windows(Counting(), volume, out, windows=windows, run=Run(workers=1))
    assert len(asked) == before
    assert window_counts(scores) == WindowCounts(before, 0)
    fresh = stitch_windows(Counting(), volume, new_path(), windows=windows)
    assert scores.digest == fresh.digest
    assert not out.with_name(f"{out.name}.work").exists()


def test_a_job_killed_within_the_first_pass_goes_on(asked, as_volume, new_path):
    volume, out, windows = as_volume(noise((17, 23, 40))), new_path(), Windows(6, 2)
    run = Run(block=(8, 10, 16), workers=1)

    @dataclass(frozen=True)
    class Failing(Counting):
        def __call__(self, patches):
            if len(self.seen) == 100:
                raise OSError("the device is gone")
            return super().__call__(patches)

    with pytest.raises(OSError, match="the device is gone"):
        stitch_windows(Failing(), volume, out, windows=windows, run=run)
    asked.append(np.zeros(1))
    stitch_windows(Failing(), volume, out, windows=windows, run=run)
    # The block that was being worked on is done again, and no other.
    most = max(
        np.prod([len(o) for o in Lattice(windows, volume.shape).origins_in(box)])
        for box in _boxes(volume, run.block)
    )
    assert len(asked) - 1 <= len(Lattice(windows, volume.shape)) + most


def _boxes(volume, block):
    from poroscale.engine import BlockGrid

    return list(BlockGrid(volume.shape, block))


def test_a_pyramid_and_attributes(as_volume, new_path):
    volume = as_volume(noise((5, 6, 300)), chunks=(5, 6, 100))
    scores = stitch_windows(
        Ramp(), volume, new_path(), windows=Windows(5), attributes={"kind": "x"}, pyramid="max"
    )
    assert scores.attributes == {"kind": "x"}
    level = Volume.open(scores.path, level=1)
    assert level.shape == (3, 3, 150)
    assert level.read()[0, 0, 0] == scores.read()[:2, :2, :2].max()


def test_what_windows_cost():
    assert Lattice(Windows(64), (64, 64, 64)).passes == 1
    assert Lattice(Windows(64), (1024, 1024, 1024)).passes == pytest.approx(31**3 / 16**3)
    assert Lattice(Windows(128, halo=32), (256, 256, 256)).passes == pytest.approx(1.5**3)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"edge": 0}, "edge must be at least 1, got 0"),
        ({"edge": 8, "overlap": 8}, "overlap must be from 0 to less than the edge 8, got 8"),
        ({"edge": 8, "overlap": -1}, "overlap must be from 0 to less than the edge 8, got -1"),
        ({"weight": "cosine"}, "weight must be one of constant, gaussian, hann, got 'cosine'"),
        ({"batch": 0}, "batch must be at least 1, got 0"),
        ({"halo": -1}, "halo must be 0 or more, got -1"),
        ({"halo": 4, "overlap": 2}, "windows with a halo must not overlap"),
        ({"edge": (8, 8)}, r"edge must be one number or three \(z, y, x\), got \(8, 8\)"),
    ],
)
def test_windows_that_do_not_exist(how, said):
    with pytest.raises(ValueError, match=said):
        Windows(**how)


@dataclass(frozen=True)
class Wrong(Ramp):
    """Answers what it was told to."""

    answer: Any = None
    score: Any = None

    def __call__(self, patches):
        return self.answer if self.answer is not None else super().__call__(patches)

    def finish(self, values):
        return np.float32(self.score) if self.score is not None else super().finish(values)


def spoilt(value):
    values = np.zeros((1, 4, 4, 4), np.float32)
    values[0, 1, 2, 3] = value
    return values


@pytest.mark.parametrize(("batch", "use"), [(8, "a batch of 4"), (1, "smaller windows")])
def test_a_device_without_memory_names_the_batch_to_use(batch, use, as_volume, new_path):
    class Full(Ramp):
        def __call__(self, patches):
            raise MemoryError("2 GiB of 1 GiB")

    said = rf"memory, got {batch} \(2 GiB of 1 GiB\); use {use}"
    with pytest.raises(MemoryError, match=said):
        stitch_windows(
            Full(), as_volume(noise((4, 5, 8))), new_path(), windows=Windows(4, batch=batch)
        )


@pytest.mark.parametrize(
    ("infer", "said"),
    [
        (Wrong(answer=np.zeros((1, 2, 2, 2))), r"shape \(1, 4, 4, 4\), got \(1, 2, 2, 2\)"),
        (Wrong(answer=spoilt(np.nan)), "infer must answer values from -3.0 to 3.0, got 1 others"),
        (Wrong(answer=spoilt(3.1)), "infer must answer values from -3.0 to 3.0, got 1 others"),
        (Wrong(bound=0), "bound of the values must be a positive number, got 0"),
        (Wrong(bound=np.inf), "bound of the values must be a positive number, got inf"),
        (Wrong(outside=-4), "outside must be within the bound 3.0, got -4"),
        (Wrong(score=0.5), r"infer.finish must answer scores of shape \(.*\), got \(\)"),
        (Wrong(score=np.full((4, 5, 8), 1.5)), "scores from 0 to 1, got 1.5 to 1.5"),
        (Wrong(score=np.full((4, 5, 8), np.nan)), "scores from 0 to 1, got nan to nan"),
    ],
)
def test_answers_that_cannot_be(infer, said, as_volume, new_path):
    volume, out = as_volume(noise((4, 5, 8))), new_path()
    with pytest.raises(ValueError, match=said):
        stitch_windows(infer, volume, out, windows=Windows(4))
    assert not list(out.parent.iterdir())


def test_a_type_that_scores_do_not_have(as_volume, new_path):
    with pytest.raises(TypeError, match=r"dtype of scores must be one of uint8, .* got int8"):
        stitch_windows(Ramp(), as_volume(noise((4, 4, 4))), new_path(), dtype="int8")


def test_a_mask_of_another_volume(as_volume, new_path):
    volume, mask = as_volume(noise((8, 8, 8))), as_volume(np.ones((8, 9, 8), bool))
    with pytest.raises(ValueError, match=r"inside must have the shape \(8, 8, 8\)"):
        stitch_windows(Ramp(), volume, new_path(), inside=mask)


def test_a_level_of_means_may_have_lost_the_part(as_volume, new_path):
    volume, path = as_volume(noise((4, 4, 300))), new_path()
    stitch_windows(Ramp(), volume, path, windows=Windows(4), pyramid="mean")
    with pytest.raises(ValueError, match="a level of maxima, got level 1 of the pyramid 'mean'"):
        stitch_windows(Ramp(), volume, new_path(), inside=Volume.open(path, level=1))


def test_counts_are_those_of_windows(as_volume):
    with pytest.raises(ValueError, match="was not made of windows"):
        window_counts(as_volume(noise((4, 4, 4))))


def test_a_budget_that_cannot_hold_the_model(as_volume, new_path):
    @dataclass(frozen=True)
    class Large(Ramp):
        memory: int = 4 << 30

    volume, out = as_volume(noise((4, 4, 4))), new_path()
    with pytest.raises(MemoryError, match=r"memory must be at least [4-9],\d+ MiB for blocks"):
        stitch_windows(Large(), volume, out, run=Run(memory="2GiB"))
    assert not out.exists()
