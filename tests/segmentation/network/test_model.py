"""Model folders, and models as what windows are inferred with."""

import json
import pickle
import shutil

import numpy as np
import pytest
import torch

from poroscale.networks.complexity import parameter_count
from poroscale.networks.segmenters import build_segmenter
from poroscale.pipelines.checks import holdings, verify
from poroscale.pipelines.info import info
from poroscale.segmentation.network import inference, trials
from poroscale.segmentation.network.card import CARD, WEIGHTS, ModelCard
from poroscale.segmentation.network.inference import Inference
from poroscale.segmentation.network.model import SegmentationModel
from poroscale.segmentation.network.normalisation import GreyRange
from poroscale.segmentation.network.trials import probe_batch, probed, tried

EDGE = 16
RANGE = GreyRange(1000.0, 9000.0)


def saved(folder, model="unet", **changes):
    """A model with fresh weights; `changes` are made to its card alone."""
    torch.manual_seed(0)
    network = build_segmenter(model, width=0.125, edge=EDGE)
    card = {
        "model": model,
        "width": 0.125,
        "edge": EDGE,
        "supervised": network.supervised,
        "parameters": parameter_count(network),
        "trained_on": [{"scan": "a", "grey_range": [900, 8000]}, {"grey_range": [1000, 9500]}],
        "split": "without validation",
        "recipe": {},
        "epochs": 3,
        "best_epoch": 1,
        "losses": {"loss": 0.25},
        "validation": {"loss": 0.5},
        "versions": {"torch": torch.__version__},
    }
    card |= {"model" if name == "named" else name: each for name, each in changes.items()}
    return SegmentationModel.save(folder, network.state_dict(), card)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("models") / "unet")


def plus_plus():
    return build_segmenter("unet++", width=0.125, edge=EDGE)


def patches(number, seed=0):
    grey = np.random.default_rng(seed).uniform(0, 10000, (number, EDGE, EDGE, EDGE))
    return grey.astype(np.float32)


def test_a_model_opens_as_it_was_saved(model):
    again = SegmentationModel.open(model.folder)
    assert again.card == model.card
    network = again.network()
    assert not network.training
    torch.manual_seed(0)
    fresh = build_segmenter("unet", width=0.125, edge=EDGE).state_dict()
    assert all(torch.equal(fresh[name], value) for name, value in network.state_dict().items())
    assert sorted(each.name for each in model.folder.iterdir()) == [CARD, WEIGHTS]
    assert any("epoch 1" in line for line in model.describe())


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no folder of a segmentation model"):
        SegmentationModel.open(tmp_path / "none")
    for name in ("unet.pt", "unet.pth"):
        with pytest.raises(ValueError, match="a pickle is never loaded"):
            SegmentationModel.open(tmp_path / name)
    (tmp_path / "m").mkdir()
    with pytest.raises(FileNotFoundError, match=rf"{WEIGHTS} is missing$"):
        SegmentationModel.open(tmp_path / "m")
    (tmp_path / "m" / "weights.pth").write_bytes(b"cos\nsystem\n")
    with pytest.raises(FileNotFoundError, match=r"weights\.pth is a pickle and is never loaded"):
        SegmentationModel.open(tmp_path / "m")


def test_altered_weights_are_refused(tmp_path):
    folder = saved(tmp_path / "m").folder
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (folder / WEIGHTS).write_bytes(data)
    with pytest.raises(OSError, match=r"was altered: its checksum is not that of card\.json"):
        SegmentationModel.open(folder)
    (folder / CARD).unlink()
    with pytest.raises(FileNotFoundError, match=r"card\.json is missing"):
        SegmentationModel.open(folder)


def changed(card):
    """Cards that differ from one in a single entry each."""
    yield card | {"epochs": card["epochs"] + 1}
    yield card | {"losses": {"loss": 0.2501}}
    yield card | {"recipe": {"seed": 1}}
    yield card | {"split": "Without validation"}
    yield card | {"trained_on": [card["trained_on"][0] | {"scan": "b"}, *card["trained_on"][1:]]}
    yield card | {"trained_on": card["trained_on"][::-1]}
    yield card | {"digest": None}
    yield card | {"format": 1}
    yield {name: each for name, each in card.items() if name != "digest"}


@pytest.mark.parametrize("number", range(9))
def test_an_altered_card_is_refused(number, tmp_path):
    path = saved(tmp_path / "m").folder / CARD
    card = json.loads(path.read_text())
    path.write_text(json.dumps(list(changed(card))[number]))
    with pytest.raises(OSError, match=r"^\S+card\.json was altered: [^.]+$"):
        SegmentationModel.open(path.parent)


def test_a_card_may_be_laid_out_anew(tmp_path):
    model = saved(tmp_path / "m")
    path = model.folder / CARD
    card = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(card.items())), indent=2))
    assert SegmentationModel.open(model.folder).card == model.card


def test_cards_of_the_first_format_open_without_a_digest(tmp_path):
    path = saved(tmp_path / "m").folder / CARD
    card = json.loads(path.read_text())
    del card["digest"]
    path.write_text(json.dumps(card | {"format": 1, "epochs": 4}))
    assert SegmentationModel.open(path.parent).card.epochs == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"named": "unet++"}, r"card\.json: parameters of unet.. of width 0.125 and edge 16 must"),
        ({"width": 0.25}, r"parameters of unet of width 0\.25 and edge 16 must be \d+, got"),
        ({"named": "resnet"}, r"card\.json: model must be one of unet"),
        ({"width": -1}, r"card\.json: width must"),
        ({"supervised": False}, r"card\.json: supervised of unet .* must be True, got False"),
        (
            {"named": "unet++", "parameters": parameter_count(plus_plus())},
            "must hold the weights of unet.. of width 0.125 and edge 16",
        ),
    ],
)
def test_a_card_of_another_architecture_is_refused(changes, message, tmp_path):
    other = saved(tmp_path / "m", **changes)
    assert other.card != saved(tmp_path / "same").card
    with pytest.raises(ValueError, match=message):
        SegmentationModel.open(other.folder).network()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it is no JSON"),
        ("[]", "it is no JSON"),
        ('{"kind": "part_model"}', "is no card of a segmentation model"),
    ],
)
def test_cards_that_are_none_are_refused(text, message, tmp_path):
    folder = saved(tmp_path / "m").folder
    (folder / CARD).write_text(text)
    with pytest.raises(ValueError, match=message):
        SegmentationModel.open(folder)


@pytest.mark.parametrize(
    ("scans", "message"), [([], "trained_on"), ([{}], r"`trained_on\.0\.grey_range` must be given")]
)
def test_a_card_must_know_the_grey_values_of_its_training(scans, message, tmp_path):
    folder = saved(tmp_path / "m").folder
    card = json.loads((folder / CARD).read_text()) | {"trained_on": scans}
    (folder / CARD).write_text(json.dumps(card))
    with pytest.raises(ValueError, match=message):
        SegmentationModel.open(folder)


def test_another_format_is_refused(tmp_path):
    folder = saved(tmp_path / "m").folder
    card = json.loads((folder / CARD).read_text()) | {"format": 3}
    (folder / CARD).write_text(json.dumps(card))
    with pytest.raises(ValueError, match="of format 1 or 2, got a segmentation_model of format 3"):
        SegmentationModel.open(folder)


def test_values_are_those_of_the_network(model):
    infer = Inference.of(model, RANGE, batch=2, device="cpu")
    grey = patches(2)
    with torch.inference_mode():
        wanted = model.network().window_values(torch.from_numpy(RANGE.normalised(grey))[:, None])
    assert infer(grey) == pytest.approx(wanted.numpy(), abs=1e-5)
    assert (infer.bound, infer.outside, infer.edge) == (16.0, -16.0, EDGE)
    assert infer.halo == model.network().halo
    assert infer.finish(np.zeros(1, np.float32)) == pytest.approx(0.5)


def test_values_do_not_depend_on_the_other_patches(model):
    infer = Inference.of(model, RANGE, batch=4, device="cpu")
    grey = patches(7)
    found = infer(grey)
    assert found.dtype == np.float32
    assert np.array_equal(infer(grey[:3]), found[:3])
    assert np.array_equal(infer(grey[4:5])[0], found[4])
    again = pickle.loads(pickle.dumps(infer))  # as workers get it
    assert np.array_equal(again(grey), found)
    assert len(pickle.dumps(infer)) < 2000


def test_the_recipe_names_all_that_values_follow_from(model):
    one = Inference.of(model, RANGE, device="cpu").recipe
    assert one["weights"] == model.card.sha256
    assert one != Inference.of(model, RANGE, batch=2, device="cpu").recipe
    assert one != Inference.of(model, GreyRange(0, 1), device="cpu").recipe
    assert json.loads(json.dumps(one)) == one


def test_a_model_that_was_replaced_is_told(model, tmp_path):
    first = saved(tmp_path / "m")
    infer = Inference.of(first, RANGE, device="cpu")
    saved(tmp_path / "m", model="vae")
    with pytest.raises(OSError, match="was replaced while it was in use"):
        infer(patches(1))


def test_bad_ways_to_infer_are_refused(model):
    with pytest.raises(ValueError, match="batch must be at least 1, got 0"):
        Inference.of(model, RANGE, batch=0)
    with pytest.raises(ValueError, match="precision must be float32 on the CPU, got bf16"):
        Inference.of(model, RANGE, device="cpu", precision="bf16")
    with pytest.raises(ValueError, match="device must be auto, cpu or cuda, got 'tpu'"):
        Inference.of(model, RANGE, device="tpu")


def test_the_probe_takes_the_fastest_batch_that_fits(model, monkeypatch):
    took = {1: 1.0, 2: 0.6, 4: 0.5, 8: 0.52, 16: 0.1}

    def trial(infer):
        return trials.BatchTrial(infer.batch, took[infer.batch], 100 * infer.batch)

    monkeypatch.setattr(trials, "_trial", trial)
    infer = Inference.of(model, RANGE, device="cpu")
    assert probe_batch(infer, 10_000)[0] == 4
    assert [each.batch for each in probe_batch(infer, 10_000)[1]] == [1, 2, 4, 8]
    assert probe_batch(infer, 250)[0] == 2
    assert probe_batch(infer, 10_000, most=2)[0] == 2
    with pytest.raises(MemoryError, match="one patch of 16³ takes"):
        probe_batch(infer, 50)


def test_the_probe_measures(model):
    infer = Inference.of(model, RANGE, device="cpu")
    batch, measured = probe_batch(infer, 1 << 30, most=4)
    assert batch in (1, 2, 4)
    assert all(each.seconds > 0 and each.peak >= 0 for each in measured)
    found = probed(infer, 1 << 30, most=2)
    assert found.batch <= 2
    assert found.memory >= 4 * model.card.parameters
    with pytest.raises(MemoryError, match=r"at least \d+ MiB more: .* and 0 MiB are left"):
        probed(infer, 1000)


def test_a_batch_is_tried_as_it_is(model):
    infer = Inference.of(model, RANGE, batch=3, device="cpu")
    found = tried(infer, 1 << 30)
    assert found.batch == 3
    assert found.seconds > 0
    assert found.memory >= 4 * model.card.parameters
    with pytest.raises(MemoryError, match=r"more, or the batch 1: 3 patches of 16³ take \d+ MiB"):
        tried(infer, 1000)


def test_running_out_of_gpu_memory_names_the_batch_to_use(model, monkeypatch):
    class Full:
        def window_values(self, _):
            raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(inference, "loaded", lambda *_: Full())
    with pytest.raises(MemoryError, match=r"batch of 4 patches of 16³; use a batch of 2"):
        Inference.of(model, RANGE, batch=4, device="cpu")(patches(4))
    with pytest.raises(MemoryError, match="one patch of 16³; use the CPU"):
        Inference.of(model, RANGE, batch=1, device="cpu")(patches(1))


def test_verify_says_what_a_folder_of_a_model_holds(model, tmp_path):
    assert verify(model.folder) == []
    assert holdings(model.folder) == "1 segmentation model"
    assert any("trained" in line for line in info(model.folder))
    copy = tmp_path / "copy"
    shutil.copytree(model.folder, copy)
    data = bytearray((copy / "weights.safetensors").read_bytes())
    data[-1] ^= 1
    (copy / "weights.safetensors").write_bytes(data)
    assert ["weights.safetensors was altered" in line for line in verify(copy)] == [True]


def test_every_entry_that_a_card_lacks_is_named(model, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(model.folder, copy)
    whole = json.loads((copy / "card.json").read_text())
    needed = [name for name, field in ModelCard.model_fields.items() if field.is_required()]
    for name in needed:
        (copy / "card.json").write_text(json.dumps({k: v for k, v in whole.items() if k != name}))
        with pytest.raises(ValueError, match=rf"card\.json .*`{name}` must be given"):
            SegmentationModel.open(copy)
        assert [f"`{name}` must be given" in line for line in verify(copy)] == [True]
