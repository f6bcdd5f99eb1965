"""Segmentation networks trained at tiny sizes: resumed, judged, refused."""

import json

import numpy as np
import pytest
import torch

from poroscale.engine import Run, volume_from_array
from poroscale.networks.segmenters import SEGMENTERS, build_segmenter
from poroscale.segmentation.network.inference import Inference
from poroscale.segmentation.network.normalisation import GreyRange
from poroscale.segmentation.network.trials import probed
from poroscale.segmentation.training import data as training_data
from poroscale.segmentation.training.config import SegmenterConfig
from poroscale.segmentation.training.data import LabelledScan
from poroscale.segmentation.training.train import METRICS, TRAINING, train_segmenter
from poroscale.volume import VolumeSpec
from tests.segmentation.pores_in_metal import AIR, CHUNK, SOLID, bar, config


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Three scans with their truths."""
    folder = tmp_path_factory.mktemp("scans")

    def written(array, name):
        spec = VolumeSpec(array.shape, array.dtype, (1.0, 1.0, 1.0), chunks=CHUNK)
        return volume_from_array(array, folder / name, spec=spec)

    return [
        LabelledScan(written(grey, f"grey{seed}"), written(phases, f"phases{seed}"))
        for seed, (grey, phases) in enumerate(bar(seed=seed) for seed in range(3))
    ]


def weights(trained):
    return trained.model.network().state_dict()


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


class Killed(BaseException):
    pass


@pytest.mark.parametrize("model", ["unet", "cevae"])
def test_a_killed_training_comes_to_the_same_weights(model, scans, tmp_path, monkeypatch):
    settings = config(model, epochs=3)
    (whole,) = train_segmenter(scans, tmp_path / "whole", config=settings)
    stacked, calls = training_data._stacked, []

    def killing(patches):
        calls.append(1)
        if len(calls) > 8:  # in the second epoch: 3 steps and 2 of validation are an epoch
            raise Killed
        return stacked(patches)

    with monkeypatch.context() as patched:
        patched.setattr(training_data, "_stacked", killing)
        with pytest.raises(Killed):
            train_segmenter(scans, tmp_path / "killed", config=settings)
    (again,) = train_segmenter(scans, tmp_path / "killed", config=settings)
    assert same(weights(whole), weights(again))
    assert whole.history == again.history
    assert whole.model.card == again.model.card
    lines = (tmp_path / "killed" / TRAINING / METRICS).read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [0, 1, 2]


def test_a_supervised_network_learns_pores(scans, tmp_path):
    settings = config(
        epochs=14,
        augmentation={"enabled": False},
        network={"width": 0.25},
        patches={"batch": 4, "steps": 8, "validation": 4},
        training={"learning_rate": 3e-3},
    )
    (found,) = train_segmenter(scans[:2], tmp_path, config=settings)
    losses = [each["validation.loss"] for each in found.history]
    assert min(losses) < 0.7 * losses[0]
    assert found.model.card.validation["dice"] > 0.5
    assert found.model.card.best_epoch == losses.index(min(losses))


def test_unsupervised_training_ignores_truth(scans, tmp_path):
    settings = config("vae", epochs=1)
    given = [scans, [each._replace(truth=None) for each in scans]]
    one, other = (
        weights(train_segmenter(each, tmp_path / str(number), config=settings)[0])
        for number, each in enumerate(given)
    )
    assert same(one, other)
    with pytest.raises(ValueError, match="pore_share must be 0 for vae, which sees no truth"):
        train_segmenter(scans, tmp_path / "no", config=config("vae", patches={"pore_share": 0.5}))


def test_labels_of_another_model_are_a_truth(scans, tmp_path, as_volume):
    """Phases that a network found, here with pores missed, serve a supervised one as labels."""
    phases = scans[0].truth.read()
    phases[40:][phases[40:] == 2] = 1
    labels = as_volume(phases, chunks=CHUNK)
    given = [scans[0]._replace(truth=labels), scans[1]]
    (found,) = train_segmenter(given, tmp_path, config=config(epochs=1))
    assert found.model.card.trained_on[0].truth == labels.digest


def test_training_ends_early(scans, tmp_path):
    settings = config(epochs=30, patches={"steps": 1}, training={"gain": 1e9, "patience": 2})
    (found,) = train_segmenter(scans, tmp_path, config=settings)
    assert found.model.card.epochs == len(found.history) == 3


def test_cross_validation_leaves_each_scan_out_once(scans, tmp_path):
    settings = config(epochs=1, training={"fold": "all"})
    found = train_segmenter(scans, tmp_path, config=settings)
    assert [each.model.folder.name for each in found] == ["fold_0", "fold_1", "fold_2"]
    table = json.loads((tmp_path / "cross_validation.json").read_text())
    losses = [each["loss"] for each in table["folds"]]
    assert losses == [each.history[0]["validation.loss"] for each in found]
    assert table["mean"]["loss"] == pytest.approx(np.mean(losses))
    assert table["deviation"]["loss"] == pytest.approx(np.std(losses, ddof=1))
    assert "fold 1 of 3 of the scans" in found[1].model.card.split


def test_folds_trained_side_by_side_come_to_the_same_weights(scans, tmp_path):
    settings, scans = config(epochs=1, training={"fold": "all"}), scans[:2]
    told = {"here": [], "there": []}
    alone = train_segmenter(scans, tmp_path / "here", config=settings, progress=told["here"].append)
    beside = train_segmenter(
        scans,
        tmp_path / "there",
        config=settings,
        run=Run(cluster="processes", workers=2),
        progress=told["there"].append,
    )
    assert [event.name for event in told["here"]] == ["fold 0", "fold 1"]
    assert told["here"][0].values == alone[0].history[0]
    assert sorted(told["there"], key=lambda event: event.name) == told["here"]
    assert [each.model.folder.name for each in beside] == ["fold_0", "fold_1"]
    for here, there in zip(alone, beside, strict=True):
        assert here.history == there.history
        assert here.model.card.sha256 == there.model.card.sha256


def test_one_scan_is_cut_into_slabs(scans, tmp_path):
    (found,) = train_segmenter(scans[:1], tmp_path / "cut", config=config(epochs=1))
    assert found.model.card.split == "validated on fold 0 of 2 of the slabs along z of one scan"
    (found,) = train_segmenter(
        scans[:1], tmp_path / "whole", config=config(epochs=1, training={"folds": 1})
    )
    assert found.model.card.split == "without validation"
    assert found.model.card.validation == {}


def test_scans_for_validation_alone(scans, tmp_path):
    (found,) = train_segmenter(scans[:1], tmp_path, validation=scans[1:], config=config(epochs=1))
    card = found.model.card
    assert card.split == "validated on 2 other scan(s)"
    assert [each.scan for each in card.trained_on] == [scans[0].scan.digest]


def test_the_card_tells_what_the_scans_were_like(scans, tmp_path):
    (found,) = train_segmenter(scans[:2], tmp_path, config=config(epochs=1))
    for scan, told in zip(scans[:2], found.model.card.trained_on, strict=True):
        assert told.voxel_size_um == scan.scan.voxel_size
        assert told.traits.contrast_to_noise == pytest.approx((SOLID - AIR) / 900, rel=0.15)
        assert 4 < told.traits.largest_ball < 8
    settings = config(epochs=1, training={"grey_suffices_from": 12.5})
    (again,) = train_segmenter(scans[:2], tmp_path, config=settings)
    assert again.model.card.grey_suffices_from == 12.5
    assert again.model.card.sha256 == found.model.card.sha256
    assert again.model.card.digest != found.model.card.digest


def test_the_card_tells_what_was_trained(scans, tmp_path):
    (found,) = train_segmenter(scans[:2], tmp_path, config=config(epochs=1))
    card = found.model.card
    assert (card.model, card.width, card.edge, card.supervised) == ("unet", 0.125, 16, True)
    assert card.recipe["settings"]["network"]["alpha"] == 0.633
    assert {"poroscale", "torch", "numpy"} <= card.versions.keys()
    low, high = card.grey_range
    assert 5000 < low < 9000
    assert 29000 < high < 34000
    assert set(card.validation) == {"loss", "finest", "dice"}
    said = " ".join(found.model.describe())
    assert "unet" in said
    assert "2 scan(s)" in said


def test_more_epochs_go_on_and_other_settings_are_refused(scans, tmp_path):
    first = train_segmenter(scans, tmp_path, config=config(epochs=1))[0].history
    more = train_segmenter(scans, tmp_path, config=config(epochs=2))[0].history
    assert more[:1] == first
    other = config(epochs=2, training={"learning_rate": 1e-2})
    with pytest.raises(ValueError, match="trained on other data or with other settings"):
        train_segmenter(scans, tmp_path, config=other)
    anew = train_segmenter(scans, tmp_path, config=other, run=Run(overwrite=True))[0].history
    assert len(anew) == 2
    assert anew[0] != first[0]


@pytest.mark.parametrize("model", SEGMENTERS)
def test_every_network_computes_in_half_precision(model):
    """Forward as on a GPU: channels last, bfloat16 where autocast says so."""
    torch.manual_seed(0)
    edge = 32 if model == "acc-unet" else 16
    network = build_segmenter(model, width=0.125, edge=edge)
    network.to(memory_format=torch.channels_last_3d)
    patches = torch.rand(1, 1, edge, edge, edge).contiguous(memory_format=torch.channels_last_3d)
    with torch.autocast("cpu", torch.bfloat16):
        loss = network.loss(patches, (patches < 0.1).float())["loss"]
    assert bool(torch.isfinite(loss))
    assert loss.requires_grad
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        values = network.eval().window_values(patches)
    assert bool(torch.isfinite(values).all())


@pytest.mark.gpu
@pytest.mark.parametrize("model", SEGMENTERS)
def test_a_gpu_trains_and_infers(model, scans, tmp_path):
    settings = config(model, epochs=1, edge=32, training={"device": "cuda", "precision": "bf16"})
    (found,) = train_segmenter(scans, tmp_path, config=settings)
    infer = probed(Inference.of(found.model, GreyRange(6000, 32000), device="cuda"), 1 << 33)
    patches = np.full((3, 32, 32, 32), 20000, np.float32)
    assert np.isfinite(infer(patches)).all()
    assert infer(patches).shape == patches.shape


@pytest.mark.parametrize("model", SEGMENTERS)
def test_every_network_trains_saves_and_loads(model, scans, tmp_path):
    edge = 32 if model == "acc-unet" else 16
    settings = config(
        model,
        epochs=1,
        edge=edge,
        width=0.125,
        patches={"batch": 1, "steps": 1, "validation": 1},
    )
    (found,) = train_segmenter(scans[:2], tmp_path, config=settings)
    patches = torch.rand(1, 1, edge, edge, edge)
    with torch.inference_mode():
        values = found.model.network().window_values(patches)
    assert values.shape == (1, edge, edge, edge)
    assert float(values.abs().max()) <= found.model.network().bound


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"network": {"model": "resnet"}}, "model must be one of unet, .*got 'resnet'"),
        ({"network": {"edge": 20}}, "edge of UNet must be a multiple of"),
        ({"training": {"folds": 4}}, "folds must be at most the number of scans, 3, got 4"),
        ({"training": {"fold": 5}}, "fold must be one of 0 to 2, got 5"),
        ({"training": {"folds": 1, "fold": "all"}}, "fold must be left out where folds is 1"),
        ({"network": {"alpha": 0, "beta": 0}}, "alpha and beta must not both be 0"),
        ({"training": {"precision": "bf16"}}, "precision must be float32 on the CPU, got bf16"),
        ({"patches": {"cache": "much"}}, "`cache` must be a size such as 2GiB"),
    ],
)
def test_bad_settings_are_refused_with_a_sentence(sections, message, scans, tmp_path):
    with pytest.raises(ValueError, match=message):
        train_segmenter(scans, tmp_path, config=config(**sections))
    assert not (tmp_path / "card.json").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_folder_of_something_else_is_left_alone(scans, tmp_path):
    (tmp_path / "evaluation.html").write_text("mine")
    (tmp_path / ".poroscale").mkdir()  # as every output of the program has it
    with pytest.raises(ValueError, match="is a folder with other files in it"):
        train_segmenter(scans[:2], tmp_path, config=config(epochs=1))
    assert sorted(each.name for each in tmp_path.iterdir()) == [".poroscale", "evaluation.html"]


def test_a_gpu_must_be_there(scans, tmp_path):
    with pytest.raises(ValueError, match="device must be cpu on this machine"):
        train_segmenter(scans, tmp_path, config=config(training={"device": "cuda"}))


def test_published_settings_are_the_defaults():
    plain = SegmenterConfig()
    network, training = plain.network, plain.training
    assert (network.alpha, network.beta, network.gamma) == (0.633, 0.1, 1.0)
    assert (network.edge, network.width) == (64, 1.0)
    assert (training.learning_rate, training.patience, training.gain) == (1e-4, 40, 1e-4)
