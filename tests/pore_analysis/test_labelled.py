"""Label images: one row a label, whatever touches what."""

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from skimage.measure import regionprops

from poroscale.engine import Run
from poroscale.pore_analysis import PoresConfig, measure_pores
from poroscale.volume import Volume
from tests.pore_analysis.conftest import QUIET
from tests.pore_analysis.scenes import part_with_pores


def touching(seed=0, shape=(20, 22, 24)):
    """Cells that fill most of a block without a gap between them, by values that are far apart."""
    rng = np.random.default_rng(seed)
    seeds = np.stack([rng.integers(0, n, 12) for n in shape], axis=1)
    grid = np.moveaxis(np.indices(shape), 0, -1)
    nearest = ((grid[..., None, :] - seeds) ** 2).sum(axis=-1).argmin(axis=-1)
    values = rng.permutation(np.arange(5, 5000))[:12]
    image = values[nearest].astype(np.int32)
    image[:3] = 0
    return image


@pytest.fixture
def measured(make_volume, tmp_path):
    def run(image, config, *, job=QUIET, chunk=16, name="a", **spec):
        volume = make_volume(image, f"{name}.zarr", chunk=chunk, **spec)
        table = pd.read_parquet(measure_pores(volume, tmp_path / name, config=config, run=job))
        return table, Volume.open(tmp_path / name / "labels.zarr").read()

    return run


def test_one_row_a_label(measured):
    image = touching()
    table, labels = measured(image, PoresConfig(labels=True))
    assert sorted(table.input_label) == sorted(set(np.unique(image)) - {0})
    np.testing.assert_array_equal(table.label, np.arange(1, len(table) + 1))
    lookup = np.zeros(image.max() + 1, np.uint32)
    lookup[table.input_label] = table.label
    np.testing.assert_array_equal(labels, lookup[image])
    first = [int(np.flatnonzero(labels.ravel() == label)[0]) for label in table.label]
    assert first == sorted(first)
    for row, props in zip(table.itertuples(), regionprops(labels), strict=True):
        assert row.voxel_count == props.num_pixels
        assert (row.z0, row.y0, row.x0, row.z1, row.y1, row.x1) == props.bbox
        centre = (row.centroid_z_um, row.centroid_y_um, row.centroid_x_um)
        np.testing.assert_allclose(centre, np.array(props.centroid) + 0.5)
        axes = (row.axis_long_um, row.axis_medium_um, row.axis_short_um)
        variance = np.linalg.eigvalsh(np.cov(props.coords.T, bias=True) + np.eye(3) / 12)
        np.testing.assert_allclose(axes, 2 * np.sqrt(5 * variance[::-1]))
    assert (table.neighbour_gap_um == 0).all()


def test_blocks_do_not_matter(measured):
    image = touching(1)
    config = PoresConfig(labels=True)
    whole, _ = measured(image, config)
    parts, _ = measured(
        image, config, job=Run(block=(4, 8, 4), workers=2, progress=False), chunk=4, name="b"
    )
    pd.testing.assert_frame_equal(whole, parts)


def test_separate_labels_are_measured_as_components_are(measured):
    phases = part_with_pores(2)
    image, _ = ndimage.label(phases == 2)
    image[phases == 0] = 10_000
    by_labels, _ = measured(image.astype(np.uint16), PoresConfig(labels=True, outside=10_000))
    by_phases, _ = measured(phases, PoresConfig(), name="b")
    pd.testing.assert_frame_equal(by_labels.drop(columns="input_label"), by_phases)


def test_our_own_labels_need_no_option(make_volume, tmp_path):
    image = touching(3)
    volume = make_volume(image, "labels.zarr", attributes={"kind": "labels"})
    table = pd.read_parquet(measure_pores(volume, tmp_path / "out", run=QUIET))
    assert len(table) == len(np.unique(image)) - 1


def test_an_image_without_labels_has_no_row(measured):
    table, labels = measured(np.zeros((5, 6, 7), np.uint8), PoresConfig(labels=True))
    assert len(table) == 0
    assert "input_label" in table
    assert not labels.any()


def test_what_a_label_image_cannot_have(make_volume, tmp_path):
    with pytest.raises(ValueError, match="`labels` must come without `pore`"):
        PoresConfig(labels=True, pore=1)
    grey = make_volume(np.zeros((5, 6, 7), np.float32), "grey.zarr")
    with pytest.raises(TypeError, match=r"must hold integers"):
        measure_pores(grey, tmp_path / "out", config=PoresConfig(labels=True), run=QUIET)
    image = make_volume(touching(4), "image.zarr")
    with pytest.raises(ValueError, match="`labels` takes every value"):
        measure_pores(image, tmp_path / "out", run=QUIET)
