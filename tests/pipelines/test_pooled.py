"""Parts of unlike size in one model."""

from types import SimpleNamespace

import pytest

from poroscale.pipelines.fit import FitPartConfig, _fit_roughness, _mean_section


def measured(half, part="box"):
    about = {"part": part, "voxel_um": 5.0, "half_um": [half, half]}
    return SimpleNamespace(surface=SimpleNamespace(roughness=about))


def test_the_section_is_the_mean_over_the_length_of_the_scans():
    scans = [SimpleNamespace(length_um=length) for length in (1000.0, 3000.0)]
    found = _mean_section([measured(225), measured(250)], scans)
    assert found == pytest.approx((450**2 + 3 * 500**2) / 4)


def test_parts_of_quite_another_size_are_refused():
    with pytest.raises(ValueError, match=r"at most 2 times .* 450 x 450 um and 1000 x 1000 um"):
        _fit_roughness([measured(225), measured(500)], FitPartConfig())
