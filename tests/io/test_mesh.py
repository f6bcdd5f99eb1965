"""Closed surfaces are read as they are; others are refused with a sentence."""

import re
import zipfile

import numpy as np
import pytest
import trimesh
from trimesh.creation import box, icosphere, torus

from poroscale.io.mesh import close_mesh, read_mesh

FILES = ["binary.stl", "ascii.stl", "mesh.ply", "ascii.ply", "mesh.3mf"]


def saved(mesh, path):
    kinds = {"ascii.stl": "stl_ascii", "ascii.ply": "ply"}
    more = {"encoding": "ascii"} if path.name == "ascii.ply" else {}
    mesh.export(path, file_type=kinds.get(path.name, path.suffix[1:]), **more)
    return path


def turned(mesh):
    """(z, y, x) and faces as `close_mesh` takes them."""
    return np.array(mesh.vertices[:, ::-1]), np.array(mesh.faces[:, ::-1])


def joined(*meshes):
    return trimesh.util.concatenate(list(meshes))


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_surface(name, tmp_path):
    mesh = torus(2.0, 0.7, major_sections=24, minor_sections=12)
    mesh.apply_translation((1, 2, 3))
    found = read_mesh(saved(mesh, tmp_path / name), unit="mm")
    assert len(found.vertices) == len(mesh.vertices)
    assert len(found.faces) == len(mesh.faces)
    assert found.mended == ()
    assert found.volume_um3 == pytest.approx(mesh.volume * 1e9, rel=1e-5)
    low, high = mesh.bounds[:, ::-1] * 1e3
    np.testing.assert_allclose([found.vertices.min(0), found.vertices.max(0)], [low, high], 1e-5)


def test_3mf_states_its_unit(tmp_path):
    mesh = box((1, 2, 3))
    mesh.units = "micron"
    path = tmp_path / "um.3mf"
    mesh.export(path)
    with zipfile.ZipFile(path) as archive:
        names = {name: archive.read(name) for name in archive.namelist()}
    for unit, factor in (("micron", 1), ("millimeter", 1e3), ("inch", 25400)):
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in names.items():
                text = data
                if name.endswith(".model"):
                    text = re.sub(rb'unit="\w+"', f'unit="{unit}"'.encode(), data)
                archive.writestr(name, text)
        size = np.ptp(read_mesh(path, unit="um").vertices, axis=0)
        np.testing.assert_allclose(size, np.array([3, 2, 1]) * factor)


def test_unit_of_stl(tmp_path):
    path = saved(box((1, 2, 3)), tmp_path / "binary.stl")
    for unit, factor in (("um", 1), ("mm", 1e3)):
        size = np.ptp(read_mesh(path, unit=unit).vertices, axis=0)
        np.testing.assert_allclose(size, np.array([3, 2, 1]) * factor)
    with pytest.raises(ValueError, match="unit of a mesh must be um or mm, got furlong"):
        read_mesh(path, unit="furlong")


def test_faces_that_run_the_other_way_are_turned():
    mesh = icosphere(subdivisions=2)
    vertices, faces = turned(mesh)
    faces[:20] = faces[:20, ::-1]
    found = close_mesh(vertices, faces)
    assert found.mended == ("20 faces that ran the other way were turned",)
    assert found.volume_um3 == pytest.approx(mesh.volume)


def test_a_surface_that_faces_inwards_is_turned():
    mesh = icosphere(subdivisions=2)
    vertices, faces = turned(mesh)
    found = close_mesh(vertices, faces[:, ::-1])
    assert found.mended == ("1 shells that faced the other way were turned",)
    assert found.volume_um3 == pytest.approx(mesh.volume)


def test_shells_alternate_from_outside_inwards():
    """A ball in a hollow in a ball, all of them facing outwards in the file; and one beside."""
    radii = [3.0, 2.0, 1.0]
    nested = joined(*(icosphere(subdivisions=2, radius=r) for r in radii))
    beside = icosphere(subdivisions=2)
    beside.apply_translation((10, 0, 0))
    one = icosphere(subdivisions=2).volume
    found = close_mesh(*turned(joined(nested, beside)))
    assert found.volume_um3 == pytest.approx(one * (27 - 8 + 1 + 1))
    assert found.mended == ("1 shells that faced the other way were turned",)


@pytest.mark.parametrize("missing", [1, 2])
def test_open(missing):
    vertices, faces = turned(icosphere(subdivisions=1))
    opened = 3 if missing == 1 else None
    keep = np.ones(len(faces), bool)
    keep[[0, 40][:missing]] = False
    with pytest.raises(ValueError, match=f"must be closed, got {opened or 6} open edges"):
        close_mesh(vertices, faces[keep])


def test_three_faces_at_an_edge():
    one = box((1, 1, 1))
    two = box((1, 1, 1))
    two.apply_translation((1, 1, 0))
    with pytest.raises(ValueError, match="two faces must meet at an edge, got more at 1 edges"):
        close_mesh(*turned(joined(one, two)))


def test_crossing():
    two = box((1, 1, 1))
    two.apply_translation((0.5, 0.4, 0.3))
    with pytest.raises(
        ValueError, match=r"must not cross itself, got \d+ pairs .* such as \d+ and"
    ):
        close_mesh(*turned(joined(box((1, 1, 1)), two)), name="part.stl")


def test_one_side_only():
    n = 6

    def node(i, j):
        return (i % n) * n + (j if i < n else -j) % n

    quads = [(node(i, j), node(i + 1, j), node(i + 1, j + 1), node(i, j + 1))
             for i in range(n) for j in range(n)]  # fmt: skip
    faces = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    vertices = np.random.default_rng(0).normal(size=(n * n, 3))
    with pytest.raises(ValueError, match="must have two sides"):
        close_mesh(vertices, faces)


def test_what_is_not_a_number_or_encloses_nothing():
    vertices, faces = turned(box((1, 1, 1)))
    bad = vertices.copy()
    bad[3, 1] = np.nan
    with pytest.raises(ValueError, match="must be finite"):
        close_mesh(bad, faces)
    with pytest.raises(ValueError, match="must name vertices 0 to 7"):
        close_mesh(vertices, faces + 1)
    with pytest.raises(ValueError, match="enclose something, got none"):
        close_mesh(vertices, np.zeros((2, 3), int))
    with pytest.raises(ValueError, match=r"cross itself|enclose a volume"):
        close_mesh(np.eye(3), np.array([[0, 1, 2], [0, 2, 1]]))


def test_faces_without_area_between_sound_ones_do_no_harm():
    """A vertex on an edge, filled by a sliver of no area, as exporters leave them."""
    vertices, faces = turned(box((2, 2, 2)))
    a, b, c = faces[0]
    middle = (vertices[a] + vertices[b]) / 2
    n = len(vertices)
    more = np.array([[a, n, c], [n, b, c], [a, b, n]])
    found = close_mesh(np.vstack([vertices, middle]), np.vstack([faces[1:], more]))
    assert found.volume_um3 == pytest.approx(8)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 0.97])
def test_files_that_are_cut_off(name, share, tmp_path):
    path = saved(icosphere(subdivisions=2), tmp_path / name)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ValueError, match=name):
        read_mesh(path)


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_something_else(name, tmp_path):
    path = tmp_path / name
    for data in (b"solid nothing\nendsolid", b"garbage" * 50, bytes(500), b"ply\nformat"):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=name):
            read_mesh(path)


def test_files_that_are_not_there_or_not_meshes(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_mesh(tmp_path / "none.stl")
    with pytest.raises(ValueError, match=r"must be STL, PLY or 3MF, got \.txt"):
        read_mesh(tmp_path / "mesh.txt")


def test_a_3mf_that_would_unpack_to_gigabytes(tmp_path):
    path = saved(box((1, 2, 3)), tmp_path / "mesh.3mf")
    with zipfile.ZipFile(path) as archive:
        names = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in names.items():
            blanks = b" " * (70 << 20) if name.endswith(".model") else b""
            archive.writestr(name, data.replace(b"</model>", blanks + b"</model>"))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(ValueError, match=r"mesh\.3mf: it would unpack to 73\d+ bytes, more than"):
        read_mesh(path)
