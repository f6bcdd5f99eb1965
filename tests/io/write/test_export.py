import numpy as np
import pytest

from poroscale.engine import Run, volume_from_array
from poroscale.io.opening import open_source
from poroscale.io.write.export import ExportConfig, export
from poroscale.volume import VolumeSpec

SIZE = (10.0, 3.5, 4.87)


@pytest.fixture
def volume(tmp_path, voxels):
    """A volume of small chunks: `volume(dtype)` gives it and its voxels."""

    def make(dtype=np.uint16, shape=(21, 33, 40), origin=(2, 3, 4)):
        array = voxels(dtype, shape)
        spec = VolumeSpec(shape, array.dtype, SIZE, origin=origin, chunks=(8, 8, 8))
        return volume_from_array(array, tmp_path / f"{array.dtype}.zarr", spec=spec), array

    return make


NAMES = ["out.tif", "out", "out.mhd", "out.vtkhdf", "out.npy"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.uint32, np.float32, np.int64])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_read_again(tmp_path, volume, reads_like, dtype, name):
    source, array = volume(dtype)
    written = export(source, tmp_path / name)
    again = open_source(written)
    assert again.voxel_size == (None if name.endswith("npy") else SIZE)
    reads_like(again, array, examples=5)


@pytest.mark.parametrize("name", NAMES)
def test_small_boxes_write_the_same_bytes(tmp_path, volume, monkeypatch, name):
    from poroscale.io.write import boxes

    source, _ = volume()
    whole = export(source, tmp_path / "a" / name)
    monkeypatch.setattr(boxes, "_SMALLEST", 8 * 8 * 40 * 2 * 3)
    assert boxes.export_box(open_source(source.path), 8 * 8 * 40 * 2) == (8, 8, 40)
    parts = export(source, tmp_path / "b" / name, run=Run(memory="1MiB"))
    if name.endswith("vtkhdf"):
        assert (
            open_source(whole)((0, 0, 0), source.shape).tobytes()
            == open_source(parts)((0, 0, 0), source.shape).tobytes()
        )
        return
    files = sorted(whole.iterdir()) if whole.is_dir() else [whole]
    for file in files:
        other = parts / file.name if whole.is_dir() else parts
        assert file.read_bytes() == other.read_bytes()


def test_bigtiff_on_request(tmp_path, volume, reads_like):
    source, array = volume()
    path = export(source, tmp_path / "big.tif", config=ExportConfig(format="bigtiff"))
    assert path.read_bytes()[2] == 43
    reads_like(open_source(path), array)
    assert open_source(path).voxel_size == SIZE


def test_any_source_can_be_written(tmp_path, voxels, reads_like):
    np.save(tmp_path / "scan.npy", voxels())
    reads_like(open_source(export(tmp_path / "scan.npy", tmp_path / "scan.tif")), voxels())


@pytest.mark.parametrize("name", NAMES)
def test_what_exists_is_kept_unless_told_otherwise(tmp_path, volume, name):
    source, _ = volume()
    written = export(source, tmp_path / name)
    with pytest.raises(FileExistsError, match="`overwrite`"):
        export(source, tmp_path / name)
    other, flipped = volume(np.uint8)
    export(other, tmp_path / name, run=Run(overwrite=True))
    again = open_source(written)
    np.testing.assert_array_equal(again((0, 0, 0), again.shape), flipped)


def test_a_folder_of_other_things_is_never_replaced(tmp_path, volume):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="not replaced"):
        export(volume()[0], tmp_path / "out", run=Run(overwrite=True))
    assert (tmp_path / "out" / "thesis.txt").exists()


@pytest.mark.parametrize("name", NAMES)
def test_what_fails_midway_leaves_nothing(tmp_path, volume, name):
    source, _ = volume()
    chunk = source.path / "0" / "c" / "2" / "3" / "4"
    chunk.write_bytes(b"")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OSError, match="damaged"):
        export(source, tmp_path / name)
    left = [path for path in tmp_path.iterdir() if path not in before]
    assert left == []


def test_what_a_killed_process_left_is_swept(tmp_path, volume):
    import subprocess
    import sys

    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f".out.tif.{dead.pid}.partial").write_bytes(b"half")
    (tmp_path / ".out.tif.1.partial").write_bytes(b"of a living process")
    export(volume()[0], tmp_path / "out.tif")
    assert sorted(path.name for path in tmp_path.glob(".*")) == [".out.tif.1.partial"]


def test_output_inside_the_volume_is_refused(volume):
    source, _ = volume()
    with pytest.raises(ValueError, match="must not lie inside"):
        export(source, source.path / "out.tif")


@pytest.mark.parametrize(
    ("name", "config", "says"),
    [
        ("out.xyz", {}, "the format must be said"),
        ("out.tif", {"format": "overlay"}, "labels must be given"),
        ("out.mhd", {"labels": "labels.zarr"}, "labels must be given"),
        ("out.csv", {}, "is made from a Parquet table"),
    ],
)
def test_what_does_not_go_together(tmp_path, volume, name, config, says):
    with pytest.raises(ValueError, match=says):
        export(volume()[0], tmp_path / name, config=ExportConfig(**config))


def test_unknown_key():
    with pytest.raises(ValueError, match="colour"):
        ExportConfig.model_validate({"colour": "red"})


def test_disk_too_small(tmp_path, volume, monkeypatch):
    from poroscale.io.write import export as module

    monkeypatch.setattr(module, "free_space", lambda path: 1000)
    with pytest.raises(OSError, match=r"would take .* kB and 1\.0 kB are free"):
        export(volume()[0], tmp_path / "out.tif")


@pytest.mark.parametrize("name", NAMES)
def test_half_floats_become_floats_that_every_reader_knows(tmp_path, volume, name):
    source, array = volume(np.float16)
    found = open_source(export(source, tmp_path / name))
    assert found.dtype == (np.float16 if name.endswith("npy") else np.float32)
    np.testing.assert_array_equal(found((0, 0, 0), source.shape), array)
    assert found.voxel_size == (None if name.endswith("npy") else SIZE)


def test_no_voxels_are_left_without_their_header(tmp_path, volume, monkeypatch):
    from poroscale.io.write import raw as export_raw

    kinds = {kind: word for kind, word in export_raw.ELEMENT_TYPES.items() if kind != np.uint16}
    monkeypatch.setattr(export_raw, "ELEMENT_TYPES", kinds)
    with pytest.raises(ValueError, match=r"must be one of .*float32.*, got uint16"):
        export(volume()[0], tmp_path / "out.mhd")
    assert not list(tmp_path.glob("out.*"))


def test_a_name_with_a_dot_is_not_cut(tmp_path, volume):
    config = ExportConfig(format="raw")
    written = export(volume()[0], tmp_path / "part_4.87um", config=config)
    assert written == tmp_path / "part_4.87um.mhd"
    assert (tmp_path / "part_4.87um.raw").exists()


def test_a_table_needs_a_suffix(tmp_path):
    (tmp_path / "pores.parquet").write_bytes(b"")
    with pytest.raises(ValueError, match=r"is a table: name an output with one of .*\.csv, \.xlsx"):
        export(tmp_path / "pores.parquet", tmp_path / "out")
