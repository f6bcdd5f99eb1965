"""Volumes and centroids from shares: exact sums for any blocks, and closer to the truth."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, label
from scipy.spatial import KDTree

from poroscale.kernels.grey.partial_volume import support_radius
from poroscale.pore_analysis import measure_pores
from poroscale.segmentation.local.segment import segment_local
from poroscale.volume import Volume
from tests.kernels.bodies.test_nearest_shares import expected_sums
from tests.pore_analysis.blurred import balls, scanned
from tests.pore_analysis.conftest import QUIET
from tests.pore_analysis.scenes import part_with_pores

RULE = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
SHARES = {"kind": "shares"}
CENTROID = [f"centroid_{axis}_um" for axis in "zyx"]


def about(sigma):
    return {"kind": "phases", "segmentation": {"point_spread_voxels": sigma}}


def noisy_shares(phases, seed, *, noise=25):
    """Shares of the pores with noise everywhere, as hundredths; -128 outside."""
    rng = np.random.default_rng(seed)
    shares = np.clip(rng.normal(80 * (phases == 2), noise), -127, 127).astype(np.int8)
    shares[phases == 0] = -128
    return shares


@pytest.fixture
def volumes(make_volume, tmp_path_factory):
    """Phases and shares on disk."""

    def make(phases, shares, *, sigma=0.8, **spec):
        base = tmp_path_factory.mktemp("volumes")
        return (
            make_volume(phases, base / "phases.zarr", attributes=about(sigma), **spec),
            make_volume(shares, base / "shares.zarr", attributes=SHARES, **spec),
        )

    return make


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(*[st.sampled_from([8, 16, 40])] * 3),
    st.sampled_from([0.02, 0.3, 0.5]),
    st.sampled_from([0.4, 0.8, 1.5]),
)
@RULE
def test_any_block_gives_the_sums_of_the_whole_array(
    volumes, tmp_path_factory, seed, block, fill, sigma
):
    base = tmp_path_factory.mktemp("blocks")
    phases = part_with_pores(seed, (18, 22, 26), fill=fill, smooth=0.6)
    values = noisy_shares(phases, seed)
    given_phases, shares = volumes(phases, values, sigma=sigma, chunk=8)
    whole = measure_pores(
        given_phases, base / "whole", shares=shares, run=QUIET.but(block=(24, 24, 32))
    )
    parts = measure_pores(
        given_phases, base / "parts", shares=shares, run=QUIET.but(block=block, workers=1)
    )
    assert whole.read_bytes() == parts.read_bytes()
    table = pd.read_parquet(whole)
    sums = expected_sums(label(phases == 2)[0], values, support_radius(sigma))
    for row in table[table.volume_from_grey].itertuples():
        share, beside, *moments = sums[row.label]
        assert row.volume_um3 == pytest.approx(share / 100, rel=1e-12)
        centre = (row.centroid_z_um, row.centroid_y_um, row.centroid_x_um)
        np.testing.assert_allclose(centre, np.array(moments) / beside + 0.5)
    for row in table[~table.volume_from_grey].itertuples():
        share, beside, *_ = sums.get(row.label, (0, 0))
        assert not all(25 * row.voxel_count <= s <= 400 * row.voxel_count for s in (share, beside))
        assert row.volume_um3 == row.counted_volume_um3 == row.voxel_count


def test_without_shares_all_is_counted(volumes, tmp_path):
    phases = part_with_pores(1)
    made, shares = volumes(phases, noisy_shares(phases, 1), voxel_size=(2.0, 1.0, 1.0))
    counted = pd.read_parquet(measure_pores(made, tmp_path / "counted", run=QUIET))
    grey = pd.read_parquet(measure_pores(made, tmp_path / "grey", shares=shares, run=QUIET))
    assert not counted.volume_from_grey.any()
    assert (counted.volume_um3 == 2.0 * counted.voxel_count).all()
    changed = ["volume_um3", "volume_from_grey", "equivalent_diameter_um", *CENTROID]
    changed += ["neighbour_distance_um", "surface_distance_um"]
    same = [name for name in counted if name not in changed]
    pd.testing.assert_frame_equal(counted[same], grey[same])
    assert grey.volume_from_grey.mean() > 0.5


def test_a_crop_keeps_its_place(volumes, tmp_path):
    phases = part_with_pores(2)
    values = noisy_shares(phases, 2)
    pairs = volumes(phases, values), volumes(phases, values, origin=(100, 20, 3))
    here, there = (
        pd.read_parquet(measure_pores(made, tmp_path / f"{i}", shares=shares, run=QUIET))
        for i, (made, shares) in enumerate(pairs)
    )
    np.testing.assert_allclose(here[CENTROID] + np.array([100, 20, 3]), there[CENTROID])
    np.testing.assert_array_equal(here.volume_um3, there.volume_um3)


def test_the_recipe_names_the_shares(volumes, tmp_path):
    phases = part_with_pores(3)
    made, shares = volumes(phases, noisy_shares(phases, 3))
    path = measure_pores(made, tmp_path / "out", shares=shares, run=QUIET)
    about = json.loads(pq.read_schema(path).metadata[b"poroscale"])
    assert about["recipe"]["shares"] == shares.digest
    assert not (tmp_path / "out" / "pores.work").exists()
    with pytest.raises(ValueError, match="finished with other input or settings"):
        measure_pores(made, tmp_path / "out", run=QUIET)


def test_no_pore(volumes, tmp_path):
    phases = np.ones((6, 7, 8), np.uint8)
    made, shares = volumes(phases, noisy_shares(phases, 4))
    assert len(pd.read_parquet(measure_pores(made, tmp_path, shares=shares, run=QUIET))) == 0


def test_shares_that_do_not_belong_are_refused(volumes, make_volume, tmp_path):
    phases = part_with_pores(5)
    made, shares = volumes(phases, noisy_shares(phases, 5))
    plain = make_volume(phases, "plain.zarr")
    cropped = make_volume(noisy_shares(phases[2:], 5), "cropped.zarr", attributes=SHARES)
    for given_phases, given_shares, error, words in (
        (made, plain, TypeError, "must hold shares of pore"),
        (made, cropped, ValueError, r"must cover the voxels of .* \(24, 30, 28\)"),
        (plain, shares, ValueError, "record the point spread"),
    ):
        with pytest.raises(error, match=words):
            measure_pores(given_phases, tmp_path / "out", shares=given_shares, run=QUIET)
    assert not (tmp_path / "out" / "labels.zarr").exists()


@pytest.fixture(scope="module")
def truth():
    """Balls of 1.6 to 5 voxels radius, and what a scan of them becomes."""
    share, centres, radii = balls((100, 120, 120), (1.6, 2, 2.5, 3.2, 4, 5), spacing=20, seed=1)
    phases, shares = scanned(share, sigma=0.8, noise=0.05, seed=2)
    return phases, shares, centres, radii


def test_balls_have_their_volume_and_centre(volumes, tmp_path, truth):
    phases, values, centres, radii = truth
    made, shares = volumes(phases, values, chunk=64)
    grey = pd.read_parquet(measure_pores(made, tmp_path / "grey", shares=shares, run=QUIET))
    counted = pd.read_parquet(measure_pores(made, tmp_path / "counted", run=QUIET))
    distance, at = KDTree(centres).query(grey[CENTROID])
    assert sorted(at) == list(range(len(centres)))  # each ball is found, and nothing else
    assert grey.volume_from_grey.all()
    known = 4 / 3 * np.pi * radii[at] ** 3
    error = np.abs(grey.volume_um3 / known - 1)
    by_counting = np.abs(counted.volume_um3 / known - 1)
    large = radii[at] >= 3
    assert np.median(error[large]) < 0.03
    assert np.median(error[~large]) < 0.08
    assert np.median(distance[large]) < 0.04
    assert np.median(distance[~large]) < 0.1
    off = KDTree(centres).query(counted[CENTROID])[0]
    for size in (large, ~large):
        assert np.median(by_counting[size]) > 3 * np.median(error[size])
        assert np.median(off[size]) > 1.3 * np.median(distance[size])


def test_volumes_add_up_to_the_porosity(make_volume, tmp_path):
    """Every pore here is believed, so that the table and the segmentation say the same."""
    share, centres, _ = balls((60, 80, 80), (2.5, 3, 4), spacing=20, seed=3)
    solid = np.zeros_like(share)
    solid[:, 8:-8, 8:-8] = 1
    grey = gaussian_filter(8000 + 30000 * (solid - share), 0.8)
    grey += np.random.default_rng(4).normal(0, 900, grey.shape)
    scan = make_volume(grey.astype(np.uint16), "scan.zarr", chunk=64)
    phases = segment_local(
        scan, tmp_path / "phases.zarr", shares=tmp_path / "shares.zarr", run=QUIET
    )
    shares = Volume.open(tmp_path / "shares.zarr")
    table = pd.read_parquet(measure_pores(phases, tmp_path / "out", shares=shares, run=QUIET))
    assert len(table) == len(centres)
    assert table.volume_from_grey.all()
    record = phases.attributes["segmentation"]
    assert table.volume_um3.sum() / record["part_voxels"] == pytest.approx(record["porosity"])
    other = make_volume(shares.read()[:, ::-1], "other.zarr", chunk=64, attributes=SHARES)
    with pytest.raises(ValueError, match="must be made from"):
        measure_pores(phases, tmp_path / "other", shares=other, run=QUIET)
