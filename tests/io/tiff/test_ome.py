import numpy as np
import pytest
import tifffile

from poroscale.io.opening import open_source

OME = {"axes": "ZYX", "PhysicalSizeX": 2.0, "PhysicalSizeY": 2.0, "PhysicalSizeZ": 4.0}


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compression": "zlib"},
        {"tile": (16, 16)},
        {"compression": "zlib", "rowsperstrip": 3, "bigtiff": True},
    ],
    ids=str,
)
def test_one_file(tmp_path, voxels, reads_like, how):
    path = tmp_path / "scan.ome.tif"
    bigtiff = how.pop("bigtiff", False)
    with tifffile.TiffWriter(path, ome=True, bigtiff=bigtiff) as file:
        file.write(voxels(), metadata=OME, photometric="minisblack", **how)
    source = open_source(path)
    assert source.voxel_size == (4.0, 2.0, 2.0)
    reads_like(source, voxels(), examples=5)


@pytest.mark.parametrize("axes", ["ZCYX", "CZYX", "TZYX"])
def test_channels_and_frames(tmp_path, voxels, reads_like, axes):
    array = voxels(np.uint16, (3, 2, 11, 13))
    path = tmp_path / "scan.ome.tif"
    tifffile.imwrite(
        path, array, ome=True, metadata={"axes": axes}, photometric="minisblack", compression="zlib"
    )
    axis = 0 if axes[0] in "CT" else 1
    reads_like(open_source(path, channel=1), array.take(1, axis=axis), examples=4)
    with pytest.raises(ValueError, match=r"scan\.ome\.tif: .*`channel` 0 to"):
        open_source(path)


SET = (
    '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
    'UUID="urn:uuid:{own}"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" '
    'Type="uint16" SizeX="13" SizeY="11" SizeZ="{z}" SizeC="1" SizeT="1" PhysicalSizeX="2" '
    'PhysicalSizeY="2" PhysicalSizeZ="4">{blocks}</Pixels></Image></OME>'
)
BLOCK = (
    '<TiffData IFD="0" FirstZ="{z}" PlaneCount="1">'
    '<UUID FileName="{name}">urn:uuid:{number}</UUID></TiffData>'
)


def ome_set(folder, array, *, name="part_{}.ome.tif", order=None):
    """One file for each slice; `order` says which number the file of slice z has."""
    folder.mkdir(exist_ok=True)
    order = order or range(len(array))
    blocks = "".join(
        BLOCK.format(z=z, name=name.format(number), number=number) for z, number in enumerate(order)
    )
    for plane, number in zip(array, order, strict=True):
        text = SET.format(own=number, z=len(array), blocks=blocks)
        tifffile.imwrite(
            folder / name.format(number), plane, description=text, metadata=None, compression="zlib"
        )
    return folder


def test_one_file_of_a_set_stands_for_the_set(tmp_path, voxels, reads_like):
    folder = ome_set(tmp_path / "set", voxels(), order=[3, 5, 0, 6, 2, 1, 4])
    source = open_source(folder / "part_4.ome.tif")
    assert source.voxel_size == (4.0, 2.0, 2.0)
    assert source.slice_name(1) == "part_5.ome.tif"
    reads_like(source, voxels(), examples=5)


def test_a_set_with_a_file_missing_is_refused(tmp_path, voxels):
    folder = ome_set(tmp_path / "set", voxels())
    (folder / "part_3.ome.tif").unlink()
    with pytest.raises(ValueError, match=r"one of a set of 7 files, of which part_3\.ome\.tif is"):
        open_source(folder / "part_0.ome.tif")
    (folder / "part_6.ome.tif").unlink()
    with pytest.raises(ValueError, match="slice number 3 is missing"):
        open_source(folder)
    for number in (4, 5):
        (folder / f"part_{number}.ome.tif").unlink()
    with pytest.raises(ValueError, match=r"set: part_0\.ome\.tif is one of a set of 7 files"):
        open_source(folder)


def test_a_set_out_of_its_folder_is_refused(tmp_path, voxels):
    folder = ome_set(tmp_path / "set", voxels(), name="../part_{}.ome.tif")
    with pytest.raises(ValueError, match="must lie beside the header"):
        open_source(folder / "../part_0.ome.tif")


def test_a_file_under_another_name_is_itself(tmp_path, voxels, reads_like):
    ome_set(tmp_path, voxels()[:1], name="first_{}.ome.tif")
    (tmp_path / "first_0.ome.tif").rename(tmp_path / "other.tif")
    reads_like(open_source(tmp_path / "other.tif"), voxels()[:1], examples=3)


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ('<TiffData IFD="0" PlaneCount="1"/>', r"says 7 slices \(SizeZ\) and lists 1"),
        ("", r"says page 2, it holds 1"),
        ('<TiffData IFD="5"/>', r"says 7 slices \(SizeZ\) and lists 1"),
        ('<TiffData FirstZ="q"/>', r"OME's FirstZ must be a whole number, got 'q'"),
    ],
)
def test_fewer_planes_than_size_z(tmp_path, voxels, blocks, said):
    text = SET.format(own=0, z=7, blocks=blocks)
    path = tmp_path / "one.ome.tif"
    tifffile.imwrite(path, voxels()[0], description=text, metadata=None)
    with pytest.raises(ValueError, match=rf"one\.ome\.tif: .*{said}"):
        open_source(path)


def test_a_set_that_another_file_describes_is_refused(tmp_path, voxels):
    text = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        '<BinaryOnly MetadataFile="set.companion.ome" UUID="urn:uuid:1"/></OME>'
    )
    tifffile.imwrite(tmp_path / "a.ome.tif", voxels()[0], description=text, metadata=None)
    with pytest.raises(ValueError, match=r"one file of a set that set\.companion\.ome describes"):
        open_source(tmp_path / "a.ome.tif")
