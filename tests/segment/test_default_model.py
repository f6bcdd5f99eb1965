"""The model that comes along: small, whole, and better than thresholds where a scan is poor."""

import re

from poroscale.engine import Run
from poroscale.pipelines.poor_scan import POOR, poor_scan
from poroscale.segment.model import DEFAULT, SegmentationModel

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


def test_it_beats_thresholds_where_exposure_is_low(tmp_path):
    said = list(poor_scan(tmp_path, config=SMALLER, run=Run(memory="6GiB")))
    names = ("otsu", "network", "grey", "grey, smoothed")
    otsu, network, grey, smoothed = (precision_of(name, said) for name in names)
    print(f"average precision: {otsu=:.3f} {network=:.3f} {grey=:.3f} {smoothed=:.3f}")
    assert network > otsu + 0.15
    assert network > max(grey, smoothed) + 0.05
    assert not any(line.startswith("warning") for line in said)
    assert (tmp_path / "poor" / "evaluation.html").exists()
    assert list(poor_scan(tmp_path, config=SMALLER, run=Run(memory="6GiB"))) == said


def precision_of(name, said):
    (found,) = re.findall(rf" {name} +average precision ([\d.]+)", "\n".join(said))
    return float(found)
