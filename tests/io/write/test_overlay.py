import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from poroscale.io.write.export import ExportConfig, export
from poroscale.io.write.overlay import as_bytes, coloured, palette


@pytest.fixture
def scan_and_labels(tmp_path, voxels):
    labels = np.zeros((7, 11, 13), np.int32)
    labels[2:4, 3:5, 6:9], labels[5, 9, 12] = 1, 2
    np.save(tmp_path / "scan.npy", voxels())
    np.save(tmp_path / "labels.npy", labels)
    return tmp_path / "scan.npy", tmp_path / "labels.npy", labels


def test_pores_are_coloured_and_the_rest_is_grey(tmp_path, scan_and_labels):
    scan, label_file, labels = scan_and_labels
    config = ExportConfig(labels=str(label_file), window=(0, 65535), opacity=1.0)
    rgb = tifffile.imread(export(scan, tmp_path / "overlay.tif", config=config))
    assert rgb.shape == (7, 11, 13, 3)
    grey = np.rint(np.load(scan) * (255 / 65535))
    outside = labels == 0
    assert (rgb[outside] == rgb[outside][:, :1]).all()
    np.testing.assert_allclose(rgb[outside][:, 0], grey[outside], atol=1)
    first, second = np.unique(rgb[labels == 1], axis=0), np.unique(rgb[labels == 2], axis=0)
    assert len(first) == len(second) == 1
    assert np.ptp(first.astype(int)) > 100
    assert np.abs(first.astype(int) - second).max() > 60


def test_fiji_opens_it_as_an_rgb_stack(tmp_path, scan_and_labels):
    scan, label_file, _ = scan_and_labels
    path = export(scan, tmp_path / "overlay.tif", config=ExportConfig(labels=str(label_file)))
    with tifffile.TiffFile(path) as file:
        assert file.is_imagej
        assert file.series[0].axes == "ZYXS"


@given(st.integers(1, 2**31 - 200))
def test_neighbours_in_number_differ_in_colour(label):
    labels = np.arange(label, label + 4)[None, None]
    rgb = coloured(np.zeros(labels.shape, np.uint8), labels, 1.0)[0, 0].astype(int)
    for k in range(3):
        assert np.abs(rgb[k] - rgb[k + 1]).max() > 40


def test_the_palette_has_no_grey_and_no_black():
    assert (np.ptp(palette().astype(int), axis=1) > 100).all()
    assert (palette().max(axis=1) == 255).all()


def test_the_window_is_clipped():
    grey = as_bytes(np.array([-5.0, 10, 15, 20, 99]), 10, 20)
    assert grey.tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"opacity": 1.5}, "opacity must lie"),
        ({"window": (3, 3)}, "must ascend"),
        ({"labels": "scan.npy", "window": (3, 2)}, "must ascend"),
    ],
)
def test_settings_that_cannot_be(tmp_path, scan_and_labels, config, says):
    scan, label_file, _ = scan_and_labels
    config = {"labels": str(label_file), **config}
    config["labels"] = str(tmp_path / config["labels"])
    with pytest.raises(ValueError, match=says):
        export(scan, tmp_path / "overlay.tif", config=ExportConfig(**config))
    assert not (tmp_path / "overlay.tif").exists()


def test_labels_of_another_shape_or_kind(tmp_path, scan_and_labels):
    scan, _, labels = scan_and_labels
    np.save(tmp_path / "less.npy", labels[1:])
    np.save(tmp_path / "float.npy", labels.astype(np.float32))
    for name, says in (("less", "must have the shape"), ("float", "must be integers")):
        config = ExportConfig(labels=str(tmp_path / f"{name}.npy"))
        with pytest.raises(ValueError, match=says):
            export(scan, tmp_path / "overlay.tif", config=config)
