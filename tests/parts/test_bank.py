"""Banks of pores: cut out of labels, kept in a file, looked up."""

import numpy as np
import pytest
from skimage.measure import regionprops

from poroscale.parts.bank import (
    LOOKED_UP,
    Bank,
    ellipsoid_bank,
    empirical_bank,
    join_banks,
    nearest_shapes,
)
from poroscale.storage.columns import write_columns
from tests.parts.makers import bank_of


def labelled(seed=0, shape=(150, 140, 160)):
    """Balls of several sizes on a lattice, one of them long enough to reach over blocks."""
    rng = np.random.default_rng(seed)
    volume = np.zeros(shape, np.int32)
    label = 0
    grid = np.ogrid[-9:10, -9:10, -9:10]
    for z in range(10, 140, 26):
        for y in range(12, 130, 28):
            for x in range(12, 150, 30):
                label += 1
                ball = sum(g**2 for g in grid) <= rng.uniform(1, 9) ** 2
                volume[z - 9 : z + 10, y - 9 : y + 10, x - 9 : x + 10][ball] = label
    volume[2, 2, 5:155] = label + 1
    return volume


def boxes(volume):
    rows = regionprops(volume)
    table = {"label": np.array([row.label for row in rows])}
    for i, axis in enumerate("zyx"):
        table[f"{axis}0"] = np.array([row.bbox[i] for row in rows])
        table[f"{axis}1"] = np.array([row.bbox[i + 3] for row in rows])
    return table


def test_empirical_bank_holds_every_pore_voxel_by_voxel(as_volume):
    volume = labelled()
    table = boxes(volume)
    bank = empirical_bank(as_volume(volume), table)
    assert bank.count == len(table["label"])
    for row in (0, 7, bank.count - 1):
        box = tuple(slice(table[f"{a}0"][row], table[f"{a}1"][row]) for a in "zyx")
        assert np.array_equal(bank.shapes.mask(row), volume[box] == table["label"][row])
    assert bank.table["voxel_count"].tolist() == np.bincount(volume.ravel())[1:].tolist()
    assert bank.table["extent_x"][-1] == 150  # longer than a box of 64


def test_saved_and_loaded(tmp_path):
    bank = bank_of(40)
    back = Bank.load(bank.save(tmp_path / "bank.parquet"))
    assert all(np.array_equal(a, b) for a, b in zip(back.shapes, bank.shapes, strict=True))
    assert back.voxel_size == bank.voxel_size
    for name, values in bank.table.items():
        assert np.array_equal(back.table[name], values, equal_nan=True)
    assert (
        bank.save(tmp_path / "again.parquet").read_bytes()
        == (tmp_path / "bank.parquet").read_bytes()
    )


def test_what_is_no_bank_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        Bank.load(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(ValueError, match="is no Parquet table"):
        Bank.load(tmp_path / "text.parquet")
    write_columns({"a": np.arange(3)}, tmp_path / "other.parquet", about={"kind": "other"})
    with pytest.raises(ValueError, match="must be a bank of pores"):
        Bank.load(tmp_path / "other.parquet")


def test_ellipsoids_have_volume_and_axes_of_the_pores():
    bank = bank_of(30, size=4.0)
    round_ = ellipsoid_bank(bank)
    assert round_.table["voxel_count"].tolist() == bank.table["voxel_count"].tolist()
    assert round_.table["anisotropy"] == pytest.approx(bank.table["anisotropy"], abs=0.05)
    turned = bank.table["anisotropy"] > 0.4
    angle = round_.table["long_axis_angle_deg"] - bank.table["long_axis_angle_deg"]
    assert np.nanmax(np.abs(angle[turned])) < 5  # NaN where two axes are alike


def test_the_nearest_shape_is_the_one_of_the_definition():
    bank = bank_of(60)
    rng = np.random.default_rng(3)
    targets = {name: rng.permutation(bank.table[name]) for name in LOOKED_UP}
    known = {
        n: np.nan_to_num(bank.table[n] / np.nanmean(bank.table[n]), nan=1.0) for n in LOOKED_UP
    }
    wanted = {n: np.nan_to_num(targets[n] / np.nanmean(bank.table[n]), nan=1.0) for n in LOOKED_UP}
    far = sum(np.abs(wanted[n][:, None] - known[n]) for n in LOOKED_UP)
    rows = nearest_shapes(bank, targets)
    assert far[np.arange(60), rows] == pytest.approx(far.min(axis=1))
    itself = nearest_shapes(bank, {name: bank.table[name] for name in LOOKED_UP})
    assert np.array_equal(bank.table["volume_um3"][itself], bank.table["volume_um3"])


def test_banks_of_other_voxels_do_not_join():
    bank = bank_of(3)
    other = Bank.of(bank.shapes, (4.0, 4.0, 4.0))
    assert join_banks([bank, bank]).count == 6
    with pytest.raises(ValueError, match="must have one voxel size"):
        join_banks([bank, other])
