import pytest

from poroscale.io.read.lengths import positive_voxel_size, tidy, um_per, voxel_size_um


@pytest.mark.parametrize(
    ("unit", "um"),
    [
        ("um", 1),
        ("µm", 1),
        ("μm", 1),
        ("\\u00B5m", 1),
        ("micron", 1),
        ("Microns", 1),
        ("micrometer", 1),
        ("nm", 1e-3),
        ("mm", 1e3),
        ("cm", 1e4),
        ("m", 1e6),
        ("inch", 25400),
        ("inches", 25400),
        ("Millimetres", 1e3),
        ("angstrom", 1e-4),
        ("pixel", None),
        ("", None),
        (None, None),
        ("furlong", None),
    ],
)
def test_units(unit, um):
    assert um_per(unit) == um


def test_a_size_in_millimetres_is_a_tidy_number_of_micrometres():
    assert voxel_size_um((0.00487, 0.0035, 0.0033970), "mm", "f") == (4.87, 3.5, 3.397)
    assert tidy(0.1 + 0.2) == 0.3


def test_a_size_in_no_unit_is_no_size():
    assert voxel_size_um((1, 1, 1), "pixel", "f") is None


@pytest.mark.parametrize(
    "values", [(-1,), (0,), (1, 1), (1, 1, float("nan")), (1, float("inf"), 1)]
)
def test_sizes_that_cannot_be(values):
    with pytest.raises(ValueError, match="`voxel_size`: the voxel size must be"):
        positive_voxel_size(values, "`voxel_size`")
