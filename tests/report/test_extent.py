import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.report import extent
from poroscale.report.extent import measure_extent

from .synthetic import ArrayVolume

shapes = st.tuples(*[st.integers(1, 23)] * 3)


@given(shapes, st.integers(0, 2**31), st.sampled_from([4, 8, 16]), st.sampled_from([3, 7, 256]))
@settings(max_examples=60, deadline=None)
def test_counts_equal_the_whole_array(shape, seed, box, cells):
    phases = np.random.default_rng(seed).integers(0, 3, shape, np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extent, "BOX", box)
        patch.setattr(extent, "CELLS", max(cells, -(-max(shape) // box)))
        found = measure_extent(ArrayVolume(phases), pore=2, outside=0)
    np.testing.assert_array_equal(found.part, (phases > 0).sum(axis=(1, 2)))
    np.testing.assert_array_equal(found.pore, (phases == 2).sum(axis=(1, 2)))
    for cell, mask in ((found.part_map, phases > 0), (found.pore_map, phases == 2)):
        assert cell.sum() == mask.sum()
        seen = np.add.reduceat(mask.sum(axis=0), range(0, shape[1], found.step), axis=0)
        seen = np.add.reduceat(seen, range(0, shape[2], found.step), axis=1)
        np.testing.assert_array_equal(cell, seen)


def test_a_mask_without_outside_is_all_part():
    mask = np.zeros((4, 5, 6), np.uint8)
    mask[1] = 1
    found = measure_extent(ArrayVolume(mask), pore=1, outside=None)
    assert found.porosity == pytest.approx(0.25)
    assert found.volume_um3 == 120 * 1000


def test_nothing_has_no_porosity():
    found = measure_extent(ArrayVolume(np.zeros((4, 5, 6), np.uint8)), pore=2, outside=0)
    assert np.isnan(found.porosity)


def test_sections_and_rings_find_where_the_pores_are():
    y, x = np.indices((64, 64)) + 0.5
    radius = np.hypot(y - 32, x - 32)
    phases = np.zeros((20, 64, 64), np.uint8)
    phases[:, radius < 30] = 1
    phases[5:10, radius < 10] = 2
    found = measure_extent(ArrayVolume(phases, origin=(7, 0, 0)), pore=2, outside=0)
    edges, sections = found.section_porosity(4)
    np.testing.assert_allclose(edges, [70, 120, 170, 220, 270])
    np.testing.assert_allclose(sections, [0, (radius < 10).sum() / (radius < 30).sum(), 0, 0])
    edges, rings = found.radial_porosity(30)
    np.testing.assert_allclose(rings[edges[1:] < 95], 0.25)
    np.testing.assert_allclose(rings[edges[:-1] > 105], 0)
