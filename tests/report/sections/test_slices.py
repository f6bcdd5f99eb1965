import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from poroscale.pore_analysis.phases import Chosen
from poroscale.report.sections.planes import Plane
from poroscale.report.sections.slices import (
    EDGE_COLOUR,
    LONGEST,
    PORE_COLOUR,
    render_planes,
    scale_bar,
)
from tests.report.synthetic import ArrayVolume

PHASES = Chosen(pore=2, outside=0)


def pixels(uri):
    data = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)))


def test_sections_stand_as_the_caption_says():
    phases = np.ones((5, 6, 7), np.uint8)
    phases[4, 1, 2] = 2  # highest z, small y, small x
    planes = [
        Plane("xy", (4, 0, 0), (1, 6, 7)),
        Plane("xz", (0, 1, 0), (5, 1, 7)),
        Plane("yz", (0, 0, 2), (5, 6, 1)),
    ]
    volume = ArrayVolume(phases, voxel_size=(20.0, 10.0, 5.0), origin=(100, 0, 0))
    xy, xz, yz = render_planes(planes, scan=None, phases=volume, values=PHASES)
    assert [np.argwhere(pixels(v.mask)[..., 3]).tolist() for v in (xy, xz, yz)] == [
        [[1, 2]],
        [[0, 2]],  # z points up: the highest slice is the first row
        [[0, 1]],
    ]
    assert (xy.width_um, xy.height_um) == (35.0, 60.0)
    assert (xz.width_um, xz.height_um) == (35.0, 100.0)
    assert (yz.width_um, yz.height_um) == (60.0, 100.0)
    assert xy.index == 104
    assert xy.position_um == 104.5 * 20


def test_large_slices_are_averaged_and_pores_keep_their_share():
    side = 3 * LONGEST - 100
    scan = np.zeros((1, side, side), np.float32)
    scan[0, :, side // 2 :] = 100
    phases = np.ones((1, side, side), np.uint8)
    phases[0, 0, 0] = 2
    plane = [Plane("xy", (0, 0, 0), (1, side, side))]
    (view,) = render_planes(
        plane, scan=ArrayVolume(scan), phases=ArrayVolume(phases), values=PHASES
    )
    grey, mask = pixels(view.grey), pixels(view.mask)
    assert max(grey.shape) <= LONGEST
    assert grey.shape == mask.shape[:2]
    assert grey[0, 0] == 0
    assert grey[0, -1] == 255
    assert np.argwhere(mask[..., 3]).tolist() == [[0, 0]]
    assert 0 < mask[0, 0, 3] < 128  # a ninth of the cell is pore: visible, but faint
    assert tuple(mask[0, 0, :3]) == PORE_COLOUR


def test_slices_share_one_window():
    scan = np.zeros((2, 40, 40), np.uint16)
    scan[1] = 1000
    planes = [Plane("xy", (z, 0, 0), (1, 40, 40)) for z in (0, 1)]
    dark, bright = render_planes(planes, scan=ArrayVolume(scan), phases=None, values=None)
    assert pixels(dark.grey).max() == 0
    assert pixels(bright.grey).min() == 255
    assert dark.mask is None


@pytest.mark.filterwarnings("error")
def test_a_constant_slice_and_values_that_are_no_number_are_drawn():
    scan = np.full((1, 9, 9), np.nan, np.float32)
    plane = [Plane("xy", (0, 0, 0), (1, 9, 9))]
    (view,) = render_planes(plane, scan=ArrayVolume(scan), phases=None, values=None)
    assert pixels(view.grey).shape == (9, 9)


@given(st.floats(0.01, 1e6))
def test_the_scale_bar_is_round_and_fits(width):
    bar = scale_bar(width)
    assert width / 10 <= bar * (1 + 1e-9)
    assert bar <= width / 4 * (1 + 1e-9)
    assert float(f"{bar:.0e}"[0]) in (1, 2, 5)


def test_the_outside_has_an_edge():
    phases = np.ones((1, 300, 400), np.uint8)
    phases[0, :, :30] = 0
    phases[0, 100, 200] = 2
    plane = [Plane("xy", (0, 0, 0), (1, 300, 400))]
    (view,) = render_planes(plane, scan=None, phases=ArrayVolume(phases), values=PHASES)
    edge = pixels(view.edge)
    assert np.argwhere(edge[..., 3].any(axis=0)).ravel().tolist() == [29]
    assert tuple(edge[0, 29]) == (*EDGE_COLOUR, 255)
    (view,) = render_planes(
        plane, scan=None, phases=ArrayVolume(phases), values=Chosen(pore=2, outside=None)
    )
    assert view.edge is None


def test_the_edge_of_a_small_picture_is_thin():
    phases = np.ones((1, 20, 30), np.uint8)
    phases[0, :, :10] = 0
    plane = [Plane("xy", (0, 0, 0), (1, 20, 30))]
    (view,) = render_planes(plane, scan=None, phases=ArrayVolume(phases), values=PHASES)
    edge = pixels(view.edge)
    assert edge.shape[1] % 30 == 0
    assert edge.shape[1] > 5 * 30
    assert np.argwhere(edge[0, :, 3]).ravel().tolist() == [edge.shape[1] // 3 - 1]
