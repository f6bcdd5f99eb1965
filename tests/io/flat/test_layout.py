import bz2
import gzip
import zlib

import numpy as np
import pytest

from poroscale.io.flat.layout import Layout, layout_source
from poroscale.io.ingest import ingest
from poroscale.io.ingest_config import IngestConfig


def packed(tmp_path, data, compression, shape=(4, 5, 6)):
    path = tmp_path / "scan.packed"
    path.write_bytes(data)
    return Layout(
        header=path,
        data=path,
        shape=shape,
        stored=np.dtype("<u2"),
        voxel_size=(1, 1, 1),
        kind="test",
        compression=compression,
    )


PACKERS = {"gzip": gzip.compress, "zlib": zlib.compress, "bzip2": bz2.compress}


@pytest.mark.parametrize("compression", PACKERS)
@pytest.mark.parametrize("members", [1, 3])
def test_unpacks(tmp_path, voxels, reads_like, compression, members):
    if members > 1 and compression == "zlib":
        pytest.skip("zlib streams have one member")
    array = voxels(shape=(200, 60, 70))
    raw = array.tobytes()
    step = -(-len(raw) // members)
    data = b"".join(
        PACKERS[compression](raw[start : start + step]) for start in range(0, len(raw), step)
    )
    layout = packed(tmp_path, data, compression, array.shape)
    reads_like(layout_source(layout, tmp_path / "scratch"), array, examples=5)


@pytest.mark.parametrize("compression", PACKERS)
@pytest.mark.parametrize(
    ("size", "said"), [(239, "239 instead of 240"), (241, "more than the 240")]
)
def test_another_size_than_the_header_says(tmp_path, compression, size, said):
    layout = packed(tmp_path, PACKERS[compression](bytes(size)), compression)
    with pytest.raises(ValueError, match=f"unpacks to {said}"):
        layout_source(layout, tmp_path / "scratch")
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("compression", PACKERS)
def test_a_bomb_stops_early(tmp_path, compression):
    layout = packed(tmp_path, PACKERS[compression](bytes(40_000_000)), compression)
    with pytest.raises(ValueError, match="more than the 240"):
        layout_source(layout, tmp_path / "scratch")


@pytest.mark.parametrize("compression", PACKERS)
def test_truncated_or_no_such_stream(tmp_path, compression):
    data = PACKERS[compression](np.random.default_rng(0).bytes(240))
    for broken in (data[:-30], b"nonsense" * 9):
        layout = packed(tmp_path, broken, compression)
        with pytest.raises(ValueError, match=r"scan\.packed (unpacks to|cannot be unpacked)"):
            layout_source(layout, tmp_path / "scratch")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_what_a_killed_process_has_unpacked_is_swept(tmp_path):
    array = np.arange(120, dtype=np.uint16).reshape(4, 5, 6)
    layout = packed(tmp_path, gzip.compress(array.tobytes()), "gzip")
    left = tmp_path / "scratch" / ".scan.packed.unpacked.4194305.partial"  # above all process ids
    left.parent.mkdir()
    left.write_bytes(b"half of it")
    assert (layout_source(layout, left.parent)((0, 0, 0), (4, 5, 6)) == array).all()
    assert [file.name for file in left.parent.iterdir()] == ["scan.packed.unpacked"]


def test_a_refused_input_leaves_no_folder_of_what_was_unpacked(tmp_path):
    nibabel = pytest.importorskip("nibabel")
    scan, out = tmp_path / "scan.nii.gz", tmp_path / "out.zarr"
    nibabel.save(nibabel.Nifti1Image(np.random.default_rng(0).random((9, 8, 7)), np.eye(4)), scan)
    data = bytearray(scan.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    scan.write_bytes(data)
    for _ in range(2):
        with pytest.raises(ValueError, match="unpack"):
            ingest(scan, out, config=IngestConfig(voxel_size=1.0))
    assert [file.name for file in tmp_path.iterdir()] == ["scan.nii.gz"]


def test_without_scratch_the_header_is_known_and_no_voxel(tmp_path):
    source = layout_source(packed(tmp_path, b"", "gzip"), None)
    assert (source.shape, source.dtype, source.voxel_size) == ((4, 5, 6), np.uint16, (1, 1, 1))
    with pytest.raises(ValueError, match="gzip-compressed and cannot be read box by box"):
        source((0, 0, 0), (1, 1, 1))
