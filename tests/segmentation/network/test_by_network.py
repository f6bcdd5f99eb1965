"""Scans to phases by a network: each step as it is by itself, the same bytes for any blocks."""

import numpy as np
import pytest
import torch

from poroscale.engine import Run, WindowCounts, Windows, volume_from_array
from poroscale.networks.complexity import parameter_count
from poroscale.networks.segmenters import build_segmenter
from poroscale.segmentation.network import steps
from poroscale.segmentation.network.by_network import segment_by_network
from poroscale.segmentation.network.config import ByNetworkConfig, WindowsConfig
from poroscale.segmentation.network.inference import Inference
from poroscale.segmentation.network.model import SegmentationModel
from poroscale.segmentation.network.normalisation import grey_range
from poroscale.segmentation.network.steps import anomaly_scores
from poroscale.segmentation.network.windows import windows_record
from poroscale.volume import Volume, VolumeSpec

EDGE = 16


LIKE = {"contrast_to_noise": 20.0, "blur": 0.4, "pore_diameter": 8.0, "largest_ball": 8.0}
"""What the scan below is like."""
APART = ByNetworkConfig(windows=WindowsConfig(overlap=0))
"""A fifth of the windows, where it does not matter how they are put together."""


def model_of(name, folder, *, traits=None):
    torch.manual_seed(1)
    network = build_segmenter(name, width=0.125, edge=EDGE)
    card = {
        "model": name,
        "width": 0.125,
        "edge": EDGE,
        "supervised": network.supervised,
        "parameters": parameter_count(network),
        "trained_on": [{"grey_range": [9000.0, 38000.0], "traits": traits}],
        "split": "nothing",
        "recipe": {},
        "epochs": 1,
        "best_epoch": 0,
        "losses": {"loss": 1.0},
        "validation": {},
        "versions": {},
    }
    return SegmentationModel.save(folder, network.state_dict(), card)


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A bright bar with dark balls, in air."""
    rng = np.random.default_rng(0)
    grid = np.indices((40, 44, 48))
    grey = np.full(grid.shape[1:], 10_000.0)
    grey[:, 8:36, 8:40] = 37_000
    for centre in ((10, 20, 20), (28, 24, 30)):
        offset = grid - np.array(centre)[:, None, None, None]
        grey[(offset**2).sum(axis=0) < 16] = 15_000
    grey += rng.normal(0, 1200, grey.shape)
    array = np.clip(grey, 0, 65535).astype(np.uint16)
    spec = VolumeSpec(array.shape, array.dtype, (5.0, 5.0, 5.0), chunks=(32, 32, 32))
    return volume_from_array(array, tmp_path_factory.mktemp("scan") / "scan.zarr", spec=spec)


def everything(volume):
    return volume.read((0, 0, 0), volume.shape)


@pytest.mark.parametrize("name", ["unet", "cevae"])
def test_phases_and_scores_do_not_depend_on_blocks(name, scan, tmp_path):
    model = model_of(name, tmp_path / "model")
    found = []
    for number, run in enumerate((Run(workers=1), Run(workers=2, block=(32, 64, 32)))):
        scores = tmp_path / f"scores_{number}.zarr"
        phases = segment_by_network(
            scan, tmp_path / f"phases_{number}.zarr", model=model, scores=scores, run=run
        )
        found.append((everything(phases), everything(Volume.open(scores))))
    assert np.array_equal(found[0][0], found[1][0])
    assert np.array_equal(found[0][1], found[1][1])
    phases, scores = found[0]
    assert set(np.unique(phases)) <= {0, 1, 2}
    part = phases != 0
    assert 0.3 < part.mean() < 0.6
    assert scores.dtype == (np.uint8 if name == "unet" else np.float16)
    threshold = 0.5 * 255 if name == "unet" else None
    if threshold is not None:
        assert (scores[phases == 2] >= threshold).all()


def test_supervised_scores_are_those_of_the_windows(scan, tmp_path):
    model = model_of("unet", tmp_path / "model")
    scores = tmp_path / "scores.zarr"
    segment_by_network(scan, tmp_path / "phases.zarr", model=model, scores=scores, config=APART)
    infer = Inference.of(model, grey_range(scan))
    patch = scan.read((0, 16, 16), (EDGE, EDGE, EDGE))[None].astype(np.float32)
    wanted = infer.finish(infer(patch))[0]
    found = Volume.open(scores).read((0, 16, 16), (EDGE, EDGE, EDGE)) / 255
    assert np.abs(found - wanted).max() <= 0.5 / 255 + 1e-4


def test_anomaly_scores_by_hand():
    grey = np.array([[[1000, 2000, 3000, 5000]]], np.uint16)
    reconstruction = np.array([[[0, 65535, 0, 65535]]], np.uint16)
    part = np.array([[[1, 1, 0, 1]]], np.uint8)
    found = anomaly_scores(grey, reconstruction, part, low=1000.0, high=3000.0)
    assert found.dtype == np.float16
    assert found.ravel().tolist() == [0.0, 0.5, 0.0, 0.0]


def warnings_of(scan, tmp_path, traits):
    model = model_of("unet", tmp_path / "model", traits=traits)
    phases = segment_by_network(scan, tmp_path / "phases.zarr", model=model, config=APART)
    return phases.attributes["segmentation"]["warnings"]


def test_a_scan_like_those_of_the_training_is_not_warned_of(scan, tmp_path):
    assert warnings_of(scan, tmp_path, LIKE) == []


def test_pores_larger_than_those_of_the_training_are_warned_of(scan, tmp_path):
    (warning,) = warnings_of(scan, tmp_path, LIKE | {"largest_ball": 4.0})
    assert "hold balls of up to" in warning
    assert "may be hollowed" in warning


def test_a_card_without_traits_cannot_be_compared(scan, tmp_path):
    (warning,) = warnings_of(scan, tmp_path, None)
    assert "cannot be told" in warning


@pytest.mark.parametrize(
    ("windows", "batch"),
    [({}, 2), ({"batch": 4}, 4), ({"batch": 1}, 1), ({"tiles": True, "tile_edge": 16}, 1)],
)
def test_what_the_network_takes_is_planned(windows, batch, scan, tmp_path, monkeypatch):
    planned = []

    def stitching(declared, *args, **kwargs):
        planned.append(declared.kernel)
        raise Planned

    monkeypatch.setattr(steps, "stitch_pass", stitching)
    model = model_of("unet", tmp_path / "model")
    config = ByNetworkConfig(windows=WindowsConfig(**windows))
    run = Run(memory="6GiB")
    with pytest.raises(Planned):
        segment_by_network(scan, tmp_path / "phases.zarr", model=model, config=config, run=run)
    (infer,) = planned
    assert infer.batch == batch
    assert infer.memory >= sum(each.nbytes for each in weights_of(model))


class Planned(Exception):
    """Nothing need be inferred to know what is planned."""


def weights_of(model):
    return model.network().state_dict().values()


def test_a_scan_thinner_than_a_window_is_padded_and_told(scan, tmp_path):
    slices = everything(scan)[4:13]
    spec = scan.spec.but(shape=slices.shape, chunks=slices.shape)
    thin = volume_from_array(slices, tmp_path / "thin.zarr", spec=spec)
    model = model_of("unet", tmp_path / "model")
    phases = segment_by_network(thin, tmp_path / "phases.zarr", model=model)
    assert phases.shape == slices.shape
    warnings = phases.attributes["segmentation"]["warnings"]
    assert any("thinner than a window of 16 voxels (z 9)" in each for each in warnings)


def test_tiles_are_for_convolutional_networks_alone(scan, tmp_path):
    model = model_of("vae", tmp_path / "vae")
    tiles = ByNetworkConfig(windows=WindowsConfig(tiles=True))
    with pytest.raises(ValueError, match="purely convolutional, got vae"):
        segment_by_network(scan, tmp_path / "phases.zarr", model=model, config=tiles)


def test_the_record_of_windows_counts_what_the_network_sees():
    counts = WindowCounts(inferred=5, skipped=3)
    tiles = Windows(edge=40, halo=64)
    record = windows_record(tiles, (40, 80, 80), counts, patch=32)
    assert (record["edge"], record["overlap"], record["halo"]) == (40, 0, 64)
    assert (record["inferred"], record["skipped"]) == (5, 3)
    assert record["passes"] == 4 * 168**3 / (40 * 80 * 80)
    assert record["half_overlap"] == 2 * 4 * 4 * 32**3 / (40 * 80 * 80)


def test_tiles_must_fit_the_pooling_and_the_memory(scan, tmp_path):
    model = model_of("unet", tmp_path / "model")
    uneven = ByNetworkConfig(windows=WindowsConfig(tiles=True, tile_edge=20))
    with pytest.raises(ValueError, match="must be a multiple of 8, got 20"):
        segment_by_network(scan, tmp_path / "phases.zarr", model=model, config=uneven)
    large = ByNetworkConfig(windows=WindowsConfig(tiles=True, tile_edge=16))
    with pytest.raises(MemoryError, match="memory must be at least"):
        segment_by_network(
            scan, tmp_path / "phases.zarr", model=model, config=large, run=Run(memory="400MiB")
        )
    with pytest.raises(ValueError, match="tile_edge must come with tiles"):
        ByNetworkConfig.of({"windows": {"tile_edge": 32}})


def test_finished_phases_are_left_alone_and_other_settings_refused(scan, tmp_path):
    model, out = model_of("unet", tmp_path / "model"), tmp_path / "phases.zarr"
    first = segment_by_network(scan, out, model=model, config=APART)
    assert segment_by_network(scan, out, model=model, config=APART).digest == first.digest
    other = ByNetworkConfig.of({"windows": {"overlap": 0}, "scores": {"threshold": 0.4}})
    with pytest.raises(ValueError, match="other input or settings"):
        segment_by_network(scan, out, model=model, config=other)


def test_scores_beside_finished_phases_are_those_behind_them(scan, tmp_path):
    model, out = model_of("unet", tmp_path / "model"), tmp_path / "phases.zarr"
    scores = tmp_path / "scores.zarr"
    phases = segment_by_network(scan, out, model=model, config=APART)
    segment_by_network(scan, out, model=model, scores=scores, config=APART)
    assert Volume.open(scores).digest == phases.attributes["segmentation"]["scores_digest"]
    again = segment_by_network(scan, out, model=model, scores=scores, config=APART)
    assert again.digest == phases.digest
    foreign = volume_from_array(np.zeros(scan.shape, np.uint8), tmp_path / "foreign.zarr")
    with pytest.raises(ValueError, match=r"foreign\.zarr"):
        segment_by_network(scan, out, model=model, scores=foreign.path, config=APART)


def test_the_scan_is_never_the_output(scan, tmp_path):
    model, run = model_of("unet", tmp_path / "model"), Run(overwrite=True)
    before = scan.digest
    with pytest.raises(ValueError, match="is read and must not be the output, too"):
        segment_by_network(scan, scan.path, model=model, run=run)
    for scores in (scan.path, tmp_path / "phases.zarr"):
        with pytest.raises(ValueError, match="`scores` must have a folder of their own"):
            segment_by_network(scan, tmp_path / "phases.zarr", model=model, scores=scores, run=run)
    assert not (tmp_path / "phases.zarr.work").exists()
    assert Volume.open(scan.path).digest == before


def test_sections_are_checked():
    with pytest.raises(ValueError, match="unknown section 'window'"):
        ByNetworkConfig.of({"window": {}})
    with pytest.raises(ValueError, match="windows"):
        ByNetworkConfig.of({"windows": {"weight": "cosine"}})
