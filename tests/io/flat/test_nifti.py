import sys

import numpy as np
import pytest

from poroscale.io.opening import open_source


@pytest.fixture
def nibabel():
    return pytest.importorskip("nibabel", reason="the extra 'io' is not installed")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".img"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32])
def test_what_nibabel_writes(tmp_path, voxels, reads_like, *, nibabel, suffix, dtype):
    array = voxels(dtype)
    kind = nibabel.Nifti1Pair if suffix == ".img" else nibabel.Nifti1Image
    image = kind(array.T, np.diag([0.00487, 0.0035, 0.01, 1]), dtype=dtype)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, tmp_path / f"scan{suffix}")
    source = open_source(tmp_path / f"scan{suffix}", scratch=tmp_path / "scratch")
    assert source.voxel_size == (10.0, 3.5, 4.87)
    reads_like(source, array, examples=5)


def test_slope_and_intercept_are_applied(tmp_path, voxels, nibabel):
    array = voxels(np.int16)
    image = nibabel.Nifti1Image(array.T, np.eye(4))
    image.header.set_slope_inter(0.5, 3.0)
    nibabel.save(image, tmp_path / "scan.nii")
    stored = nibabel.load(tmp_path / "scan.nii")
    source = open_source(tmp_path / "scan.nii")
    expected = np.asarray(stored.dataobj).T[1:5, 2:9, 3:13]
    assert source.dtype == np.float32
    np.testing.assert_allclose(source((1, 2, 3), (4, 7, 10)), expected, rtol=1e-6)


def test_without_unit_there_is_no_size(tmp_path, voxels, nibabel):
    nibabel.save(nibabel.Nifti1Image(voxels(np.int16), np.eye(4)), tmp_path / "scan.nii")
    assert open_source(tmp_path / "scan.nii").voxel_size is None


def test_of_several_volumes_one_must_be_chosen(tmp_path, voxels, nibabel, reads_like):
    array = voxels(np.int16, (2, 5, 4, 3))
    nibabel.save(nibabel.Nifti1Image(array.T, np.eye(4)), tmp_path / "scan.nii")
    with pytest.raises(ValueError, match=r"scan\.nii: .* 2 channels: choose one with `channel`"):
        open_source(tmp_path / "scan.nii")
    reads_like(open_source(tmp_path / "scan.nii", channel=1), array[1], examples=5)
    with pytest.raises(ValueError, match=r"the channel must be 0 to 1, got 2"):
        open_source(tmp_path / "scan.nii", channel=2)


def test_truncated_or_foreign(tmp_path, voxels, nibabel):
    path = tmp_path / "scan.nii"
    nibabel.save(nibabel.Nifti1Image(voxels(np.int16), np.eye(4)), path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"scan\.nii has \d+ bytes, but"):
        open_source(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"scan\.nii: not a NIfTI file"):
        open_source(path)


def test_missing_nibabel_is_said_plainly(tmp_path, monkeypatch):
    (tmp_path / "scan.nii").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(ValueError, match=r"NIfTI needs the package nibabel: pip install"):
        open_source(tmp_path / "scan.nii")


def test_grey_as_colour(tmp_path, voxels, nibabel, reads_like):
    grey = voxels(np.uint8)
    colours = np.stack([grey] * 3, axis=-1).transpose(2, 1, 0, 3)
    stored = np.ascontiguousarray(colours).view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    nibabel.save(nibabel.Nifti1Image(stored, np.eye(4)), tmp_path / "scan.nii")
    reads_like(open_source(tmp_path / "scan.nii"), grey, examples=3)


@pytest.mark.parametrize(
    ("steps", "origin", "notes"),
    [((2.0, 2.0, 4.0), (20, 20, 10), 0), ((-2.0, 2.0, 4.0), (0, 0, 0), 1)],
)
def test_the_position_is_kept_unless_mirrored(tmp_path, voxels, nibabel, *, steps, origin, notes):
    affine = np.diag([*steps, 1.0])
    affine[:3, 3] = 20, 40, 80
    image = nibabel.Nifti1Image(voxels(np.int16).T, affine)
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "scan.nii")
    source = open_source(tmp_path / "scan.nii")
    assert (source.origin, len(source.notes)) == (origin, notes)
    assert source.voxel_size == (4.0, 2.0, 2.0)
