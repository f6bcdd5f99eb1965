import numpy as np
import pytest

from poroscale.io.opening import open_source
from poroscale.io.read.wrappers import Crop, Masked, Transposed, rotated, rotated_index


@pytest.fixture
def source(tmp_path, voxels):
    np.save(tmp_path / "scan.npy", voxels())
    return open_source(tmp_path / "scan.npy")


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0), (0, 2, 1), (1, 0, 2)])
def test_transposed_is_numpys(source, voxels, reads_like, axes):
    reads_like(Transposed.of(source, axes), voxels().transpose(axes))


@pytest.mark.parametrize(("axes", "number"), [("z", 0), ("y", 1), ("x", 2)])
def test_the_named_axis_becomes_z(source, voxels, axes, number):
    turned = rotated(source, axes)
    assert turned.shape[0] == source.shape[number]
    whole = turned((0, 0, 0), turned.shape)
    for k in (0, 3):
        plane = np.take(voxels(), k, axis=number)
        np.testing.assert_array_equal(np.sort(whole[k].ravel()), np.sort(plane.ravel()))


def handedness(volume):
    """Sign of the triple product of the three labelled steps from the origin voxel."""
    origin = np.argwhere(volume == 4)[0]
    steps = [np.argwhere(volume == label)[0] - origin for label in (1, 2, 3)]
    return np.sign(np.linalg.det(steps))


@pytest.mark.parametrize("axes", ["z", "y", "x"])
def test_a_screw_keeps_its_hand(tmp_path, axes):
    corner = np.zeros((3, 4, 5), np.uint8)
    corner[0, 0, 0], corner[2, 0, 0], corner[0, 2, 0], corner[0, 0, 2] = 4, 1, 2, 3
    np.save(tmp_path / "corner.npy", corner)
    source = open_source(tmp_path / "corner.npy")
    turned = rotated(source, axes)
    assert handedness(turned((0, 0, 0), turned.shape)) == handedness(corner) == 1
    assert handedness(np.swapaxes(corner, 0, 1)) == -1


def test_voxel_size_and_block_turn_along(source):
    from dataclasses import replace

    sized = replace(source, voxel_size=(1.0, 2.0, 3.0))
    assert rotated(sized, "y").voxel_size == (2.0, 3.0, 1.0)
    assert rotated(sized, "x").voxel_size == (3.0, 1.0, 2.0)
    assert rotated(sized, "x").preferred_block == (None, 1, 1)


def test_another_axis_is_refused(source):
    with pytest.raises(ValueError, match="axes must be z, y or x"):
        rotated(source, "w")


def test_crop_keeps_the_absolute_origin(source, voxels, reads_like):
    once = Crop.of(source, (1, 2, 3), (5, 8, 9))
    twice = Crop.of(once, (1, 1, 1), (3, 4, 5))
    assert twice.origin == (2, 3, 4)
    reads_like(twice, voxels()[2:5, 3:7, 4:9])
    assert rotated(twice, "y").origin == (3, 4, 2) == rotated_index((2, 3, 4), "y")


@pytest.mark.parametrize(
    ("corner", "shape"), [((-1, 0, 0), (1, 1, 1)), ((5, 0, 0), (3, 1, 1)), ((0, 0, 0), (0, 1, 1))]
)
def test_crop_outside(source, corner, shape):
    with pytest.raises(ValueError, match="the box must lie inside"):
        Crop.of(source, corner, shape)


def test_masked(tmp_path, source, voxels, reads_like):
    mask = np.random.default_rng(3).integers(0, 3, voxels().shape, np.uint8)
    np.save(tmp_path / "mask.npy", mask)
    masked = Masked.of(source, open_source(tmp_path / "mask.npy"), 9)
    reads_like(masked, np.where(mask != 0, voxels(), np.uint16(9)))
    assert masked.fingerprint() != source.fingerprint()


@pytest.mark.parametrize("fill", [-1, 70000, 0.5, float("nan")])
def test_a_fill_that_the_dtype_cannot_hold(source, fill):
    with pytest.raises(ValueError, match="the mask's fill must be a value of uint16"):
        Masked.of(source, source, fill)


def test_a_mask_of_another_shape(source):
    with pytest.raises(ValueError, match="the mask must have the shape"):
        Masked.of(source, Crop.of(source, (0, 0, 0), (1, 1, 1)), 0)
