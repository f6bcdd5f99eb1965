import numpy as np
import pytest

from poroscale.io.opening import open_source

HEAD = "! PyHST_SLAVE VOLUME INFO FILE\nNUM_X =  13\nNUM_Y =  11\nNUM_Z =   7\n"


def write(folder, array, text):
    (folder / "scan.vol").write_bytes(array.tobytes())
    (folder / "scan.vol.info").write_text(HEAD + text)
    return folder / "scan.vol"


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("<f4", "voxelSize =  4.87\nBYTEORDER = LOWBYTEFIRST\nValMin = 0\n"),
        (">f4", "voxelSize =  4.87\nBYTEORDER = HIGHBYTEFIRST\n"),
        ("<u2", "voxelSize=4.87\nDATA_TYPE = uint16\n"),
        ("u1", "voxelSize = 4.87\n"),
        ("<i4", "voxelSize = 4.87\nDATA_TYPE = int32\n"),
    ],
)
def test_as_pyhst_writes_it(tmp_path, voxels, reads_like, stored, text):
    array = voxels(np.dtype(stored).newbyteorder("="))
    path = write(tmp_path, array.astype(stored), text)
    source = open_source(path)
    assert source.voxel_size == (4.87,) * 3
    reads_like(source, array, examples=5)
    assert open_source(f"{path}.info") == source


def test_what_cannot_be_read(tmp_path, voxels):
    array = voxels()
    for text, sentence in (
        ("BYTEORDER = MIDDLE\n", "BYTEORDER must be LOWBYTEFIRST or HIGHBYTEFIRST, got MIDDLE"),
        ("DATA_TYPE = PACKED_BINARY\n", "DATA_TYPE must be one of uint8, .*, got packed_binary"),
        ("voxelSize = many\n", r"voxelSize must be a number \[um\], got many"),
        ("DATA_TYPE = float32\n", r"scan\.vol has 2002 bytes, but scan\.vol\.info says"),
        ("NUM_Z = 8\n", "2002 bytes, which are no 1, 2 or 4 bytes for each of its 1144 voxels"),
        ("NUM_Z = x\n", "must state NUM_X, NUM_Y and NUM_Z as whole numbers"),
    ):
        with pytest.raises(ValueError, match=sentence):
            open_source(write(tmp_path, array, text))
    write(tmp_path, array, "").unlink()
    with pytest.raises(FileNotFoundError, match=r"its data file scan\.vol does not exist"):
        open_source(tmp_path / "scan.vol.info")
