"""`label_blocks` equals scipy on the whole array for any grid, worker count and scheduler."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import ndimage

from poroscale.engine import Components, Run, count_components, label_blocks
from poroscale.kernels.bodies.runs import COLUMNS
from tests.strategies import blocks, masks, shell, snake

ORDER = {6: 1, 18: 2, 26: 3}


def as_it_is(block):
    return block


def at_least_three(table):
    return (table["voxel_count"] >= 3).to_numpy()


def whole_array(mask, connectivity):
    """Labels, and the integers of each, by scipy and numpy."""
    structure = ndimage.generate_binary_structure(3, ORDER[connectivity])
    labels, count = ndimage.label(mask > 0, structure)
    z, y, x = (axis.astype(np.int64) for axis in np.nonzero(labels))
    index = labels[z, y, x] - 1

    def total(values):
        return np.bincount(index, values, count).astype(np.int64)

    sums = {
        "voxel_count": total(np.ones(len(z))),
        "marked": total(mask[z, y, x] == 2),
        "sz": total(z),
        "sy": total(y),
        "sx": total(x),
        "szz": total(z * z),
        "syy": total(y * y),
        "sxx": total(x * x),
        "szy": total(z * y),
        "szx": total(z * x),
        "syx": total(y * x),
    }
    _, first = np.unique(index, return_index=True)
    sums |= {"first_z": z[first], "first_y": y[first], "first_x": x[first]}
    found = ndimage.find_objects(labels)
    for axis, name in enumerate("zyx"):
        sums[f"{name}0"] = np.array([box[axis].start for box in found], np.int64)
        sums[f"{name}1"] = np.array([box[axis].stop for box in found], np.int64)
    return labels, sums


@given(mask=masks(), block=blocks(), connectivity=st.sampled_from([6, 18, 26]))
@example(mask=snake((9, 11, 20)).astype(np.uint8), block=(4, 5, 8), connectivity=6)
@example(mask=shell((9, 11, 20)).astype(np.uint8), block=(4, 5, 8), connectivity=6)
@example(mask=np.ones((1, 1, 1), np.uint8), block=(4, 5, 8), connectivity=26)
def test_labels_and_table_equal_scipy(mask, block, connectivity, as_volume, new_path):
    components = Components(as_it_is, connectivity=connectivity)
    labelled = label_blocks(components, as_volume(mask), new_path(), run=Run(block=block))
    labels, sums = whole_array(mask, connectivity)
    table = labelled.table()
    np.testing.assert_array_equal(labelled.volume.read(), labels)
    np.testing.assert_array_equal(table["label"], np.arange(1, labels.max() + 1))
    for name in COLUMNS:
        np.testing.assert_array_equal(table[name], sums[name], err_msg=name)


@given(mask=masks(), block=blocks())
def test_filtered_labels_are_consecutive_in_scan_order(mask, block, as_volume, new_path):
    components = Components(as_it_is, keep=at_least_three)
    volume = as_volume(mask)
    labelled = label_blocks(components, volume, new_path(), run=Run(block=block))
    labels, _ = whole_array(mask, 6)
    kept = np.flatnonzero(np.bincount(labels.ravel())[1:] >= 3) + 1
    expected = np.zeros(labels.max() + 1, np.uint32)
    expected[kept] = np.arange(1, len(kept) + 1)
    np.testing.assert_array_equal(labelled.volume.read(), expected[labels])
    assert len(count_components(components, volume, run=Run(block=block))) == len(kept)


def test_same_bytes_for_any_block_workers_and_scheduler(as_volume, new_path, scheduler):
    mask = (np.random.default_rng(4).random((20, 30, 40)) < 0.35).astype(np.uint8)
    volume = as_volume(mask)
    runs = [
        Run(block=(4, 5, 8), workers=1),
        Run(block=(8, 30, 16), workers=3),
        Run(cluster=scheduler),
    ]
    made = [label_blocks(Components(as_it_is), volume, new_path(), run=run) for run in runs]
    assert len({each.volume.digest for each in made}) == 1


def test_mask_of_kept_components(as_volume, new_path):
    mask = np.zeros((5, 6, 9), np.uint8)
    mask[0, 0, 0] = mask[2, 2:5, 4] = 1
    components = Components(as_it_is, keep=at_least_three)
    kept = label_blocks(components, as_volume(mask), new_path(), dtype=bool).volume.read()
    assert kept.dtype == bool
    np.testing.assert_array_equal(kept, mask * (np.arange(5) == 2)[:, None, None] > 0)


def test_more_labels_than_the_type_can_number(as_volume, new_path):
    mask = np.zeros((7, 15, 40), np.uint8)
    mask[::2, ::2, ::2] = 1
    with pytest.raises(OverflowError, match="components do not fit uint8"):
        label_blocks(Components(as_it_is), as_volume(mask), new_path(), dtype=np.uint8)


def test_unknown_connectivity(as_volume, new_path):
    components = Components(as_it_is, connectivity=8)
    volume = as_volume(np.ones((2, 2, 2), np.uint8))
    with pytest.raises(ValueError, match="connectivity must be 6, 18 or 26, got 8"):
        label_blocks(components, volume, new_path())


@pytest.mark.parametrize(
    ("name", "pore"),
    [
        ("berea_400.tif", 0),
        ("electrode_256.tif", 0),
        ("nmc_128.tif", 1),
        ("three_phase_100.tif", 0),
        ("separator_156x75x75.tif", 0),
        ("separator_rods_32x300x300.tif", 0),
    ],
)
@pytest.mark.parametrize("connectivity", [6, 26])
def test_real_volumes_equal_scipy(name, pore, connectivity, real, as_volume, new_path):
    import tifffile

    phases = tifffile.imread(real(name))[:200, :256, :256]
    mask = (phases == pore).astype(np.uint8)
    volume = as_volume(mask, chunks=(64, 64, 64))
    components = Components(as_it_is, connectivity=connectivity)
    labelled = label_blocks(components, volume, new_path(), run=Run(block=(64, 128, 64)))
    labels, sums = whole_array(mask, connectivity)
    np.testing.assert_array_equal(labelled.volume.read(), labels)
    table = labelled.table()
    for column in COLUMNS:
        np.testing.assert_array_equal(table[column], sums[column], err_msg=column)
