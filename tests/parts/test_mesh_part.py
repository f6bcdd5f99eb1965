"""Parts of any form: one surface, whatever is asked of it."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt, gaussian_filter, label
from trimesh.creation import icosphere

from poroscale.engine import Run, fill_blocks
from poroscale.kernels.noise import white_noise
from poroscale.parts.generate import fill_part
from poroscale.parts.mesh_part import MeshPart, volume_around
from poroscale.volume import VolumeSpec
from tests.kernels.closed_meshes import ball, box, of, torus
from tests.parts.makers import UM

ORIGINS = st.tuples(*[st.integers(-10, 60)] * 3)
SHAPES = st.tuples(*[st.integers(1, 20)] * 3)


class Waves:
    """Smooth noise of 3 um on pixels of 2 um."""

    def __init__(self, stream):
        self.stream = stream

    def __call__(self, origin, shape):
        at, size = (0, origin[0] - 8, origin[1] - 8), (1, shape[0] + 16, shape[1] + 16)
        noise = white_noise(at, size, seed=3, stream=self.stream)[0]
        return (3 * 7.1 * gaussian_filter(noise, 2, truncate=4)[8:-8, 8:-8]).astype(np.float32)


RELIEFS = [Waves(100 + k) for k in range(6)]


def part_of(body, voxel_um=2.0, heights=None, shape=None):
    return MeshPart(shape or volume_around(body[0], voxel_um), voxel_um, *body, heights)


def parts():
    room = (52, 72, 72)
    yield part_of(torus(40.0, 16.0), heights=RELIEFS, shape=room)
    yield part_of(torus(40.0, 16.0), shape=room)


PARTS = list(parts())


@pytest.mark.parametrize("part", PARTS, ids=["rough", "smooth"])
@given(origin=ORIGINS, shape=SHAPES)
def test_inside_is_a_positive_depth(part, origin, shape):
    centres = np.stack(np.indices(shape), -1).reshape(-1, 3) + np.array(origin) + 0.5
    inside = part.inside(origin, shape)
    np.testing.assert_array_equal(inside.ravel() == 1, part.depth(centres) > 0)


def test_copies_in_other_processes_are_equal():
    part = PARTS[0]
    whole = part.inside((0, 0, 0), part.shape)
    copy = pickle.loads(pickle.dumps(part))
    np.testing.assert_array_equal(copy.inside((0, 0, 0), part.shape), whole)


@pytest.mark.parametrize("body", [ball(60.0, 5), torus(70.0, 30.0), box()], ids=["b", "t", "x"])
def test_volume_is_that_of_the_mesh(body):
    from poroscale.io.mesh import signed_volume

    voxel = 0.1 if len(body[1]) == 12 else 1.0
    part = part_of(body, voxel)
    filled = part.inside((0, 0, 0), part.shape).sum() * voxel**3
    assert filled == pytest.approx(signed_volume(body[0][body[1]]), rel=0.005)


def test_reliefs_leave_the_mean_volume():
    part = PARTS[0]
    rough, smooth = (p.inside((0, 0, 0), p.shape).sum(dtype=int) for p in PARTS)
    assert rough != smooth
    assert rough == pytest.approx(smooth, rel=0.03)
    assert label(part.inside((0, 0, 0), part.shape))[1] == 1


@pytest.mark.parametrize(
    ("body", "truth"), [(ball(50.0, 4), 25.0), (torus(60.0, 20.0), 10.0), (box(), 3.0)]
)
def test_radius_of_the_largest_ball(body, truth):
    assert part_of(body).inradius == pytest.approx(truth, rel=0.03)


def test_radius_of_the_largest_ball_of_a_thin_plate():
    vertices, faces = box()
    assert part_of((vertices * (1, 30, 30), faces)).inradius == pytest.approx(3.0, rel=0.03)


def test_normalised_radius_goes_from_the_middle_to_the_surface():
    part = part_of(ball(50.0, 4))
    middle = np.array(part.shape) / 2
    points = middle + np.array([[0.0, 0, 0], [0, 12.5, 0], [0, 0, 24.9]])
    np.testing.assert_allclose(part.normalised_radius(points), [0, 0.5, 1], atol=0.03)


def test_section_is_the_largest():
    assert part_of(ball(50.0, 5)).section == pytest.approx(np.pi * 25**2, rel=0.005)


def test_local_roughness_is_that_of_the_reliefs():
    part = part_of(box_um(240), heights=RELIEFS)
    points = np.random.default_rng(0).uniform(10, 110, (500, 3))
    found = part.local_roughness(points)
    assert found.min() > 1.5
    assert found.mean() == pytest.approx(3.0, rel=0.1)


def box_um(edge):
    vertices, faces = box()
    return np.sign(vertices) * edge / 2, faces


def test_no_place_by_angle():
    with pytest.raises(TypeError, match="polar"):
        PARTS[0].place(np.zeros(1), np.zeros(1), np.zeros(1))


def test_mesh_must_fit_its_volume():
    with pytest.raises(ValueError, match="must fit into the volume, got 20 x 20 x 20 voxels"):
        part_of(box_um(40), shape=(30, 19, 30))
    with pytest.raises(ValueError, match="must be larger than a voxel of 2 um"):
        part_of(box_um(1.5), shape=(30, 30, 30))
    with pytest.raises(ValueError, match="must have 6 reliefs"):
        part_of(box_um(40), heights=RELIEFS[:3])


def test_volume_around_leaves_room():
    assert volume_around(box_um(41)[0], 2.0) == (25, 25, 25)
    assert volume_around(box_um(41)[0], 2.0, relief_um=9.0) == (35, 35, 35)


def test_blocks_and_workers_change_no_byte(new_path):
    part = PARTS[0]
    spec = VolumeSpec(part.shape, np.dtype(np.uint8), (2.0, 2.0, 2.0), chunks=(16, 16, 16))
    whole = part.inside((0, 0, 0), part.shape)
    for block, cluster, workers in (((16, 32, 48), "threads", 2), ((64, 64, 64), None, 1)):
        run = Run(cluster=cluster, workers=workers, block=block, progress=False)
        made = fill_blocks(part.inside, new_path(), spec=spec, recipe={"sampler": "m"}, run=run)
        np.testing.assert_array_equal(made.read((0, 0, 0), part.shape), whole)


def test_pores_of_a_generated_part_are_those_of_the_plan(model, new_path):
    body = torus(300.0, 130.0)
    shape = volume_around(body[0], UM, relief_um=15.0)
    part = MeshPart(shape, UM, *body, RELIEFS)
    made = fill_part(model, new_path("torus.zarr"), geometry=part, seed=1)
    phases = made.phases.read((0, 0, 0), shape)
    assert made.counts["cut"] == 0
    assert made.counts["closed"] == made.counts["placed"] > 300
    assert label(phases == 2)[1] == made.counts["placed"]
    # No pore has a face in common with the outside.
    assert distance_transform_edt(phases != 2)[phases == 0].min() > 1
    # As many pores in a volume as in the scanned cylinder, but for where they like to lie.
    scanned = model.pores["rate"].sum() / model.settings["section_um2"]
    found = made.counts["placed"] / (2 * np.pi**2 * 300 * 130**2)
    assert found == pytest.approx(scanned, rel=0.25)
    again = fill_part(
        model,
        new_path("again.zarr"),
        geometry=part,
        seed=1,
        run=Run(workers=2, block=(62, 128, 256)),
    )
    np.testing.assert_array_equal(again.phases.read((0, 0, 0), shape), phases)


PEAK = """
import resource, sys
import numpy as np
from pathlib import Path
from poroscale.engine import Run, fill_blocks
from poroscale.parts.mesh_part import MeshPart
from poroscale.volume import VolumeSpec
data = np.load(sys.argv[1])
part = MeshPart((192, 192, 192), 1.0, data["vertices"], data["faces"])
spec = VolumeSpec(part.shape, np.dtype(np.uint8), (1.0, 1.0, 1.0), chunks=(96, 96, 96))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
part.inside((0, 0, 0), (8, 8, 8))
for name, edge in (("small", 96), ("large", 192)):
    run = Run(workers=1, block=(edge,) * 3, progress=False)
    fill_blocks(part.inside, Path(sys.argv[2]) / name, spec=spec, recipe={"m": name}, run=run)
    print(peak())
"""


def test_a_block_takes_no_more_than_its_voxels(tmp_path):
    """From blocks of 96³ to 192³ the peak grows by the larger block and what writing it takes."""
    body = of(icosphere(subdivisions=5, radius=80.0))
    np.savez(tmp_path / "mesh.npz", vertices=body[0], faces=body[1])
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path / "mesh.npz"), str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    )
    small, large = (int(line) for line in done.stdout.split())
    assert large - small < 3.5 * (192**3 - 96**3)
