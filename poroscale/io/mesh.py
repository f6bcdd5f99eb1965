"""Closed surfaces from STL, PLY and 3MF files.

A part has an inside only if its surface closes, so a mesh is checked before anything is done with
it. What can be mended without doubt is: vertices that are one are merged, doubled corners are
dropped, faces are turned so that all run one way, and shells so that the outermost face outwards
and those within others alternate.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.io.read.lengths import um_per
from poroscale.kernels.mesh.crossing import crossing_faces
from poroscale.kernels.mesh.distance import EXACT_EVERYWHERE, signed_distances, solid_of
from poroscale.kernels.mesh.edges import Edges, edges_of, reversed_faces, shells
from poroscale.kernels.mesh.tree import build_triangle_tree

FORMATS = (".stl", ".ply", ".3mf")
UNITS = ("um", "mm")
TOLERANCE = 1e-6
"""Overlap, as a share of the mesh's diagonal, that counts as rounding of single precision."""
MOST_PAIRS = 1000
MOST_INFLATED, HARMLESS = 50, 64 << 20
"""Times that the XML of a 3MF file may be larger than its zip file (8 is usual), and the bytes up
to which it may be so anyway."""

Vertices = NDArray[np.float64]
Faces = NDArray[np.int64]


@dataclass(frozen=True)
class SurfaceMesh:
    """A closed surface.

    Attributes
    ----------
    vertices
        (n, 3) as (z, y, x) [um].
    faces
        (m, 3), counter-clockwise seen from outside as if (z, y, x) were right-handed.
    mended
        Sentences on what was mended.
    """

    vertices: Vertices
    faces: Faces
    mended: tuple[str, ...] = ()

    @property
    def volume_um3(self) -> float:
        """Volume inside."""
        return signed_volume(self.vertices[self.faces])


def signed_volume(corners: NDArray[np.float64]) -> float:
    """Volume within triangles (m, 3, 3), positive where they face outwards."""
    a, b, c = (corners - corners.reshape(-1, 3).mean(axis=0)).transpose(1, 0, 2)
    return float((a * np.cross(b, c)).sum() / 6)


def read_mesh(path: str | Path, *, unit: str = "mm") -> SurfaceMesh:
    """Read a closed surface.

    Parameters
    ----------
    path
        STL (ASCII or binary), PLY or 3MF.
    unit
        "um" or "mm"; of the numbers in STL and PLY. 3MF files state theirs.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no mesh, is not closed, crosses itself, or cannot be turned one way.
    """
    path = Path(path)
    if unit not in UNITS:
        raise ValueError(f"unit of a mesh must be um or mm, got {unit}")
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path.name}: a mesh must be STL, PLY or 3MF, got {path.suffix or path}")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file")
    if path.suffix.lower() == ".3mf":
        _check_inflation(path)
    vertices, faces, stated = _load(path)
    factor = um_per(stated or unit)
    if factor is None:
        raise ValueError(f"{path.name}: the unit of a mesh must be a length, got {stated}")
    return close_mesh(vertices[:, ::-1] * factor, faces[:, ::-1], name=path.name)


def _check_inflation(path: Path) -> None:
    """Refuse a zip file that unpacks to more than any mesh; no member exceeds its stated size."""
    try:
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(member.file_size for member in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ValueError(f"{path.name}: not a readable 3MF file") from error
    allowed = max(HARMLESS, MOST_INFLATED * path.stat().st_size)
    if unpacked > allowed:
        raise ValueError(
            f"{path.name}: it would unpack to {unpacked} bytes, more than {allowed}, which a mesh "
            "of its size on disk can have"
        )


def _load(path: Path) -> tuple[Vertices, Faces, str | None]:
    """Vertices (x, y, z), faces, and the unit that the file states."""
    import trimesh

    # What the readers of trimesh raise on files that are cut off or are something else.
    damage = (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        NameError,
        StopIteration,
        RuntimeError,
        ImportError,
        OverflowError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        SyntaxError,  # lxml's, of XML that is none
    )
    try:
        scene = trimesh.load_scene(path, process=False)
        solid = scene.to_mesh()
    except damage as error:
        kind = path.suffix[1:].upper()
        raise ValueError(f"{path.name}: not a readable {kind} file") from error
    if not len(getattr(solid, "faces", ())):
        raise ValueError(f"{path.name}: a mesh must have faces, got none")
    stated = scene.units if path.suffix.lower() == ".3mf" else None
    return np.array(solid.vertices, np.float64), np.array(solid.faces, np.int64), stated


def close_mesh(vertices: Vertices, faces: Faces, *, name: str = "mesh") -> SurfaceMesh:
    """A surface that encloses something, or an error that says why it does not.

    Parameters
    ----------
    vertices
        (n, 3) as (z, y, x) [um].
    faces
        (m, 3).
    name
        Name in error messages.

    Raises
    ------
    ValueError
        If vertices are not finite, the surface is open, crosses itself or has one side only.
    """
    if not np.isfinite(vertices).all():
        raise ValueError(f"{name}: vertices of a mesh must be finite, got NaN or infinity")
    if faces.size and not 0 <= faces.min() <= faces.max() < len(vertices):
        raise ValueError(f"{name}: faces must name vertices 0 to {len(vertices) - 1}")
    vertices, inverse = np.unique(vertices + 0.0, axis=0, return_inverse=True)
    faces = inverse.ravel()[faces]
    distinct = (faces != np.roll(faces, 1, axis=1)).all(axis=1)
    faces = np.ascontiguousarray(faces[distinct])
    if not len(faces):
        raise ValueError(f"{name}: a mesh must have faces that enclose something, got none")
    edges = edges_of(faces)
    _check_edges(edges, name)
    faces, turned = _one_way(faces, edges, name)
    _check_crossing(vertices, faces, np.flatnonzero(distinct), name)
    faces, inverted = _outward(vertices, faces, name)
    mended = []
    if turned:
        mended.append(f"{turned} faces that ran the other way were turned")
    if inverted:
        mended.append(f"{inverted} shells that faced the other way were turned")
    return SurfaceMesh(vertices, faces, tuple(mended))


def _check_edges(edges: Edges, name: str) -> None:
    if edges.closed:
        return
    opened = int((edges.meeting == 1).sum())
    if opened:
        raise ValueError(f"{name}: a mesh must be closed, got {opened} open edges")
    more = int((edges.meeting > 2).sum())
    raise ValueError(f"{name}: two faces must meet at an edge, got more at {more} edges")


def _one_way(faces: Faces, edges: Edges, name: str) -> tuple[Faces, int]:
    """Faces that all run one way around each shell, and how many were turned for it."""
    if edges.consistent:
        return faces, 0
    turned, one_sided = reversed_faces(faces, edges.pairs)
    if one_sided.any():
        raise ValueError(
            f"{name}: a surface must have two sides, got one that runs into its reverse"
        )
    faces = faces.copy()
    faces[turned] = faces[turned][:, ::-1]
    return faces, int(turned.sum())


def _check_crossing(vertices: Vertices, faces: Faces, numbers: Faces, name: str) -> None:
    diagonal = float(np.linalg.norm(vertices.max(axis=0) - vertices.min(axis=0)))
    tree = build_triangle_tree(vertices[faces] - vertices.min(axis=0))
    pairs = crossing_faces(tree, TOLERANCE * diagonal, MOST_PAIRS)
    if not len(pairs):
        return
    most = "at least " if len(pairs) == MOST_PAIRS else ""
    a, b = np.sort(numbers[pairs], axis=1)[0]
    raise ValueError(
        f"{name}: a mesh must not cross itself, got {most}{len(pairs)} pairs of faces that do, "
        f"such as {a} and {b}"
    )


def _outward(vertices: Vertices, faces: Faces, name: str) -> tuple[Faces, int]:
    """Shells turned by how many others they lie in, and how many were turned."""
    pairs = edges_of(faces).pairs
    shell = shells(faces, pairs)
    members: list[Any] = [np.flatnonzero(shell == k) for k in range(int(shell.max()) + 1)]
    faces, turned = faces.copy(), 0
    boxes = [
        (vertices[faces[rows]].min((0, 1)), vertices[faces[rows]].max((0, 1))) for rows in members
    ]
    for k, rows in enumerate(members):
        volume = signed_volume(vertices[faces[rows]])
        if volume == 0:
            raise ValueError(f"{name}: a mesh must enclose a volume, got none at face {rows[0]}")
        probe = vertices[faces[rows[0], :1]]
        depth = 0
        for j, others in enumerate(members):
            if j != k and (boxes[j][0] <= probe).all() and (probe <= boxes[j][1]).all():
                solid = solid_of(vertices, faces[others])
                sign = np.sign(signed_volume(vertices[faces[others]]))
                depth += sign * signed_distances(solid, probe, EXACT_EVERYWHERE)[0][0] > 0
        if (volume > 0) != (depth % 2 == 0):
            faces[rows] = faces[rows][:, ::-1]
            turned += 1
    return faces, turned
