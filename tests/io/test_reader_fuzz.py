"""Damaged files: one sentence, or what the format's own library reads; no traceback, no hang."""

import random
import warnings

import numpy as np
import pytest
import tifffile
from PIL import Image

from poroscale.io.opening import open_source

MOST = 1 << 22  # voxels; what is larger is refused by the memory plan, not by the reader
SHAPE = (5, 12, 17)


def voxels(dtype=np.uint16):
    random_numbers = np.random.default_rng(7)
    return random_numbers.integers(0, 250, SHAPE).astype(dtype)


def tiff(folder, **how):
    kinds = {key: how.pop(key, False) for key in ("imagej", "ome", "bigtiff")}
    path = folder / "scan.tif"
    tifffile.imwrite(path, voxels(), photometric="minisblack", **kinds, **how)
    return path


def tiff_palette(folder):
    table = np.repeat(np.arange(255, -1, -1, dtype=np.uint16)[None] * 257, 3, axis=0)
    path = folder / "scan.tif"
    tifffile.imwrite(path, voxels(np.uint8)[0], photometric="palette", colormap=table)
    return path


def tiff_rgb(folder):
    path = folder / "scan.tif"
    grey = np.stack([voxels(np.uint8)[0]] * 3, axis=-1)
    tifffile.imwrite(path, grey, photometric="rgb", compression="zlib")
    return path


def nifti(folder, suffix=".nii"):
    nibabel = pytest.importorskip("nibabel", reason="the extra 'io' is not installed")
    image = nibabel.Nifti1Image(voxels().T, np.diag([2.0, 2.0, 4.0, 1.0]))
    image.header.set_xyzt_units("micron")
    nibabel.save(image, folder / f"scan{suffix}")
    return folder / f"scan{suffix}"


def nrrd(folder, encoding="raw"):
    pynrrd = pytest.importorskip("nrrd", reason="the extra 'io' is not installed")
    header = {"encoding": encoding, "spacings": [4.0, 2.0, 2.0], "units": ["um"] * 3}
    pynrrd.write(str(folder / "scan.nrrd"), voxels(), header, index_order="C")
    return folder / "scan.nrrd"


def metaimage(folder):
    sizes = " ".join(map(str, SHAPE[::-1]))
    head = (
        f"ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = {sizes}\n"
        "DistanceUnits = um\nElementSpacing = 2 2 4\nOffset = 20 40 80\n"
        "ElementType = MET_USHORT\nElementDataFile = LOCAL\n"
    )
    (folder / "scan.mha").write_bytes(head.encode() + voxels().tobytes())
    return folder / "scan.mha"


def metaimage_list(folder):
    for z, plane in enumerate(voxels()):
        (folder / f"p{z}.raw").write_bytes(plane.tobytes())
    names = "\n".join(f"p{z}.raw" for z in range(SHAPE[0]))
    text = metaimage(folder).read_bytes().partition(b"LOCAL")[0].decode()
    (folder / "scan.mhd").write_text(f"{text}LIST\n{names}\n")
    return folder / "scan.mhd"


def raw_json(folder):
    (folder / "scan.raw").write_bytes(voxels().tobytes())
    (folder / "scan.json").write_text('{"shape": [5, 12, 17], "dtype": "uint16", "voxel_size": 2}')
    return folder / "scan.json"


def raw_vgi(folder):
    (folder / "scan.vol").write_bytes(voxels().tobytes())
    (folder / "scan.vgi").write_text(
        "{volume1}\n[file1]\nSize = 17 12 5\nName = scan.vol\nDatatype = unsigned integer\n"
        "BitsPerElement = 16\n[geometry]\nresolution = 1 1 1\nunit = mm\n"
    )
    return folder / "scan.vgi"


def picture(folder, suffix=".png", mode="L"):
    Image.fromarray(voxels(np.uint8)[0]).convert(mode).save(folder / f"scan{suffix}")
    return folder / f"scan{suffix}"


def npy(folder):
    np.save(folder / "scan.npy", voxels())
    return folder / "scan.npy"


def by_tifffile(path):
    found = tifffile.imread(path)
    return found.reshape(-1, *found.shape[-2:])


def by_pillow(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("L") if image.mode == "P" else image)


def by_nibabel(path):
    import nibabel

    return np.asarray(nibabel.load(path).dataobj).T


def by_nrrd(path):
    import nrrd

    return nrrd.read(str(path), index_order="C")[0]


READERS = {
    "tiff": (tiff, by_tifffile),
    "tiff of strips": (
        lambda folder: tiff(folder, compression="zlib", rowsperstrip=5),
        by_tifffile,
    ),
    "tiff of tiles": (lambda folder: tiff(folder, compression="lzw", tile=(16, 16)), by_tifffile),
    "tiff of imagej": (lambda folder: tiff(folder, imagej=True), by_tifffile),
    "tiff of ome": (lambda folder: tiff(folder, ome=True, compression="zlib"), by_tifffile),
    "bigtiff": (lambda folder: tiff(folder, bigtiff=True, byteorder=">"), by_tifffile),
    "tiff with a palette": (tiff_palette, None),
    "tiff with colours": (tiff_rgb, None),
    "nifti": (nifti, by_nibabel),
    "packed nifti": (lambda folder: nifti(folder, ".nii.gz"), by_nibabel),
    "nrrd": (nrrd, by_nrrd),
    "packed nrrd": (lambda folder: nrrd(folder, "gzip"), by_nrrd),
    "metaimage": (metaimage, None),
    "metaimage of several files": (metaimage_list, None),
    "raw by json": (raw_json, None),
    "raw by vgi": (raw_vgi, None),
    "npy": (npy, np.load),
    "png": (picture, by_pillow),
    "png of colours": (lambda folder: picture(folder, mode="RGBA"), None),
    "bmp": (lambda folder: picture(folder, ".bmp"), by_pillow),
    "jpeg": (lambda folder: picture(folder, ".jpg"), by_pillow),
}


def mutant(data, source):
    """`data` cut short, or with bytes changed, moved or doubled, mostly near its beginning."""
    if source.random() < 0.15:
        return data[: source.randrange(len(data))]
    changed = bytearray(data)
    reach = len(data) if source.random() < 0.3 else min(len(data), 700)
    for _ in range(source.choice((1, 1, 2, 5))):
        place = source.randrange(min(reach, len(changed)))
        match source.randrange(4):
            case 0:
                changed[place] ^= 1 << source.randrange(8)
            case 1:
                changed[place] = source.choice((0, 1, 48, 57, 255, source.randrange(256)))
            case 2:
                del changed[place : place + source.choice((1, 2, 4))]
            case 3:
                changed[place:place] = changed[place : place + source.choice((1, 4, 16))]
    return bytes(changed)


def read(path, scratch):
    source = open_source(path, scratch=scratch)
    z, y, x = source.shape
    return None if z * y * x > MOST else source((0, 0, 0), source.shape)


def check(path, scratch, oracle, original):
    try:
        found = read(path, scratch)
    except (ValueError, OSError) as error:
        said = str(error)
        assert path.stem in said or ".raw" in said
        assert "\n" not in said
        return "refused"
    if found is None or oracle is None:
        return "accepted"
    try:
        expected = oracle(path)
    except Exception:  # whatever it is that the library does not like about the header
        assert (found.shape, found.dtype) == (original.shape, original.dtype)
        return "alone"
    # a slope gives float32 here, and float64 there
    expected = np.asarray(expected).reshape(-1).astype(found.dtype)
    np.testing.assert_allclose(found.reshape(-1), expected, rtol=1e-6)
    return "accepted"


def fuzz(tmp_path, name, count, seed):
    write, oracle = READERS[name]
    path = write(tmp_path)
    whole, source = path.read_bytes(), random.Random(seed)
    original = read(path, tmp_path / "whole")
    outcomes = []
    for number in range(count):
        path.write_bytes(mutant(whole, source))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn on the way to their errors
            outcomes.append(check(path, tmp_path / str(number), oracle, original))
    assert "refused" in outcomes


@pytest.mark.parametrize("name", READERS)
def test_some_mutants(tmp_path, name):
    fuzz(tmp_path, name, 25, 3)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", READERS)
def test_many_mutants(tmp_path, name):
    fuzz(tmp_path, name, 200, 11)
