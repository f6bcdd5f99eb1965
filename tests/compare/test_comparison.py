import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from poroscale.compare import Sample, ablate_bins, compare_samples
from poroscale.compare.comparison import window_layers
from poroscale.compare.curves import s2_of_sub_volumes
from poroscale.compare.sample import names_of
from poroscale.compare.words import sides_in_words
from poroscale.statistics.two_point import Pairs
from tests.compare.conftest import CONFIG
from tests.compare.parts import make_part

QUICK = CONFIG.model_copy(update={"splits": 3, "bootstrap": 0})
"""For what does not depend on the number of splits."""


def row(comparison, name):
    return next(r for r in comparison.numbers["measures"] if r["name"] == name)


def test_equal_laws_are_as_close_as_the_part_is_to_itself(comparison):
    ratios = [r["ratio"] for r in comparison.numbers["measures"]]
    assert len(ratios) == 21
    assert 0.6 < np.median(ratios) < 1.5
    assert np.mean([r["passes"] for r in comparison.numbers["measures"]]) > 0.7
    assert all(r["passes"] for r in comparison.numbers["scattering"])
    assert {r["view"] for r in comparison.numbers["scattering"]} == {"z", "y", "x", "surface"}


def test_s2_stands_beside_that_of_the_original_s_own_sub_volumes():
    rng = np.random.default_rng(0)
    part = rng.integers(900, 1000, (20, 5)).astype(float)
    pairs = Pairs(part * rng.uniform(0.1, 0.2, (20, 1)), part)
    found = s2_of_sub_volumes(pairs)
    assert found["sub_volumes"] == 8
    assert (np.array(found["lowest"]) < pairs.probability()).all()
    assert (pairs.probability() < np.array(found["highest"])).all()
    assert s2_of_sub_volumes(Pairs(part[:3], part[:3])) == {"sub_volumes": 0}


def test_other_pores_are_told_apart_and_named(parts):
    found = compare_samples(parts[:1], parts[2:], config=CONFIG)
    assert not row(found, "equivalent_diameter_um")["passes"]
    assert row(found, "equivalent_diameter_um")["ratio"] > 2
    assert "poor" in " ".join(found.describe())
    assert "No surface was compared" in " ".join(found.describe())
    assert found.numbers["roughness"] == []


def test_two_scans_are_called_by_their_names_with_their_porosity(comparison, parts):
    numbers = comparison.numbers
    assert numbers["sides"]["labels"] == ["part1", "part2"]
    headline = numbers["summary"][0]
    for word, sample in zip(("first", "second"), parts, strict=False):
        phases = sample.phases.read()
        porosity = 100 * (phases == 2).sum() / (phases > 0).sum()
        assert f"{porosity:.4g} % in the {word} ({sample.name})" in headline
    told = " ".join(numbers["summary"])
    assert "enerated" not in told
    assert "original" not in told


def test_many_pores_are_told_without_an_exponent(comparison):
    told = next(line for line in comparison.describe() if "per mm³" in line)
    assert "e+" not in told
    for side in ("generated", "reference"):
        value = comparison.numbers["parts"][side][0]["pores_per_mm3"]
        assert value > 1000
        assert f"{round(value, -1 if value < 1e4 else -2):,.0f}" in told


def test_generated_parts_are_called_generated():
    names = [["scan"], ["new_0000", "new_0001"]]
    assert sides_in_words(names, generated=True)["labels"] == ["original", "generated"]
    assert sides_in_words(names, generated=False)["labels"] == ["first", "second"]


def test_volumes_of_one_name_are_told_apart_by_their_folder(parts, tmp_path):
    one, other = (
        replace(parts[i], phases=replace(parts[i].phases, path=tmp_path / each / "phases.zarr"))
        for i, each in enumerate(("before", "after"))
    )
    assert names_of([one], [other]) == [["before/phases"], ["after/phases"]]
    assert names_of(parts[:1], parts[1:2]) == [["part1"], ["part2"]]


def test_counts_and_porosity_are_those_of_the_voxels(comparison, parts):
    phases = parts[0].phases.read()
    said = comparison.numbers["parts"]["reference"][0]
    assert said["porosity"] == pytest.approx((phases == 2).sum() / (phases > 0).sum())
    assert said["pores"] == parquet.read_metadata(parts[0].table).num_rows
    streamed = comparison.reference.streams[0]
    np.testing.assert_array_equal(streamed.along_x, (phases == 2).sum(axis=2))
    np.testing.assert_array_equal(streamed.along_y, (phases == 2).sum(axis=1))
    np.testing.assert_array_equal(streamed.along_z[0], (phases[:16] == 2).sum(axis=0))
    counts = comparison.reference.values(_measure("pores_per_window"), comparison.clump)
    assert counts.values.sum() == said["pores"]


def test_positions_are_relative_to_the_surface(comparison, parts):
    table = parquet.read_table(parts[0].table).to_pandas()
    columns = comparison.reference.pores[0].columns
    y, x = (table[f"centroid_{a}_um"] - 160.0 for a in "yx")
    np.testing.assert_allclose(columns["theta_rad"], np.arctan2(y, x) % (2 * np.pi))
    np.testing.assert_allclose(columns["r_star"], np.hypot(y, x) / 137.0, rtol=0.2)
    known = np.isfinite(columns["roughness_um"])
    np.testing.assert_array_equal(known, table["surface_distance_um"] <= 40)


def test_sets_of_volumes_are_pooled(parts):
    found = compare_samples(parts[:1], parts[1:2] * 2, config=QUICK)
    assert row(found, "volume_um3")["counts"][1] == 2 * row_count(parts[1])


def row_count(sample):
    table = parquet.read_table(sample.table, columns=["touches_edge"]).to_pandas()
    return int((~table["touches_edge"]).sum())


def test_the_same_bytes_come_again(comparison, parts):
    again = compare_samples(parts[:1], parts[1:2], config=CONFIG)
    np.testing.assert_equal(again.numbers, comparison.numbers)


def test_what_cannot_be_compared_is_refused(parts, tmp_path):
    with pytest.raises(ValueError, match="generated must be another volume"):
        compare_samples(parts[:1], parts[:1])
    with pytest.raises(ValueError, match="generated must have at least one volume, got none"):
        compare_samples(parts[:1], [])
    coarse = make_part(tmp_path, seed=5, voxel=6.0, porosity=0.015, surface=False)
    with pytest.raises(ValueError, match=r"one voxel size, got 5 x 5 x 5 um .* and 6 x 6 x 6 um"):
        compare_samples(parts[:1], [coarse])
    dense = make_part(tmp_path, seed=6, porosity=0.0, surface=False)
    with pytest.raises(ValueError, match=r"part6\.zarr has no pores"):
        compare_samples(parts[:1], [dense])
    flat = make_part(tmp_path, seed=7, shape=(24, 64, 64), porosity=0.015, surface=False)
    with pytest.raises(ValueError, match="at least 32 layers along z, got 24"):
        compare_samples(parts[:1], [flat])
    with pytest.raises(FileNotFoundError, match="pore table must be an existing file"):
        compare_samples(parts[:1], [Sample(parts[1].phases, tmp_path / "none.parquet")])


def test_tables_with_nothing_in_common_are_refused(parts, tmp_path):
    path = tmp_path / "few.parquet"
    few = {f"centroid_{a}_um": [100.0, 200.0] for a in "zyx"}
    parquet.write_table(pa.table(few), path)
    few_parts = [Sample(parts[1].phases, path)]
    found = compare_samples(parts[:1], few_parts, config=QUICK)
    assert [r["name"] for r in found.numbers["measures"]] == [
        *("pores_per_layer", "pores_per_window", "porosity")
    ]
    short = QUICK.model_copy(update={"windows": 2, "layer_um": 500.0})
    with pytest.raises(ValueError, match="measure of at least 8 values in common, got none"):
        compare_samples(parts[:1], few_parts, config=short)


def test_a_changed_surface_is_refused(parts, tmp_path):
    folder = shutil.copytree(parts[1].surface, tmp_path / "surface")
    (folder / "roughness.json").unlink()
    with pytest.raises(FileNotFoundError):
        compare_samples(parts[:1], [Sample(parts[1].phases, parts[1].table, folder)])


def test_every_volume_has_two_windows(parts):
    assert window_layers(parts[:1], parts[1:], 8) == 16
    assert window_layers(parts[:1], parts[1:], 2) == 64


def test_more_bins_follow_the_part_more_closely():
    rng = np.random.default_rng(1)
    radius, angle = 100 * np.sqrt(rng.random(4000)), rng.uniform(0, 2 * np.pi, 4000)
    table = {
        "centroid_y_um": radius * np.sin(angle),
        "centroid_x_um": radius * np.cos(angle),
    }

    def generate(bins):
        step = 200 / bins
        return {k: (np.floor(v / step) + rng.random(4000)) * step for k, v in table.items()}

    found = ablate_bins(table, generate, bins=(5, 30))
    assert [r["bins"] for r in found.rows] == [5, 30]
    assert found.rows[0]["radius_um"] > 4 * found.rows[1]["radius_um"]
    assert found.rows[0]["beyond"] > found.rows[1]["beyond"]
    with pytest.raises(ValueError, match="N_b = 5"):
        ablate_bins(table, lambda _: {k: v[:0] for k, v in table.items()}, bins=(5,))


def _measure(name):
    from poroscale.compare.pore_values import MEASURES

    return next(m for m in MEASURES if m.name == name)
