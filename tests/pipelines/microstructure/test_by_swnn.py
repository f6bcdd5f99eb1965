"""The method swnn from pictures to volumes, with networks that are trained for seconds."""

import json
from functools import partial

import numpy as np
import pytest

import poroscale as ps
from poroscale.engine import volume_from_array
from poroscale.microstructure.model import MicrostructureModel
from poroscale.microstructure.swnn_training import calibration, conditions
from poroscale.microstructure.swnn_weights import load_swnn
from tests.networks.published_swnn import random_weights
from tests.pipelines.microstructure.test_fit_and_generate import picture, saved

TINY = {
    "method": "swnn",
    "iterations": 25,
    "filters": 8,
    "template": 3,
    "depth": 2,
    "width": 4,
    "tile": 32,
    "threads": 1,
}
SHAPE = (32, 32, 32)


@pytest.fixture(autouse=True, scope="module")
def small_reference():
    """A smaller reference sample: a tiny network needs no large one."""
    with pytest.MonkeyPatch.context() as patch:
        whole = {
            "calibrated_swnn": calibration.calibrated_swnn,
            "balanced_mean": calibration.balanced_mean,
            "calibrated_conditions": conditions.calibrated_conditions,
        }
        for name, function in whole.items():
            smaller = partial(function, edge=40)
            patch.setattr(f"poroscale.pipelines.microstructure.methods.by_swnn.{name}", smaller)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("swnn")
    saved(picture((-0.4, 0.5), edge=32, sigma=1.0), found / "a.png")
    return found


@pytest.fixture(scope="module")
def model(folder):
    return ps.fit_microstructure([folder / "a.png"], folder / "model", **TINY)


@pytest.fixture(scope="module")
def weights(folder):
    np.savez(folder / "published.npz", **random_weights(depth=3, width=8))
    return folder / "published.npz"


def generated(folder, out, **settings):
    return ps.generate_microstructure(folder, out, **{"shape": SHAPE, **settings})


def test_a_model_holds_what_generating_needs(model, folder):
    opened = MicrostructureModel.open(folder / "model")
    assert opened.settings.method == "swnn"
    assert len(opened.settings.details["thresholds"]) == 2
    assert json.loads((folder / "model" / "model.json").read_text())["recipe"]["swnn"]["depth"] == 2
    lines = "\n".join(opened.describe())
    assert "swnn model of 3 phases" in lines
    assert "sliced-Wasserstein distance" in lines
    assert "are within reach" in lines


def test_a_volume_has_the_fractions_of_the_image(model, folder, new_path):
    made = generated(folder / "model", new_path(), shape=(64, 64, 64), seed=3).read()
    shares = np.bincount(made.ravel(), minlength=3) / made.size
    assert shares == pytest.approx(model.settings.fractions, abs=0.02)


def test_any_workers_and_size_make_the_same_bytes(model, folder, new_path):
    first, second = (
        generated(folder / "model", new_path(), seed=3, workers=workers).read()
        for workers in (1, 2)
    )
    assert np.array_equal(first, second)
    larger = generated(folder / "model", new_path(), seed=3, shape=(40, 64, 33)).read()
    assert np.array_equal(larger[:32, :32, :32], first)


def test_it_is_trained_once(model, folder):
    again = ps.fit_microstructure([folder / "a.png"], folder / "model", **TINY)
    assert again.settings == model.settings
    with pytest.raises(ValueError, match="with other settings"):
        ps.fit_microstructure([folder / "a.png"], folder / "model", **{**TINY, "width": 5})


def test_a_stopped_fit_goes_on(model, folder):
    def stop(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ps.fit_microstructure([folder / "a.png"], folder / "stopped", **TINY, progress=stop)
    assert (folder / "stopped" / "training" / "checkpoint_0.safetensors").exists()
    epochs = []
    resumed = ps.fit_microstructure(
        [folder / "a.png"], folder / "stopped", **TINY, progress=epochs.append
    )
    assert [each.done for each in epochs] == [2]
    assert resumed.settings.details == model.settings.details


def reach(model, phase):
    details = model.settings.details
    curve = calibration.FractionCurve.of_details(details)
    return curve.course(phase, details["thresholds"]).shares


def test_wished_fractions_are_met_or_refused(model, folder, new_path):
    shares = reach(model, 2)
    wanted = float(0.5 * (shares[0] + shares[-1]))
    made = generated(folder / "model", new_path(), shape=(64, 64, 64), fraction={2: wanted}).read()
    shares = np.bincount(made.ravel(), minlength=3) / made.size
    assert shares[2] == pytest.approx(wanted, abs=0.03)
    own = model.settings.fractions
    assert shares[0] / shares[1] == pytest.approx(own[0] / own[1], rel=0.15)
    with pytest.raises(ValueError, match=r"phase 2 must lie between 0\.\d+ and 0\.\d+"):
        generated(folder / "model", new_path(), fraction={2: 0.9999})
    with pytest.raises(ValueError, match="must name one phase"):
        generated(folder / "model", new_path(), fraction={1: 0.2, 2: 0.2})
    with pytest.raises(ValueError, match="phase from 0 to 2, got 5"):
        generated(folder / "model", new_path(), fraction={5: 0.2})


def test_gradients_masks_and_periods(model, folder, new_path):
    shares = reach(model, 2)
    low, high = float(shares[0]) + 1e-3, float(shares[-1]) - 1e-3
    made = generated(folder / "model", new_path(), gradient=f"2:x:{low}:{high}").read()
    assert (made[..., -8:] == 2).mean() > (made[..., :8] == 2).mean()
    inside = np.zeros(SHAPE, np.uint8)
    inside[16:] = 1
    mask = volume_from_array(inside, new_path())
    made = generated(folder / "model", new_path(), mask=mask, fraction={2: high}).read()
    assert (made[18:] == 2).mean() > (made[:14] == 2).mean()
    with pytest.raises(ValueError, match=r"must lie between 0\.\d+ and"):
        generated(folder / "model", new_path(), gradient="2:x:0.0001:0.9999")
    made = generated(folder / "model", new_path(), periodic=True).read()
    inner = np.mean([(made[k] != made[k + 1]).mean() for k in range(31)])
    assert (made[0] != made[-1]).mean() < 1.5 * inner


def test_sections_of_three_planes_and_a_volume(folder):
    images = [
        saved(picture((0.3,), seed=seed, edge=32, sigma=1.0), folder / f"{seed}.png")
        for seed in (1, 2, 3)
    ]
    three = ps.fit_microstructure(images, folder / "three", **{**TINY, "iterations": 2})
    assert [each.plane for each in three.settings.images] == ["yx", "zx", "zy"]
    block = np.stack([picture((0.3,), seed=5, edge=20, sigma=1.0)] * 9)
    volume = volume_from_array(block, folder / "ct.zarr")
    whole = ps.fit_microstructure([volume], folder / "whole", **{**TINY, "iterations": 2})
    assert whole.phases == 2


def test_a_fraction_can_be_trained_for(folder):
    image = saved(picture((0.3,), edge=32, sigma=1.0), folder / "two.png")
    fast = {**TINY, "iterations": 2}
    several = "1=0.2,1=0.3"
    model = ps.fit_microstructure([image], folder / "n", **fast, fraction=several, targets="noise")
    assert model.settings.fractions[1] == pytest.approx(0.3, abs=0.01)
    assert len({*model.settings.details["curve"]["means"]}) == 22
    with pytest.raises(ValueError, match="no combination of their patterns"):
        ps.fit_microstructure([image], folder / "no", **fast, fraction={1: 1.5})
    with pytest.raises(ValueError, match="must name one phase"):
        ps.fit_microstructure([image], folder / "no", **fast, fraction={0: 0.2, 1: 0.3})
    with pytest.raises(ValueError, match=r"that differ by 0\.005 or more, got 0\.20"):
        ps.fit_microstructure([image], folder / "no", **fast, fraction="1=0.2,1=0.2")


@pytest.fixture(scope="module")
def conditioned(folder):
    image = saved(picture((0.3,), edge=32, sigma=1.0), folder / "three.png")
    wanted = "1=0.4,1=0.2,1=0.3"
    return ps.fit_microstructure([image], folder / "conditioned", **TINY, fraction=wanted)


def test_one_network_holds_several_fractions(conditioned, folder, new_path):
    details = conditioned.settings.details
    assert details["course"]["inputs"] == [k / 4 for k in range(9)]
    assert load_swnn(conditioned.weights)[0].shape.targets == 3
    shape, shares = (64, 64, 64), details["course"]["shares"]
    for wanted in (None, shares[0], 0.26, shares[-1]):
        wish = {} if wanted is None else {"fraction": {1: wanted}}
        made = generated(folder / "conditioned", new_path(), shape=shape, **wish).read()
        expected = conditioned.settings.fractions[1] if wanted is None else wanted
        assert made.mean() == pytest.approx(expected, abs=0.02)
    one, other = (
        generated(folder / "conditioned", new_path(), fraction={phase: share}).read()
        for phase, share in ((1, 0.26), (0, 0.74))
    )
    assert np.array_equal(one, other)
    with pytest.raises(ValueError, match=r"phase 1 must lie between .* for this model, got 0"):
        generated(folder / "conditioned", new_path(), fraction={1: 0.5})


def test_the_condition_may_vary_by_place(conditioned, folder, new_path):
    shares = conditioned.settings.details["course"]["shares"]
    ends = f"1:x:{shares[0]}:{shares[-1]}"
    made = generated(folder / "conditioned", new_path(), shape=(64, 64, 64), gradient=ends).read()
    along = made.mean(axis=(0, 1)).reshape(8, 8).mean(axis=1)
    wanted = np.interp(np.arange(8) * 8 + 3.5, [0, 63], [shares[0], shares[-1]])
    assert along == pytest.approx(wanted, abs=0.05)
    larger = generated(
        folder / "conditioned", new_path(), shape=(64, 64, 64), gradient=ends, workers=2
    ).read()
    assert np.array_equal(larger, made)
    inside = np.zeros(SHAPE, np.uint8)
    inside[16:] = 1
    mask = volume_from_array(inside, new_path())
    made = generated(folder / "conditioned", new_path(), mask=mask, fraction={1: 0.39}).read()
    assert made[18:].mean() > made[:14].mean() + 0.03


def test_three_phases_keep_their_proportions_under_conditions(folder, new_path):
    fast = {**TINY, "iterations": 4}
    model = ps.fit_microstructure(
        [folder / "a.png"], folder / "both", **fast, fraction="2=0.2,2=0.3"
    )
    own = model.settings.fractions
    made = generated(folder / "both", new_path(), shape=(64, 64, 64), fraction={2: 0.21}).read()
    shares = np.bincount(made.ravel(), minlength=3) / made.size
    assert shares[2] == pytest.approx(0.21, abs=0.02)
    assert shares[0] / shares[1] == pytest.approx(own[0] / own[1], rel=0.1)
    with pytest.raises(ValueError, match="`fraction` must name phase 2, for whose fractions"):
        generated(folder / "both", new_path(), fraction={1: 0.3})


def test_images_are_made_by_a_network_of_two_dimensions(folder, new_path):
    image = saved(picture((0.3,), edge=32, sigma=1.0), folder / "flat.png")
    ps.fit_microstructure([image], folder / "flat", **TINY, dimensions=2, recipe="published")
    made = generated(folder / "flat", new_path(), shape=(1, 90, 80)).read()
    assert made.shape == (1, 90, 80)
    assert set(np.unique(made)) == {0, 1}


def test_published_weights_are_calibrated(folder, weights, new_path):
    image = saved(picture((0.3,), edge=32, sigma=1.0), folder / "b.png")
    model = ps.fit_microstructure(
        [image], folder / "imported", method="swnn", weights=weights, tile=32
    )
    assert not (folder / "imported" / "training").exists()
    made = generated(folder / "imported", new_path(), shape=(64, 64, 64), seed=9).read()
    assert (made == 1).mean() == pytest.approx(model.settings.fractions[1], abs=0.02)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"depth": 5}, "depth 5, got those of another architecture: 3 dimensions"),
        ({"dimensions": 2}, "dimensions 2, got those of another architecture"),
        ({"fraction": "1=0.2"}, "must be left out with `weights`"),
        ({"method": "field"}, "`weights` must come with the method swnn, got the method field"),
    ],
)
def test_weights_that_do_not_fit_are_refused(folder, weights, new_path, settings, sentence):
    given = {"method": "swnn", "weights": weights, **settings}
    with pytest.raises(ValueError, match=sentence):
        ps.fit_microstructure([folder / "a.png"], new_path(), **given)


def test_weights_that_are_none_are_refused(folder, model, new_path):
    (folder / "text.npz").write_text("no weights")
    with pytest.raises(ValueError, match="must be an npz of arrays"):
        ps.fit_microstructure(
            [folder / "a.png"], new_path(), method="swnn", weights=folder / "text.npz"
        )
    with pytest.raises(FileNotFoundError, match=r"missing\.npz does not exist"):
        ps.fit_microstructure(
            [folder / "a.png"], new_path(), method="swnn", weights=folder / "missing.npz"
        )


def test_the_recipe_can_be_changed(folder, new_path):
    fast = {**TINY, "iterations": 4}
    given = {"scales": 2, "projections": "orthogonal", "patience": 3, "fraction": "1=0.2,1=0.4"}
    model = ps.fit_microstructure([folder / "a.png"], folder / "scales", **fast, **given)
    assert model.settings.recipe["swnn"]["scales"] == 2
    assert model.settings.fractions[1] == pytest.approx(0.4)
    model = ps.fit_microstructure(
        [folder / "a.png"], folder / "acf", **fast, loss="autocorrelation"
    )
    assert len(model.settings.details["thresholds"]) == 2
    with pytest.raises(ValueError, match="`loss` must be patterns with `fraction` or `within`"):
        ps.fit_microstructure(
            [folder / "a.png"], new_path(), **fast, loss="autocorrelation", fraction="1=0.2"
        )
    model = ps.fit_microstructure([folder / "a.png"], folder / "lineal", **fast, lineal_path=5.0)
    assert model.settings.recipe["swnn"]["lineal_path"] == 5
    with pytest.raises(ValueError, match="`lineal_path` must be 0 with `fraction` or `within`"):
        ps.fit_microstructure(
            [folder / "a.png"], new_path(), **fast, lineal_path=5.0, fraction="1=0.2"
        )
    with pytest.raises(ValueError, match="`scales` must be fewer than 3: the coarsest pattern"):
        ps.fit_microstructure([folder / "a.png"], new_path(), **{**fast, "template": 9}, scales=3)
