"""Where patches lie and what they hold: a function of seed, epoch and number alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.engine import Run, volume_from_array
from poroscale.segmentation.network.normalisation import grey_range, grey_summary
from poroscale.segmentation.training.augment import PatchPlace, draw_augmentation
from poroscale.segmentation.training.cells import CELL, cells_of_scan, cells_of_truth
from poroscale.segmentation.training.chunk_cache import CachedVolume, ChunkCache
from poroscale.segmentation.training.config import AugmentationConfig
from poroscale.segmentation.training.data import LabelledScan, PatchBatches, TrainingData
from poroscale.segmentation.training.folds import fold_count, slabs_of, split_of
from poroscale.segmentation.training.patches import PatchSampler, read_ahead
from poroscale.volume import VolumeSpec
from tests.segmentation.pores_in_metal import AIR, CHUNK, SOLID, bar, labelled

PLAIN = AugmentationConfig(enabled=False)
EDGE = 16


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two scans with their truths."""
    folder = tmp_path_factory.mktemp("scans")

    def written(array, name):
        spec = VolumeSpec(array.shape, array.dtype, (1.0, 1.0, 1.0), chunks=CHUNK)
        return volume_from_array(array, folder / name, spec=spec)

    return [
        LabelledScan(written(grey, f"grey{seed}"), written(phases, f"phases{seed}"))
        for seed, (grey, phases) in enumerate([bar(seed=0), bar(seed=1)])
    ]


@pytest.fixture(scope="module")
def found(pair, tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    return TrainingData.of(pair, (), work, supervised=True, cache="16MiB", run=Run())


@pytest.fixture
def data(pair, new_path):
    def made(*scans, supervised=True, cache="16MiB", run=None):
        return TrainingData.of(
            scans or pair,
            (),
            new_path("work"),
            supervised=supervised,
            cache=cache,
            run=run or Run(),
        )

    return made


def sampler(found, *, fold=0, folds=1, share=0.5, augmentation=PLAIN, seed=3):
    split = found.split(folds, fold)
    return PatchSampler(found.sources, split.training, EDGE, share, seed, augmentation=augmentation)


@settings(max_examples=4)
@given(shape=st.tuples(*[st.integers(20, 80)] * 3), block=st.sampled_from([None, (32, 48, 64)]))
def test_cells_count_part_and_pores_for_any_block(shape, block, as_volume):
    phases = np.random.default_rng(0).choice(3, shape, p=[0.6, 0.3, 0.1]).astype(np.uint8)
    phases[: CELL // 2] = 0
    truth = as_volume(phases, chunks=(16, 24, 32))
    cells = cells_of_truth(truth, run=Run(block=block))
    assert cells.part.sum() == (phases > 0).sum()
    assert cells.pore.sum() == (phases == 2).sum()
    for place, part, pore in zip(*cells, strict=True):
        cell = phases[tuple(slice(CELL * i, CELL * (i + 1)) for i in place)]
        assert ((cell > 0).sum(), (cell == 2).sum()) == (part, pore)
    assert len({tuple(place) for place in cells.place}) == len(cells.place)


def test_cells_of_a_scan_are_what_is_bright(as_volume):
    grey, phases = bar(noise=0)
    scan = as_volume(grey, chunks=CHUNK)
    cells = cells_of_scan(scan, grey_summary(scan).threshold)
    assert cells.part.sum() == (phases == 1).sum()
    assert cells.pore.sum() == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_the_range_of_a_scan_is_its_percentiles(dtype, as_volume):
    rng = np.random.default_rng(0)
    grey = np.clip(rng.normal(120, 20, (32, 40, 40)), 1, 250).astype(dtype)
    if dtype == np.float32:
        grey[3, 4, 5] = 1e6  # one hot voxel does not make all others equal
    found = grey_range(as_volume(grey, chunks=CHUNK))
    wanted = np.percentile(grey, (0.5, 99.5))
    assert found == pytest.approx(wanted, abs=1.0 if dtype != np.float32 else 0.3)
    normalised = found.normalised(grey)
    assert normalised.dtype == np.float32
    assert (normalised.min(), normalised.max()) == (0, 1)


def test_scans_without_a_range_are_refused(as_volume):
    grey = np.full((32, 32, 32), 7, np.uint16)
    grey[0, 0, 0] = 9
    with pytest.raises(ValueError, match="must have a range of grey values"):
        grey_range(as_volume(grey, chunks=CHUNK))


def test_a_scan_with_an_outlier_beyond_all_measure_is_refused(as_volume):
    grey = np.random.default_rng(0).uniform(0.1, 0.6, (32, 32, 32)).astype(np.float32)
    grey[3, 4, 5] = 1e30
    with pytest.raises(ValueError, match=r"has outliers: its grey values span 1e\+30, but"):
        grey_range(as_volume(grey, chunks=CHUNK))


def test_cached_boxes_are_those_of_the_volume(as_volume):
    grey, _ = bar()
    cache = ChunkCache(limit=3 * 2 * 32**3)
    cached = CachedVolume(as_volume(grey, chunks=CHUNK), cache)
    rng = np.random.default_rng(0)
    for _ in range(20):
        origin = tuple(int(rng.integers(0, n - 20)) for n in grey.shape)
        box = tuple(slice(o, o + 20) for o in origin)
        assert np.array_equal(cached(origin, (20, 20, 20)), grey[box])
        assert cache.nbytes <= cache.limit


def same(a, b):
    return np.array_equal(a.grey, b.grey) and np.array_equal(a.truth, b.truth)


def test_patches_do_not_depend_on_how_they_are_read(data):
    one = sampler(data(run=Run(block=(32, 32, 64))), augmentation=AugmentationConfig())
    other = sampler(data(cache="1kB"), augmentation=AugmentationConfig())
    forth = [one.patch(4, number) for number in range(12)]
    back = [other.patch(4, number) for number in reversed(range(12))]
    assert all(same(a, b) for a, b in zip(forth, reversed(back), strict=True))
    assert not same(forth[0], one.patch(5, 0))
    places = {one.draw(epoch, number).origin for epoch in range(3) for number in range(12)}
    assert len(places) > 25


def test_batches_do_not_depend_on_readers(found):
    drawn = sampler(found, augmentation=AugmentationConfig())
    for one, four in zip(
        PatchBatches(drawn, 3, 4, 1)(7), PatchBatches(drawn, 3, 4, 4)(7), strict=True
    ):
        assert one.patches.shape == (3, 1, EDGE, EDGE, EDGE)
        assert one.patches.equal(four.patches)
        assert one.truth.equal(four.truth)
        assert 0 <= float(one.patches.min()) <= float(one.patches.max()) <= 1


@pytest.mark.parametrize("share", [0, 0.3, 0.5, 1])
def test_the_share_of_patches_about_pores_is_kept(share, found):
    drawn = sampler(found, share=share)
    for epoch in range(2):
        pores = [drawn.draw(epoch, number).pore for number in range(40)]
        assert sum(pores) == round(40 * share)
    for number in range(20):
        if drawn.is_pore(number):
            assert drawn.patch(0, number).truth.any()


def test_patches_lie_in_the_scan_and_hold_part(found):
    drawn = sampler(found)
    for number in range(60):
        each = drawn.draw(0, number)
        source = found.sources[each.region.scan]
        assert all(0 <= o <= n - EDGE for o, n in zip(each.origin, source.scan.shape, strict=True))
        assert all(o <= a < o + EDGE for o, a in zip(each.origin, each.about, strict=True))
        phase = source.truth.volume.read(each.about, (1, 1, 1)).item()
        assert phase == 2 if each.pore else phase > 0
        patch = drawn.read(each)
        assert np.array_equal(
            patch.grey,
            source.range.normalised(source.scan.volume.read(each.origin, (EDGE,) * 3)),
        )


def test_a_scan_smaller_than_a_patch_is_padded(as_volume, data):
    found = data(labelled(as_volume, shape=(12, 40, 40), pores=6))
    each = sampler(found).patch(0, 0)
    assert each.grey.shape == each.truth.shape == (EDGE,) * 3
    assert np.array_equal(each.grey[0], each.grey[1])


def test_truth_and_grey_values_are_augmented_alike(pair, as_volume, data):
    scan = pair[0]._replace(scan=as_volume(bar(noise=0)[0], chunks=CHUNK))
    bent = AugmentationConfig(grey_share=0, shape_share=1)
    drawn = sampler(data(scan), augmentation=bent)
    several = [drawn.draw(0, number) for number in range(30)]
    assert any(each.augmentation.deformation is not None for each in several)
    assert any(each.augmentation.axes for each in several)
    for each in several:
        patch = drawn.read(each)
        assert (patch.truth[patch.grey > 0.6] == 0).mean() > 0.97
        assert set(np.unique(patch.truth)) <= {0, 1}


def test_augmentation_is_drawn_from_its_generator_alone():
    place = PatchPlace(EDGE, (32, 8, 8), (64, 40, 40))
    kinds = set()
    for seed in range(60):
        one, other = (
            draw_augmentation(np.random.default_rng(seed), AugmentationConfig(), place)
            for _ in range(2)
        )
        assert [each.keywords for each in one.changes] == [each.keywords for each in other.changes]
        kinds |= {each.func.__name__ for each in one.changes}
    assert kinds == {
        "add_noise",
        "rescale_attenuation",
        "add_wave",
        "smear",
        "harden_beam",
        "open_cone",
    }


def test_what_is_bounded_by_zero_is_left_out():
    place = PatchPlace(EDGE, (0, 0, 0), (64, 40, 40))
    still = AugmentationConfig(
        noise=0, attenuation=(0, 0), wave=(0, 0), blur=0, hardening=0, cone=0, cone_blur=0
    )
    for seed in range(20):
        assert not draw_augmentation(np.random.default_rng(seed), still, place).changes
    with pytest.raises(ValueError, match="wave must be two rising numbers above -1"):
        AugmentationConfig(wave=(0.2, 0.1))


@given(lengths=st.lists(st.integers(20, 400), min_size=2, max_size=9), folds=st.integers(2, 9))
def test_folds_of_scans_are_disjoint_and_complete(lengths, folds):
    shapes = [(n, 40, 40) for n in lengths]
    if folds > len(shapes):
        with pytest.raises(ValueError, match="folds must be at most the number of scans"):
            fold_count(shapes, folds, EDGE)
        return
    splits = [split_of(shapes, folds, fold) for fold in range(folds)]
    left_out = [each.scan for split in splits for each in split.validation]
    assert sorted(left_out) == list(range(len(shapes)))
    for split in splits:
        inside = {each.scan for each in split.training}
        assert inside.isdisjoint({each.scan for each in split.validation})
        assert len(inside) + len(split.validation) == len(shapes)


@given(length=st.integers(40, 1000), edge=st.sampled_from([16, 32, 64]))
def test_folds_of_one_scan_are_slabs(length, edge):
    shapes = [(length, 40, 40)]
    if length < CELL * -(-edge // CELL) + edge:
        with pytest.raises(ValueError, match="cannot be cut into slabs"):
            fold_count(shapes, None, edge)
        return
    folds = fold_count(shapes, None, edge)
    slabs = [(each.low, each.high) for each in slabs_of(length, folds)]
    assert [low for low, _ in slabs] == [0, *(high for _, high in slabs[:-1])]
    assert slabs[-1][1] == length
    assert min(high - low for low, high in slabs) >= edge
    for fold in range(folds):
        split = split_of(shapes, folds, fold)
        rows = [row for each in (*split.training, *split.validation) for row in range(*each[1:])]
        assert sorted(rows) == list(range(length))


def test_patches_of_a_fold_never_read_another(as_volume, data):
    """What is left out is painted black: no training patch, deformed or not, shows it."""
    grey, phases = bar(shape=(96, 40, 40), pores=40)
    grey[:, :, :] = np.where(phases == 1, SOLID, AIR)
    low, high = split_of([grey.shape], 3, 1).validation[0][1:]
    grey[low:high] = 0
    scan = labelled(as_volume, shape=grey.shape)._replace(scan=as_volume(grey, chunks=CHUNK))
    bent = AugmentationConfig(grey_share=0, shape_share=1)
    drawn = sampler(data(scan), folds=3, fold=1, augmentation=bent)
    source = drawn.sources[0]
    air = source.range.normalised(np.array([AIR]))[0]
    for number in range(40):
        assert drawn.patch(0, number).grey.min() >= air - 1e-6


def test_read_ahead_keeps_order_and_passes_errors_on():
    assert list(read_ahead(lambda n: n * n, range(20), workers=3, ahead=4)) == [
        n * n for n in range(20)
    ]
    with pytest.raises(ZeroDivisionError):
        list(read_ahead(lambda n: 1 // n, range(3), workers=2, ahead=2))


def test_unsupervised_data_has_no_truth(data):
    found = data(supervised=False)
    assert all(each.truth is None for each in found.sources)
    patch = sampler(found, share=0).patch(0, 0)
    assert patch.truth is None


def wrong_truths(good, as_volume):
    phases = np.ones(good.scan.shape, np.uint8)
    odd = np.full(good.scan.shape, 7, np.uint8)
    return {
        "must have a truth": good._replace(truth=None),
        "must have the shape of its scan": good._replace(truth=as_volume(phases[:40])),
        "must hold phases, whole numbers": good._replace(
            truth=as_volume(phases.astype(np.float32), chunks=CHUNK)
        ),
        "must hold phases alone": good._replace(truth=as_volume(odd, chunks=CHUNK)),
        "must hold a part": good._replace(truth=as_volume(0 * phases, chunks=CHUNK)),
    }


def test_truths_that_are_none_are_refused(pair, as_volume, data):
    for message, scan in wrong_truths(pair[0], as_volume).items():
        with pytest.raises(ValueError, match=message):
            data(scan)
    with pytest.raises(ValueError, match="at least one scan"):
        TrainingData.of((), (), None, supervised=True, cache=1, run=Run())
    solid = labelled(as_volume, pores=0)
    with pytest.raises(ValueError, match=r"must hold pores \(phase 2\)"):
        sampler(data(solid))
