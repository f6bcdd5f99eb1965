"""A mask decides where the global phase lies, and a network fills the rest."""

import json
from functools import partial
from math import prod

import numpy as np
import pytest

import poroscale as ps
from poroscale.engine import volume_from_array
from poroscale.microstructure.model import MicrostructureModel
from poroscale.microstructure.swnn_training import calibration
from tests.pipelines.microstructure.test_by_swnn import TINY
from tests.pipelines.microstructure.test_fit_and_generate import picture, saved

SHAPE = (32, 40, 32)


@pytest.fixture(autouse=True, scope="module")
def small_reference():
    with pytest.MonkeyPatch.context() as patch:
        smaller = partial(calibration.calibrated_swnn, edge=40)
        patch.setattr("poroscale.pipelines.microstructure.methods.by_swnn.calibrated_swnn", smaller)
        yield


@pytest.fixture(scope="module")
def image():
    """Grey 200 in large bodies, 0 and 100 in small ones between them."""
    large, small = picture((0.5,), seed=3, sigma=5), picture((0.3,), seed=4, sigma=1)
    return np.where(large == 100, 200, small).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, image):
    found = tmp_path_factory.mktemp("local")
    saved(image, found / "image.png")
    return found


@pytest.fixture(scope="module")
def local(folder):
    return ps.fit_microstructure([folder / "image.png"], folder / "local", **TINY, within=(0, 1))


@pytest.fixture(scope="module")
def mask(folder):
    """A mask that is generated: where the image shows the phases 0 and 1."""
    ps.fit_microstructure([folder / "image.png"], folder / "where", region="0,1", tile=32)
    return ps.generate_microstructure(
        folder / "where", folder / "mask.zarr", shape=SHAPE, seed=1, fraction={1: 0.7}
    )


def generated(folder, out, model="local", **settings):
    return ps.generate_microstructure(folder / model, out, **{"shape": SHAPE, **settings})


def test_a_local_model_has_the_phases_of_its_region(local, folder, image, new_path):
    opened = MicrostructureModel.open(folder / "local")
    assert opened.settings == local.settings
    assert opened.settings.greys == (0.0, 100.0)
    region = image[image < 200]
    assert opened.settings.fractions[1] == pytest.approx((region == 100).mean(), abs=1e-4)
    assert opened.settings.local.others == (2,)
    assert any("surroundings (grey 200)" in line for line in opened.describe())
    alone = generated(folder, new_path(), seed=2)
    assert set(np.unique(alone.read())) == {0, 1}
    assert alone.attributes["greys"] == [0.0, 100.0]


def test_a_model_of_all_phases_says_nothing_of_a_region(mask, folder):
    written = json.loads((folder / "where" / "model.json").read_text())
    assert "local" not in written
    assert written["greys"] == [0.0, 1.0]


def test_the_network_fills_the_mask(local, mask, folder, new_path):
    inside = mask.read() != 0
    assert 0.5 < inside.mean() < 0.9
    both = [
        generated(folder, new_path(), inside=mask, seed=2, workers=workers) for workers in (1, 2)
    ]
    found = both[0].read()
    assert np.array_equal(found, both[1].read())
    assert both[0].attributes["greys"] == [0.0, 100.0, 200.0]
    assert np.array_equal(found == 2, ~inside)
    alone = generated(folder, new_path(), seed=2).read()
    assert np.array_equal(found[inside], alone[inside])


def test_the_plan_counts_the_mask(local, mask, folder):
    stages = [
        ps.plan(ps.generate_microstructure, folder / "local", folder / "v", shape=SHAPE, **given)
        for given in ({}, {"inside": mask})
    ]
    first, second = (each.stages["microstructure"].task for each in stages)
    assert second - first == 9 * 32**3 + prod(mask.chunks)


def test_a_wished_fraction_holds_inside(local, mask, folder, new_path):
    details = local.settings.details
    curve = calibration.FractionCurve.of_details(details)
    shares = curve.course(1, details["thresholds"]).shares
    wanted = float(0.5 * (shares[0] + shares[-1]))
    found = generated(folder, new_path(), inside=mask, fraction={1: wanted}).read()
    assert (found[found < 2] == 1).mean() == pytest.approx(wanted, abs=0.04)


def test_noise_may_be_masked_as_published(local, mask, folder, new_path):
    inside = mask.read() != 0
    painted = generated(folder, new_path(), inside=mask, seed=2).read()
    covered = generated(folder, new_path(), inside=mask, seed=2, masked_noise=True)
    assert np.array_equal(covered.read() == 2, ~inside)
    assert not np.array_equal(covered.read(), painted)
    deep = np.zeros(SHAPE, np.uint8)
    deep[:, :, 16:] = 255
    half = volume_from_array(deep, new_path())
    plain = generated(folder, new_path(), inside=half, model="local", seed=2, masked_noise=True)
    alone = generated(folder, new_path(), seed=2).read()
    assert np.array_equal(plain.read()[..., 18:], alone[..., 18:])
    assert (plain.read()[..., :16] == 2).all()


def test_any_model_may_be_put_inside_a_mask(mask, folder, new_path):
    found = generated(folder, new_path(), "where", inside=mask, outside=0, origin=(3, 0, 5)).read()
    inside = mask.read() != 0
    assert not found[~inside].any()
    alone = generated(folder, new_path(), "where", origin=(3, 0, 5)).read()
    assert np.array_equal(found[inside], alone[inside])


@pytest.mark.parametrize(
    ("model", "settings", "sentence"),
    [
        ("local", {"outside": 2}, "`outside` must come with the mask `inside`"),
        ("local", {"masked_noise": True}, "`masked_noise` must come with the mask `inside`"),
        ("local", {"inside": 1, "outside": 0}, "`outside` must be one of the phases 2 for this"),
        ("where", {"inside": 1}, "`outside` must be one of the phases 0, 1 for this model, got N"),
        ("where", {"inside": 1, "masked_noise": True}, "a model that is no network of SWNN"),
        ("local", {"inside": 1, "shape": (8, 8, 8)}, r"`inside` must have the shape \(8, 8, 8\)"),
    ],
)
def test_wishes_that_do_not_fit_are_refused(
    local, mask, folder, new_path, model, settings, sentence
):
    given = {**settings, "inside": mask} if "inside" in settings else settings
    with pytest.raises(ValueError, match=sentence):
        generated(folder, new_path(), model, **given)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({**TINY, "within": "0"}, "`within` must name 2 or more phases from 0 to 2, but not all"),
        ({**TINY, "within": "0,1,2"}, "but not all, with commas between, got '0,1,2'"),
        ({**TINY, "within": "0,7"}, "phases from 0 to 2"),
        ({"region": "b"}, "`region` must name 1 or more phases"),
        ({**TINY, "within": "0,1", "region": "0"}, "must not both be given"),
        ({**TINY, "within": "0,1", "template": 60}, "no window of this edge shows these phases"),
        ({"within": "0,1"}, "`within` must come with the method swnn"),
    ],
)
def test_regions_that_do_not_fit_are_refused(folder, new_path, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        ps.fit_microstructure([folder / "image.png"], new_path(), **settings)


def test_several_phases_may_lie_outside(folder, new_path, image):
    four = image.copy()
    four[:20][image[:20] == 200] = 255
    path = saved(four, folder / "four.png")
    fast = {**TINY, "iterations": 4}
    model = ps.fit_microstructure([path], folder / "four", **fast, within="0,1")
    assert model.settings.local.others == (2, 3)
    deep = np.zeros(SHAPE, np.uint8)
    deep[:, :, 16:] = 1
    half = volume_from_array(deep, new_path())
    found = generated(folder, new_path(), "four", inside=half, outside=3).read()
    assert (found[..., :16] == 3).all()
    with pytest.raises(ValueError, match="`outside` must be one of the phases 2, 3 for this"):
        generated(folder, new_path(), "four", inside=half)
