import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.engine import Run, volume_from_array
from poroscale.report.sections import extent
from poroscale.report.sections.extent import measure_extent
from poroscale.volume import VolumeSpec

shapes = st.tuples(*[st.integers(1, 23)] * 3)
QUIET = Run(progress=False)


def stored(folder, array, *, chunks=None, origin=(0, 0, 0)):
    spec = VolumeSpec(array.shape, array.dtype, (10.0,) * 3, origin=origin, chunks=chunks)
    return volume_from_array(array, folder / "v.zarr", spec=spec, run=QUIET.but(overwrite=True))


@given(shapes, st.integers(0, 2**31), st.sampled_from([4, 5, 16]), st.sampled_from([3, 7, 256]))
@settings(max_examples=15, deadline=None)
def test_counts_equal_the_whole_array(tmp_path_factory, shape, seed, chunk, cells):
    phases = np.random.default_rng(seed).integers(0, 3, shape, np.uint8)
    folder = tmp_path_factory.getbasetemp() / "extent"
    volume = stored(folder, phases, chunks=(chunk,) * 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extent, "CELLS", cells)
        found = measure_extent(volume, pore=2, outside=0, run=QUIET.but(block=volume.chunks))
    np.testing.assert_array_equal(found.part, (phases > 0).sum(axis=(1, 2)))
    np.testing.assert_array_equal(found.pore, (phases == 2).sum(axis=(1, 2)))
    assert max(found.part_map.shape) <= cells
    for cell, mask in ((found.part_map, phases > 0), (found.pore_map, phases == 2)):
        seen = np.add.reduceat(mask.sum(axis=0), range(0, shape[1], found.step), axis=0)
        seen = np.add.reduceat(seen, range(0, shape[2], found.step), axis=1)
        np.testing.assert_array_equal(cell, seen)


def test_a_mask_without_outside_is_all_part(tmp_path):
    mask = np.zeros((4, 5, 6), np.uint8)
    mask[1] = 1
    found = measure_extent(stored(tmp_path, mask), pore=1, outside=None, run=QUIET)
    assert found.porosity == pytest.approx(0.25)
    assert found.volume_um3 == 120 * 1000


def test_nothing_has_no_porosity(tmp_path):
    volume = stored(tmp_path, np.zeros((4, 5, 6), np.uint8))
    found = measure_extent(volume, pore=2, outside=0, run=QUIET)
    assert np.isnan(found.porosity)


def test_sections_and_rings_find_where_the_pores_are(tmp_path):
    y, x = np.indices((64, 64)) + 0.5
    radius = np.hypot(y - 32, x - 32)
    phases = np.zeros((20, 64, 64), np.uint8)
    phases[:, radius < 30] = 1
    phases[5:10, radius < 10] = 2
    volume = stored(tmp_path, phases, origin=(7, 0, 0))
    found = measure_extent(volume, pore=2, outside=0, run=QUIET)
    edges, sections = found.section_porosity(4)
    np.testing.assert_allclose(edges, [70, 120, 170, 220, 270])
    np.testing.assert_allclose(sections, [0, (radius < 10).sum() / (radius < 30).sum(), 0, 0])
    edges, rings = found.radial_porosity(30)
    np.testing.assert_allclose(rings[edges[1:] < 95], 0.25)
    np.testing.assert_allclose(rings[edges[:-1] > 105], 0)
