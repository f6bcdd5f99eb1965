"""SWNN as a sampler: the published field, the same bytes for any box, phases, periods."""

import pickle
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.engine import Run, fill_pass
from poroscale.microstructure import swnn
from poroscale.microstructure.placed import sampler_pass
from poroscale.microstructure.swnn import SwnnField, SwnnSampler
from poroscale.microstructure.swnn_tile import plan_swnn_tile, tile_bytes, tile_work
from poroscale.microstructure.swnn_weights import import_published_swnn, load_swnn
from poroscale.microstructure.tiles import tile_chunks
from poroscale.networks.swnn import SwnnShape
from poroscale.volume import VolumeSpec
from tests.networks.published_swnn import published_field, random_weights

TILE = 6


@pytest.fixture(scope="module")
def field(small):
    return SwnnField.of(small[1], TILE, seed=3, mean=0.2)


@pytest.fixture(scope="module")
def cube(field):
    """The field around the origin, asked for at once."""
    return field((-15, -15, -15), (30, 30, 30))


def part(cube, origin, shape):
    return cube[tuple(slice(o + 15, o + 15 + n) for o, n in zip(origin, shape, strict=True))]


def test_the_field_is_that_of_the_published_network_on_the_same_noise(small, field, cube):
    noise = field.noise((-18, -18, -18), (36, 36, 36))
    assert abs(noise.mean() - 0.2) < 0.02
    assert abs(noise.std() - 1) < 0.02
    assert abs(np.corrcoef(noise.reshape(3, -1))[0, 1]) < 0.02
    wanted = published_field(small[0], noise)
    assert np.abs(wanted).max() > 0.5
    np.testing.assert_allclose(cube, wanted, rtol=0, atol=1e-5)


BOX = st.tuples(*[st.integers(-15, 14)] * 3).flatmap(
    lambda o: st.tuples(st.just(o), st.tuples(*[st.integers(1, min(9, 15 - i)) for i in o]))
)


@settings(deadline=None, max_examples=25)
@given(box=BOX)
def test_every_box_has_the_same_bytes(field, cube, box):
    assert np.array_equal(field(*box), part(cube, *box))
    phases = SwnnSampler(field, (-0.3, 0.3))(*box)
    assert phases.dtype == np.uint8
    assert np.array_equal(phases, np.digitize(part(cube, *box), np.float32([-0.3, 0.3])))


@pytest.mark.parametrize("cluster", ["threads", "processes"])
def test_a_volume_has_the_same_bytes_for_any_block_and_worker(field, new_path, request, cluster):
    sampler = SwnnSampler(field)
    if cluster == "processes":
        cluster = request.getfixturevalue("scheduler")
    whole = sampler((0, 0, 0), (14, 11, 17))
    spec = VolumeSpec(whole.shape, np.dtype(np.uint8), (1, 1, 1), chunks=(4, 5, 6))
    for block in [None, (4, 5, 12), (8, 10, 6)]:
        run = Run(block=block, workers=2, cluster=cluster, progress=False)
        recipe = sampler.recipe
        volume = fill_pass(sampler_pass(sampler), new_path(), spec=spec, recipe=recipe, run=run)
        assert np.array_equal(volume.read(), whole)


def test_blocks_of_the_plan_are_whole_tiles(field, new_path, monkeypatch):
    computed = []
    original = SwnnField.computed
    monkeypatch.setattr(
        SwnnField,
        "computed",
        lambda self, origin, shape: computed.append(origin) or original(self, origin, shape),
    )
    chunks = tile_chunks((3, 6, 12), about=6)
    assert chunks == (6, 6, 6)
    spec = VolumeSpec((18, 12, 12), np.dtype(np.float32), (1, 1, 1), chunks=(3, 4, 12))
    sampler = field.but(tile=(3, 6, 12))
    recipe = sampler.recipe
    declared = sampler_pass(sampler, writes=np.float32)
    fill_pass(declared, new_path(), spec=spec, recipe=recipe, run=Run(workers=1))
    assert sorted(computed) == sorted(product(range(0, 18, 3), (0, 6), (0,)))


@pytest.mark.parametrize("tile", [(8, 8, 8), (2, 4, 30), (40, 12, 14)])
def test_tiles_of_even_edges_give_the_same_bytes(field, cube, tile):
    other = field.but(tile=tile)
    assert np.array_equal(other((-15, -15, -15), (30, 30, 30)), cube)
    assert other.recipe == field.recipe
    odd = field.but(tile=(8, 8, 7))
    assert odd.recipe["tile"] == [8, 8, 7]
    np.testing.assert_allclose(odd((-15, -15, -15), (30, 30, 30)), cube, rtol=0, atol=1e-5)


def test_plain_convolutions_give_the_same_field_and_are_as_exact_for_any_box(field, cube):
    direct = field.but(arithmetic="direct")
    whole = direct((-15, -15, -15), (30, 30, 30))
    np.testing.assert_allclose(whole, cube, rtol=0, atol=1e-5)
    assert direct.recipe["tile"] == [TILE] * 3
    assert direct.recipe["arithmetic"] != field.recipe["arithmetic"]
    box = ((-4, 3, -7), (9, 5, 8))
    assert np.array_equal(direct(*box), part(whole, *box))
    with pytest.raises(ValueError, match="`arithmetic` must be winograd or direct"):
        field.but(arithmetic="fft")


def test_it_pickles_without_weights(field):
    data = pickle.dumps(SwnnSampler(field))
    assert len(data) < 2000
    again = pickle.loads(data)
    assert np.array_equal(again((1, 2, 3), (2, 2, 2)), SwnnSampler(field)((1, 2, 3), (2, 2, 2)))


@pytest.mark.parametrize("period", [(7, 12, None), (5, None, 40)])
def test_a_period_repeats_exactly_where_tiles_repeat_and_else_to_rounding(field, period):
    periodic = field.but(period=period)
    here = periodic((-3, 2, 1), (6, 5, 4))
    turns = [0 if p is None else p for p in period]
    there = periodic(tuple(o + 6 * t for o, t in zip((-3, 2, 1), turns, strict=True)), (6, 5, 4))
    assert np.array_equal(here, there)
    next_door = periodic(tuple(o - t for o, t in zip((-3, 2, 1), turns, strict=True)), (6, 5, 4))
    np.testing.assert_allclose(here, next_door, rtol=0, atol=1e-5)
    free = 1 if period[1] is None else 2
    moved = [0, 0, 0]
    moved[free] = 8
    other = periodic(tuple(o + m for o, m in zip((-3, 2, 1), moved, strict=True)), (6, 5, 4))
    assert not np.allclose(here, other, atol=0.1)


def test_the_mean_of_the_noise_may_be_a_field(field):
    ramp = field.but(mean=Ramp())
    assert ramp.recipe["mean"] is None
    noise = ramp.noise((-10, 0, 0), (21, 30, 30))
    assert np.allclose(noise.mean(axis=(0, 2, 3)), 0.1 * np.arange(-10, 11), atol=0.1)
    assert np.array_equal(ramp((-4, 0, 0), (8, 4, 4))[3:5], ramp((-1, 0, 0), (2, 4, 4)))


class Ramp:
    """A mean that grows along z."""

    def __call__(self, origin, shape):
        z = np.arange(origin[0], origin[0] + shape[0])
        return np.broadcast_to(0.1 * z[:, None, None], shape)


def test_images_are_planes_that_do_not_see_each_other(tmp_path):
    arrays = random_weights(depth=3, width=8, dimensions=2)
    np.savez(tmp_path / "flat.npz", **arrays)
    import_published_swnn(tmp_path / "flat.npz", tmp_path / "flat.safetensors")
    field = SwnnField.of(tmp_path / "flat.safetensors", 8)
    assert field.tile == (1, 8, 8)
    image = field((2, -3, 1), (1, 20, 9))
    wanted = published_field(arrays, field.noise((2, -6, -2), (1, 26, 15))[:, 0])
    np.testing.assert_allclose(image[0], wanted, rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="`tile` must be 1 voxel along z"):
        field.but(tile=(2, 8, 8))


def test_work_and_memory_of_a_tile_are_those_of_the_layers():
    network = SwnnShape(depth=2, width=4, noise=3)
    first, second, last = 4 * 3 * 27 * 8 * 9 * 10, 4 * 4 * 27 * 6 * 7 * 8, 4 * 6 * 7 * 8
    assert tile_work(network, (6, 7, 8)) == 2 * (first + second + last)
    flat = SwnnShape(depth=2, width=4, noise=3, dimensions=2)
    first, second, last = 4 * 3 * 9 * 9 * 10, 4 * 4 * 9 * 7 * 8, 4 * 7 * 8
    assert tile_work(flat, (1, 7, 8)) == 2 * (first + second + last)
    published = SwnnShape()
    plan = plan_swnn_tile(published, memory=2 << 30, workers=2, shape=(1024, 1024, 1024))
    assert plan.fits
    assert plan.bytes == tile_bytes(published, plan.tile)
    assert 1.05 < plan.halo_cost < 1.3
    window = plan_swnn_tile(published, memory=1 << 30, workers=2, winograd=True)
    assert window.tile[0] > plan.tile[0]
    with pytest.raises(MemoryError, match="raise `memory`, or use a smaller `tile` or fewer"):
        plan_swnn_tile(published, memory=8 << 20, winograd=True)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"tile": (0, 4, 4)}, "`tile` must be positive"),
        ({"period": (0, None, None)}, "`period` must be at least 1 voxel"),
        ({"deviation": -1.0}, "`deviation` must be zero or positive"),
        ({"mean": float("nan")}, "`mean` must be a number"),
        ({"device": "tpu"}, "`device` must be cpu or cuda"),
        ({"precision": "int8"}, "`precision` must be one of"),
    ],
)
def test_settings_out_of_range_are_refused(field, wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        field.but(**wrong)


def test_half_precision_is_refused_where_the_processor_would_imitate_it(field, monkeypatch):
    monkeypatch.setattr(swnn, "computes_half", lambda _precision: False)
    with pytest.raises(ValueError, match="`precision` must be float32 on this processor, which"):
        field.but(precision="bfloat16")
    monkeypatch.setattr(swnn, "computes_half", lambda _precision: True)
    half = field.but(precision="bfloat16", tile=(4, 4, 4))
    assert not half.by_winograd
    assert half.recipe["tile"] == [4, 4, 4]
    shape = (4, 4, 4)
    assert np.allclose(half((0, 0, 0), shape), field((0, 0, 0), shape), atol=0.2)


@pytest.mark.parametrize("thresholds", [(), (0.2, 0.2), (1.0, 0.0), (float("nan"),)])
def test_thresholds_must_ascend(field, thresholds):
    with pytest.raises(ValueError, match="`thresholds` must be 1 to 254 ascending numbers"):
        SwnnSampler(field, thresholds)


def test_files_that_hold_no_such_weights_are_refused(small, tmp_path):
    np.savez(tmp_path / "other.npz", weight=np.zeros(3))
    with pytest.raises(ValueError, match=r"other\.npz must be those of SWNN"):
        import_published_swnn(tmp_path / "other.npz", tmp_path / "w.safetensors")
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(ValueError, match=r"text\.npz must be an npz of arrays"):
        import_published_swnn(tmp_path / "text.npz", tmp_path / "w.safetensors")
    network, digest = load_swnn(small[1])
    assert network.shape == SwnnShape(3, 8, 3, 3)
    assert len(digest) == 64
