"""DICOM series: sorted by place, rescaled, refused where slices are missing or mixed."""

import numpy as np
import pytest

from poroscale.io.ingest import ingest, prepare
from poroscale.io.ingest_config import IngestConfig
from poroscale.io.opening import open_source

pydicom = pytest.importorskip("pydicom")
from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless  # noqa: E402


def write_slice(path, plane, place, *, spacing=(0.02, 0.01), series="1.2.3", **tags):
    """One CT slice whose corner lies at `place` (x, y, z) [mm]."""
    scan = Dataset()
    scan.file_meta = FileMetaDataset()
    scan.file_meta.MediaStorageSOPClassUID = CTImageStorage
    scan.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    scan.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    scan.SOPClassUID, scan.SOPInstanceUID = CTImageStorage, "1.2.3.4"
    scan.SeriesInstanceUID = series
    scan.Rows, scan.Columns = plane.shape
    scan.SamplesPerPixel, scan.PhotometricInterpretation = 1, "MONOCHROME2"
    scan.BitsAllocated = scan.BitsStored = 8 * plane.dtype.itemsize
    scan.HighBit = scan.BitsStored - 1
    scan.PixelRepresentation = int(plane.dtype.kind == "i")
    scan.PixelSpacing = list(spacing)
    scan.ImagePositionPatient = list(place)
    scan.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    scan.PixelData = np.ascontiguousarray(plane).tobytes()
    for tag, value in tags.items():
        if value is None:
            delattr(scan, tag)
        else:
            setattr(scan, tag, value)
    scan.save_as(path, enforce_file_format=True)
    return scan


def series(folder, array, *, suffix=".dcm", step=0.04, **tags):
    """Slices whose names are in another order than their places."""
    folder.mkdir(exist_ok=True)
    for k, plane in enumerate(array):
        name = f"IM{(5 * k) % 11:04d}{suffix}"
        write_slice(folder / name, plane, (0.1, 0.2, 1.0 + step * k), **tags)
    return folder


@pytest.mark.parametrize("suffix", [".dcm", "", ".IMA"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16])
def test_slices_are_sorted_by_their_place(tmp_path, voxels, reads_like, suffix, dtype):
    source = open_source(series(tmp_path / "scan", voxels(dtype), suffix=suffix))
    assert source.voxel_size == (40.0, 20.0, 10.0)
    assert source.origin == (25, 10, 10)
    assert source.slice_name(1) == f"IM0005{suffix}"
    reads_like(source, voxels(dtype), examples=5)


def test_an_upside_down_series_runs_along_its_normal(tmp_path, voxels, reads_like):
    folder = series(tmp_path / "scan", voxels(), step=-0.04)
    reads_like(open_source(folder), voxels()[::-1], examples=3)


@pytest.mark.parametrize(
    ("slope", "intercept", "dtype"),
    [(1, -1024, np.int32), (2, 5, np.uint32), (0.5, 0.25, np.float32), (1, 0, np.uint16)],
)
def test_grey_values_are_rescaled(tmp_path, voxels, reads_like, slope, intercept, dtype):
    array = voxels()
    folder = series(tmp_path / "scan", array, RescaleSlope=slope, RescaleIntercept=intercept)
    reads_like(open_source(folder), (array * float(slope) + intercept).astype(dtype), examples=3)


def test_twelve_bits_and_hounsfield_units_fit_sixteen(tmp_path, voxels, reads_like):
    array = voxels() % 4096
    tags = {"BitsStored": 12, "HighBit": 11, "RescaleSlope": 1, "RescaleIntercept": -1024}
    folder = series(tmp_path / "scan", array, **tags)
    reads_like(open_source(folder), array.astype(np.int16) - np.int16(1024), examples=3)


def test_padding_is_no_measurement(tmp_path, voxels):
    array = voxels(np.int16)
    array[2, 3, 4] = -2000
    tags = {"PixelPaddingValue": -2000, "RescaleSlope": 1, "RescaleIntercept": -24}
    folder = series(tmp_path / "scan", array, **tags)
    with pytest.raises(ValueError, match=r"-2024 are no measurement.*IM0010\.dcm\. .*`nan`"):
        prepare(folder, IngestConfig())((0, 0, 0), array.shape)
    filled = prepare(folder, IngestConfig(nan=-1000))((0, 0, 0), array.shape)
    expected = array.astype(np.int32) - 24
    expected[2, 3, 4] = -1000
    np.testing.assert_array_equal(filled, expected)


def test_one_file_and_ingest(tmp_path, voxels):
    write_slice(tmp_path / "one.dcm", voxels()[0], (0, 0, 0), SliceThickness=0.03)
    assert open_source(tmp_path / "one.dcm").voxel_size == (30.0, 20.0, 10.0)
    volume = ingest(series(tmp_path / "scan", voxels()), tmp_path / "out.zarr")
    np.testing.assert_array_equal(volume.read(), voxels())
    assert volume.attributes["source"]["position_um"] == [1000.0, 200.0, 100.0]


def test_packed_slices(tmp_path, voxels, reads_like):
    folder = tmp_path / "scan"
    folder.mkdir()
    for k, plane in enumerate(voxels()):
        scan = write_slice(folder / f"{k}.dcm", plane, (0, 0, k))
        scan.compress(RLELossless, plane)
        scan.save_as(folder / f"{k}.dcm", enforce_file_format=True)
    reads_like(open_source(folder), voxels(), examples=3)


def test_series_that_are_no_volume(tmp_path, voxels):
    folder = series(tmp_path / "scan", voxels())
    (folder / "IM0004.dcm").unlink()
    with pytest.raises(ValueError, match=r"scan: .* IM0010.dcm and IM0009.dcm lie 0.08 mm apart"):
        open_source(folder)
    write_slice(folder / "IM0004.dcm", voxels()[0], (0.1, 0.2, 1.04))
    with pytest.raises(ValueError, match=r"IM0004\.dcm and IM0005\.dcm lie in the same place"):
        open_source(folder)
    write_slice(folder / "IM0004.dcm", voxels()[0], (0.1, 0.2, 1.12), series="9")
    with pytest.raises(ValueError, match=r"differ in SeriesInstanceUID; `pattern` picks"):
        open_source(folder)
    write_slice(folder / "IM0004.dcm", voxels()[0], (0.2, 0.2, 1.12))
    with pytest.raises(ValueError, match=r"straight above each other \(the gantry is tilted\)"):
        open_source(folder)
    write_slice(folder / "IM0004.dcm", voxels()[0], (0.1, 0.2, 1.12), spacing=(0.01, 0.01))
    with pytest.raises(ValueError, match="differ in PixelSpacing"):
        open_source(folder)


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        ({"PhotometricInterpretation": "MONOCHROME1"}, r"must be grey \(MONOCHROME2\)"),
        ({"NumberOfFrames": 7}, "several frames is not read"),
        ({"ImagePositionPatient": None}, "must state ImagePositionPatient"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "two perpendicular unit vectors"),
        ({"RescaleSlope": 2}, "must be stated together, got one"),
        ({"RescaleSlope": 0, "RescaleIntercept": 0}, "RescaleSlope and RescaleIntercept must be"),
    ],
)
def test_headers_that_are_not_read(tmp_path, voxels, tags, sentence):
    with pytest.raises(ValueError, match=sentence):
        open_source(series(tmp_path / "scan", voxels(), **tags))


def test_a_series_of_one_slice_and_pictures_beside_it(tmp_path, voxels):
    folder = series(tmp_path / "scan", voxels())
    (folder / "notes.txt").write_text("hello")
    (folder / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    assert open_source(folder).shape == voxels().shape
    whole = (folder / "IM0000.dcm").read_bytes()
    (folder / "IM0000.dcm").write_bytes(whole[:-100])
    with pytest.raises(OSError, match=r"IM0000\.dcm cannot be decoded"):
        open_source(folder)((0, 0, 0), (1, 1, 1))
    (folder / "IM0000.dcm").write_bytes(whole[:200])
    with pytest.raises(ValueError, match=r"IM0000\.dcm: not a complete DICOM image"):
        open_source(folder)


def test_the_package_is_named_where_it_is_lacking(tmp_path, voxels, monkeypatch):
    folder = series(tmp_path / "scan", voxels())
    monkeypatch.setitem(__import__("sys").modules, "pydicom", None)
    with pytest.raises(
        ValueError, match=r"needs the package pydicom: pip install 'poroscale\[dicom\]'"
    ):
        open_source(folder)
