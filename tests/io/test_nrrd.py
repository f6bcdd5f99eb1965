import numpy as np
import pytest

from poroscale.io.opening import open_source

nrrd = pytest.importorskip("nrrd", reason="pynrrd writes the files of these tests")

SPACED = {"spacings": [0.00487, 0.0035, 0.01], "units": ["mm", "mm", "mm"]}


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize("suffix", [".nrrd", ".nhdr"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_what_pynrrd_writes(tmp_path, voxels, reads_like, *, encoding, suffix, dtype):
    array = voxels(dtype)
    path = tmp_path / f"scan{suffix}"
    nrrd.write(str(path), array, {**SPACED, "encoding": encoding}, index_order="C")
    source = open_source(path, scratch=tmp_path / "scratch")
    assert source.voxel_size == (10.0, 3.5, 4.87)
    reads_like(source, array, examples=5)


def test_directions_in_microns(tmp_path, voxels):
    header = {
        "space dimension": 3,
        "space units": ["um", "um", "um"],
        "space directions": [[3.0, 4.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, -7.0]],
    }
    nrrd.write(
        str(tmp_path / "scan.nrrd"), voxels(), {**header, "encoding": "raw"}, index_order="C"
    )
    assert open_source(tmp_path / "scan.nrrd").voxel_size == (7.0, 2.0, 5.0)


def test_without_units_there_is_no_size(tmp_path, voxels):
    path = tmp_path / "scan.nrrd"
    nrrd.write(str(path), voxels(), {"spacings": [1, 1, 1], "encoding": "raw"}, index_order="C")
    assert open_source(path).voxel_size is None


def test_truncated_or_foreign(tmp_path, voxels):
    path = tmp_path / "scan.nrrd"
    nrrd.write(str(path), voxels(), {"encoding": "raw"}, index_order="C")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"scan\.nrrd has \d+ bytes, but"):
        open_source(path)
    path.write_bytes(b"GIF89a")
    with pytest.raises(ValueError, match=r"scan\.nrrd: not an NRRD file"):
        open_source(path)
