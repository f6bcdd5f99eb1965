import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.report.sections.planes import NORMAL, Plane, busiest_planes, largest_pore_planes
from poroscale.report.table import PoreTable
from tests.report.synthetic import columns, write_table

SHAPE = (60, 80, 90)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("planes")


@given(st.integers(1, 40), st.integers(0, 1000), st.tuples(*[st.integers(0, 9)] * 3))
@settings(max_examples=25, deadline=None)
def test_the_busiest_plane_cuts_as_many_boxes_as_any_inner_one(folder, n, seed, origin):
    boxes = columns(n, seed=seed)
    for axis, first in zip("zyx", origin, strict=True):
        boxes[f"{axis}0"] += first
        boxes[f"{axis}1"] += first
    table = PoreTable.open(write_table(folder / "t.parquet", boxes))
    for plane in busiest_planes(table, SHAPE, origin):
        axis = NORMAL[plane.view]
        low, high = (boxes["zyx"[axis] + side] - origin[axis] for side in "01")
        cut = [((low <= i) & (i < high)).sum() for i in range(SHAPE[axis])]
        margin = SHAPE[axis] // 10
        assert cut[plane.index] == max(cut[margin:-margin])
        assert margin <= plane.index < SHAPE[axis] - margin
        assert plane.shape[axis] == 1


def test_without_pores_the_middle_is_shown(folder):
    table = PoreTable.open(write_table(folder / "none.parquet", columns(0)))
    assert [plane.index for plane in busiest_planes(table, SHAPE, (0, 0, 0))] == [29, 39, 44]
    assert largest_pore_planes(table, SHAPE, origin=(0, 0, 0), voxel_size=(10.0,) * 3) == []


def test_close_ups_hold_the_largest_inner_pore(folder):
    boxes = columns(50)
    boxes["open"][:] = False
    boxes["touches_edge"][:] = False
    largest = int(np.argmax(boxes["volume_um3"]))
    boxes["open"][largest] = True
    second = int(np.argsort(boxes["volume_um3"])[-2])
    table = PoreTable.open(write_table(folder / "close.parquet", boxes))
    planes = largest_pore_planes(table, SHAPE, origin=(0, 0, 0), voxel_size=(10.0,) * 3)
    assert [plane.view for plane in planes] == ["xy", "xz", "yz"]
    for plane in planes:
        normal = NORMAL[plane.view]
        for axis, (start, size) in enumerate(zip(plane.origin, plane.shape, strict=True)):
            low, high = boxes["zyx"[axis] + "0"][second], boxes["zyx"[axis] + "1"][second]
            if axis == normal:
                assert low <= start < high
            else:
                assert start <= low
                assert high <= start + size
            assert start >= 0
            assert start + size <= SHAPE[axis]


def test_planes_of_one_voxel_thick_volumes_stay_inside(folder):
    boxes = columns(5)
    for axis in "zyx":
        boxes[f"{axis}0"][:], boxes[f"{axis}1"][:] = 0, 1
        boxes[f"centroid_{axis}_um"][:] = 5.0
    table = PoreTable.open(write_table(folder / "thin.parquet", boxes))
    for plane in largest_pore_planes(table, (1, 9, 1), origin=(0, 0, 0), voxel_size=(10.0,) * 3):
        assert all(o + n <= m for o, n, m in zip(plane.origin, plane.shape, (1, 9, 1), strict=True))


def test_a_slice_has_one_plane_to_look_at():
    planes = [Plane("xy", (0, 0, 0), (1, 5, 6)), Plane("xz", (0, 2, 0), (1, 1, 6))]
    assert [plane.is_line for plane in planes] == [False, True]
