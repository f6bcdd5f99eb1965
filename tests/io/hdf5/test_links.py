"""Voxels that are elsewhere, or nowhere: HDF5 reads them as zeros, we name them."""

import h5py
import numpy as np
import pytest

from poroscale.io.opening import open_source


@pytest.fixture
def path(tmp_path):
    return tmp_path / "scan.h5"


def write_other(path, array, name="d", **how):
    with h5py.File(path, "w") as file:
        file.create_dataset(name, data=array, **how)


def test_an_external_link_leads_to_the_other_file(path, voxels, reads_like):
    write_other(path.with_name("other.h5"), voxels())
    with h5py.File(path, "w") as file:
        file["d"] = np.zeros_like(voxels())
        file["entry/data"] = h5py.ExternalLink("other.h5", "/d")
        file["soft"] = h5py.SoftLink("/entry/data")
    for name in ("entry/data", "soft"):
        source = open_source(f"{path}::{name}")
        assert source.name == "other.h5::/d"
        reads_like(source, voxels(), examples=3)


def test_a_link_through_a_group_of_another_file(path, voxels, reads_like):
    write_other(path.with_name("other.h5"), voxels(), "entry/data")
    with h5py.File(path, "w") as file:
        file["far"] = h5py.ExternalLink("other.h5", "/entry")
    reads_like(open_source(f"{path}::far/data"), voxels(), examples=3)


def test_links_that_end_nowhere(path, tmp_path, voxels):
    inner = tmp_path / "inner"
    inner.mkdir()
    write_other(tmp_path / "outside.h5", voxels())
    with h5py.File(inner / "scan.h5", "w") as file:
        file["gone"] = h5py.ExternalLink("gone.h5", "/d")
        file["out"] = h5py.ExternalLink("../outside.h5", "/d")
        file["absolute"] = h5py.ExternalLink(str(tmp_path / "outside.h5"), "/d")
        file["round"] = h5py.SoftLink("/round")
    said = {
        "gone": r"scan\.h5::gone: its voxels lie in gone\.h5, which does not exist",
        "out": r"its voxels lie in \.\./outside\.h5, outside the folder of scan\.h5",
        "absolute": r"outside\.h5, outside the folder of scan\.h5",
        "round": "links go round in a circle",
    }
    for name, sentence in said.items():
        with pytest.raises(ValueError, match=sentence):
            open_source(f"{inner / 'scan.h5'}::{name}")


def virtual(path, sources, shape, *, width=None):
    """A dataset put together of slices of `shape`, the k-th from the k-th file."""
    layout = h5py.VirtualLayout((len(sources) if width is None else width, *shape), np.uint16)
    for number, source in enumerate(sources):
        layout[number] = h5py.VirtualSource(source, "d", shape)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("v", layout, fillvalue=7)


def test_a_virtual_dataset_whose_sources_are_whole(path, voxels, reads_like):
    array = voxels()
    for number, plane in enumerate(array):
        write_other(path.with_name(f"p{number}.h5"), plane)
    virtual(path, [f"p{number}.h5" for number in range(7)], (11, 13))
    reads_like(open_source(path), array, examples=3)


def test_virtual_datasets_with_holes(path, voxels):
    plane = voxels()[0]
    write_other(path.with_name("a.h5"), plane)
    write_other(path.with_name("small.h5"), plane[:4])
    with h5py.File(path.with_name("bare.h5"), "w") as file:
        file.create_dataset("d", (11, 13), np.uint16)
    said = {
        ("a.h5", "gone.h5"): r"lie in gone\.h5, which does not exist",
        ("a.h5", "small.h5"): r"its source small\.h5::d is smaller",
        ("a.h5", "bare.h5"): r"bare\.h5::/d: it was never written and would read as 0",
    }
    for sources, sentence in said.items():
        virtual(path, sources, (11, 13))
        with pytest.raises(ValueError, match=sentence):
            open_source(f"{path}::v")
    virtual(path, ["a.h5"], (11, 13), width=3)
    with pytest.raises(ValueError, match=r"cover 143 of its 429 voxels.* would read as 7"):
        open_source(path)


def test_chunks_that_were_never_written(path, voxels):
    with h5py.File(path, "w") as file:
        data = file.create_dataset("d", (7, 11, 13), np.uint16, chunks=(2, 11, 13), fillvalue=3)
        data[:5] = voxels()[:5]
    with pytest.raises(ValueError, match=r"1 of its 4 chunks were never written.* read as 3"):
        open_source(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("d", (7, 11, 13), np.uint16)
    with pytest.raises(ValueError, match="it was never written and would read as 0"):
        open_source(path)


def test_voxels_in_a_file_beside(path, voxels):
    with h5py.File(path, "w") as file:
        where = [(str(path.with_suffix(".raw")), 0, voxels().nbytes)]
        file.create_dataset("d", data=voxels(), external=where)
    with pytest.raises(ValueError, match=r"its voxels lie outside the HDF5 file, in .*scan\.raw"):
        open_source(path)


def nexus(file, name, kind):
    group = file.require_group(name)
    group.attrs["NX_class"] = kind
    return group


def test_projections_are_no_volume(path, voxels):
    with h5py.File(path, "w") as file:
        entry = nexus(file, "entry", "NXentry")
        entry["definition"] = "NXtomo"
        detector = nexus(file, "entry/instrument/detector", "NXdetector")
        detector["data"] = voxels()
        nexus(file, "entry/sample", "NXsample")["rotation_angle"] = np.linspace(0, 180, 7)
    with pytest.raises(ValueError, match=r"these are 7 projections \(rotation_angle.*reconstruct"):
        open_source(path)
    with h5py.File(path, "w") as file:
        file["exchange/data"] = voxels()
        file["exchange/theta"] = np.linspace(0, 180, 7)
    with pytest.raises(ValueError, match=r"7 projections \(theta"):
        open_source(path)


def test_what_was_reconstructed_from_projections_is_read(path, voxels, reads_like):
    with h5py.File(path, "w") as file:
        nexus(file, "entry", "NXentry")["definition"] = "NXtomoproc"
        nexus(file, "entry/reconstruction", "NXprocess")
        nexus(file, "entry/sample", "NXsample")["rotation_angle"] = np.linspace(0, 180, 7)
        nexus(file, "entry/data", "NXdata")["data"] = voxels()
    reads_like(open_source(path), voxels(), examples=3)
