"""Input that is refused by a sentence that helps, before anything large is computed."""

import numpy as np
import pytest
import tifffile
from PIL import Image

import poroscale as ps
from tests.pipelines.microstructure.test_fit_and_generate import picture

CODES = picture((-0.5, 0.6), edge=48, sigma=2)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    Image.fromarray(CODES).save(folder / "a.png")
    ps.fit_microstructure([folder / "a.png"], folder / "model", reach=8, tile=32)
    return folder / "model"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"gradient": "1::0.1:0.2"}, "form PHASE:AXIS:FIRST:LAST"),
        ({"gradient": "1:zy:0.1:0.2"}, "form PHASE:AXIS:FIRST:LAST"),
        ({"origin": (0, 2**36, 0)}, r"origin.* less than or equal to 34359738368"),
        ({"origin": (0, 0, -(2**70))}, r"origin.* greater than or equal to -34359738368"),
    ],
)
def test_a_wish_of_the_wrong_form_is_refused(model, tmp_path, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        ps.generate_microstructure(model, tmp_path / "no.zarr", shape=(8, 8, 8), **settings)


def test_what_a_scan_may_settle_is_told_with_the_verb_that_does(tmp_path):
    coloured = Image.fromarray((CODES > 0).astype(np.uint8), "P")
    coloured.putpalette([0, 0, 255, 255, 0, 0])
    coloured.save(tmp_path / "p.png")
    with pytest.raises(ValueError, match=r"p\.png.*`channel`.* in `poroscale ingest`, and give"):
        ps.fit_microstructure([tmp_path / "p.png"], tmp_path / "model")
    floats = CODES.astype(np.float32)
    floats[0, 0] = np.nan
    tifffile.imwrite(tmp_path / "f.tif", floats)
    with pytest.raises(ValueError, match=r"to put there as `nan` in `poroscale ingest`, and give"):
        ps.fit_microstructure([tmp_path / "f.tif"], tmp_path / "model")


def test_lags_that_no_image_has_are_refused_before_memory_for_them(tmp_path):
    Image.fromarray(CODES).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"`reach` must be at most 24 voxels.*got 500"):
        ps.fit_microstructure([tmp_path / "a.png"], tmp_path / "model", reach=500)


def test_a_small_picture_is_not_told_to_be_decoded_by_0_mib(tmp_path):
    Image.fromarray(CODES).save(tmp_path / "a.png")
    with pytest.raises(MemoryError, match=r"raise `memory`$"):
        ps.fit_microstructure([tmp_path / "a.png"], tmp_path / "model", memory="10MiB")


@pytest.mark.parametrize(
    ("method", "tile", "sentence"),
    [
        ("field", 4096, r"memory must be at least .* for tiles of 4096 x 4096 x 4096 voxels"),
        ("swnn", 4096, r"memory must be at least .* for tiles of 4096 x 4096 x 4096 voxels"),
        ("slicegan", 4096, r"memory must be at least .* for tiles of 4096 x 4096 x 4096 voxels"),
        ("slicegan", 36, "`tile` must be a multiple of 8 voxels, got 36"),
    ],
)
def test_a_tile_that_cannot_be_is_refused_before_a_training(tmp_path, method, tile, sentence):
    Image.fromarray(CODES).save(tmp_path / "a.png")
    with pytest.raises((ValueError, MemoryError), match=sentence):
        ps.fit_microstructure([tmp_path / "a.png"], tmp_path / "model", method=method, tile=tile)
    assert not (tmp_path / "model" / "training").exists()


def test_a_file_that_is_no_npz_is_not_advised_to_be_unpickled(tmp_path):
    Image.fromarray(CODES).save(tmp_path / "a.png")
    given = {"method": "swnn", "weights": tmp_path / "a.png"}
    with pytest.raises(ValueError, match=r"a\.png must be an npz of arrays, as numpy\.savez"):
        ps.fit_microstructure([tmp_path / "a.png"], tmp_path / "model", **given)
