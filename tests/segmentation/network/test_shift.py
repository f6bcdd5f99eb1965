"""Scans unlike those of the training: each way of being so is told, and likeness is not."""

import re

import pytest

from poroscale.segmentation.network.card import ModelCard
from poroscale.segmentation.network.model import DEFAULT, SegmentationModel
from poroscale.segmentation.network.scan_traits import ScanTraits
from poroscale.segmentation.network.shift import shift_warnings

FIRST = {"contrast_to_noise": 6.0, "blur": 0.6, "pore_diameter": 5.0, "largest_ball": 5.0}
SECOND = {"contrast_to_noise": 10.0, "blur": 0.9, "pore_diameter": 9.0, "largest_ball": 8.0}
LIKE = ScanTraits(contrast_to_noise=7.0, blur=0.7, pore_diameter=7.0, largest_ball=8.5)
VOXELS = (10.0, 10.0, 10.0)


def card_of(*traits, **changes):
    return ModelCard(
        **{
            "model": "unet",
            "width": 0.5,
            "edge": 32,
            "supervised": True,
            "parameters": 1,
            "trained_on": [
                {"grey_range": [0, 1], "voxel_size_um": VOXELS, "traits": each} for each in traits
            ],
            "split": "",
            "recipe": {},
            "epochs": 1,
            "best_epoch": 0,
            "losses": {},
            "validation": {},
            "versions": {},
            "sha256": "",
            **changes,
        }
    )


def test_a_scan_like_the_training_is_not_warned_of():
    assert shift_warnings(card_of(FIRST, SECOND), LIKE, VOXELS) == []
    assert shift_warnings(card_of(FIRST, SECOND, None), LIKE, (20.0, 5.0, 10.0)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"largest_ball": 20.0}, "balls of up to 20 voxels in diameter, the training scans of up"),
        ({"pore_diameter": 20.0}, "typically 20 voxels in diameter, those of the training scans 5"),
        ({"pore_diameter": 3.0}, "typically 3 voxels"),
        ({"contrast_to_noise": 22.0}, "22 times its noise, that of the training scans 6 to 10: on"),
        ({"contrast_to_noise": 3.0}, "it was not trained on so much noise"),
        ({"blur": 2.0}, "edges of the scan are blurred by 2 voxels, those .* by 0.6 to 0.9"),
        ({"blur": 0.3}, "edges of the scan are blurred by 0.3 voxels"),
    ],
)
def test_each_difference_is_told(changes, said):
    scan = LIKE.model_copy(update=changes)
    (warning,) = shift_warnings(card_of(FIRST, SECOND), scan, VOXELS)
    assert re.search(said, warning)
    assert warning.count(". ") == 0


def test_voxels_of_another_size_are_told():
    (warning,) = shift_warnings(card_of(FIRST, SECOND), LIKE, (4.0, 4.0, 4.0))
    assert "voxels of the scan are 4 um, those of the training scans 10 um" in warning


def test_contrast_from_which_grey_was_as_good_is_told_once():
    card = card_of(FIRST, SECOND, grey_suffices_from=8.0)
    assert shift_warnings(card, LIKE, VOXELS) == []
    for contrast in (8.0, 30.0):
        scan = LIKE.model_copy(update={"contrast_to_noise": contrast})
        (warning,) = shift_warnings(card, scan, VOXELS)
        assert "from 8 on the grey value alone told pores from solid as well" in warning


@pytest.mark.parametrize("traits", [None, {}])
def test_what_is_not_known_of_the_training_cannot_be_compared(traits):
    (warning,) = shift_warnings(card_of(traits), LIKE, VOXELS)
    assert "does not stand on its card" in warning


def test_what_could_not_be_measured_of_the_scan_is_told():
    (warning,) = shift_warnings(card_of(FIRST), ScanTraits(), VOXELS)
    assert "could not be measured" in warning
    assert shift_warnings(card_of(FIRST), ScanTraits(contrast_to_noise=7.0), VOXELS) == []


def test_the_default_model_knows_its_training():
    card = SegmentationModel.open(DEFAULT).card
    assert card.digest is not None
    assert all(each.traits and None not in dict(each.traits).values() for each in card.trained_on)
    large = LIKE.model_copy(update={"largest_ball": 20.0})
    assert any("may be hollowed" in each for each in shift_warnings(card, large, VOXELS))
    assert shift_warnings(card, LIKE, VOXELS) == []
