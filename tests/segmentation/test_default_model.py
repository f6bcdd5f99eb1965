"""The model that is included: small, whole, better than thresholds where a scan is poor alone."""

import re

import numpy as np
from scipy import ndimage

from poroscale.engine import Run
from poroscale.segmentation.network.by_network import segment_by_network
from poroscale.segmentation.network.model import DEFAULT, SegmentationModel
from poroscale.studies.poor_scan import POOR, poor_scan

SMALLER = POOR.model_copy(update={"shape": (48, 80, 80), "projections": 90, "seed": 41})


def test_it_opens_and_is_small():
    model = SegmentationModel.open(DEFAULT)
    assert model.card.supervised
    assert sum(path.stat().st_size for path in DEFAULT.iterdir()) < 5e6
    assert str(model.card.epochs) in (DEFAULT / "README.md").read_text()


def test_no_scan_of_these_was_trained_on():
    seeds = re.findall(r"seed: (\d+)", (DEFAULT / "README.md").read_text())
    assert seeds
    assert not {str(POOR.seed), str(SMALLER.seed)} & set(seeds)


def test_it_beats_thresholds_where_exposure_is_low(tmp_path, caplog):
    with caplog.at_level("INFO", "poroscale"):
        result = poor_scan(tmp_path, config=SMALLER, run=Run(memory="6GiB"))
    said = caplog.messages
    names = ("otsu", "network", "grey", "grey, smoothed")
    otsu, network, grey, smoothed = (precision_of(name, said) for name in names)
    print(f"average precision: {otsu=:.3f} {network=:.3f} {grey=:.3f} {smoothed=:.3f}")
    assert network > otsu + 0.15
    assert network > max(grey, smoothed) + 0.05
    assert result.warnings == ()
    assert [each.name for each in result.evaluations] == list(names)
    assert result.page == tmp_path / "poor" / "evaluation.html"
    assert result.page.exists()
    caplog.clear()
    with caplog.at_level("INFO", "poroscale"):
        again = poor_scan(tmp_path, config=SMALLER, run=Run(memory="6GiB"))
    assert (caplog.messages, again.phases) == (said, result.phases)


def test_it_hollows_a_pore_of_24_voxels_and_says_so(as_volume, tmp_path):
    centre, radius = (32, 32, 32), 12
    solid = np.zeros((64, 64, 64))
    solid[:, 8:-8, 8:-8] = 1
    pore = sum((axis - c) ** 2 for axis, c in zip(np.indices(solid.shape), centre, strict=True))
    solid[pore <= radius**2] = 0
    grey = 10_000 + 25_000 * ndimage.gaussian_filter(solid, 0.7, mode="nearest")
    grey += np.random.default_rng(0).normal(0, 3500, grey.shape)
    scan = as_volume(grey.astype(np.uint16), voxel_size=(10.0, 10.0, 10.0), chunks=(32, 32, 32))
    model = SegmentationModel.open(DEFAULT)
    phases = segment_by_network(scan, tmp_path / "phases.zarr", model=model)
    found = (phases.read()[pore <= radius**2] == 2).mean()
    print(f"{found:.2f} of the pore found")
    assert found < 0.8
    warnings = phases.attributes["segmentation"]["warnings"]
    print(warnings)
    assert "large pores may be hollowed" in warnings[0]


def precision_of(name, said):
    (found,) = re.findall(rf" {name} +average precision ([\d.]+)", "\n".join(said))
    return float(found)
