"""Signed distance to a closed mesh.

The sign is that of the angle to the pseudonormal of the nearest face, edge or vertex (Baerentzen
and Aanaes, IEEE TVCG 11, 2005, 243-253): exact for every point, also where the nearest one is a
vertex. Corners that touch without a common edge have pseudonormals of their own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.mesh.edges import corner_groups, edges_of
from poroscale.kernels.mesh.tree import (
    DEPTH,
    EXACT,
    Tree,
    build_triangle_tree,
    feature_of,
    nearest,
    point_of,
)

CREASE = 0.82
"""Cosine of the angle between two faces, 35 degrees, from which their edge is a sharp one."""

EXACT_EVERYWHERE = np.inf
DEEP = 0.02
"""Relative error of distances far from the surface."""


class Solid(NamedTuple):
    """A closed mesh, ready to be asked for distances; all lengths in one unit.

    Attributes
    ----------
    tree : Tree
        Tree over the faces.
    pseudo : ndarray of float64, shape (m, 7, 3)
        Outward pseudonormals in the order of the tree: face, edges ab, bc, ca, corners a, b, c.
    shading : ndarray of float64, shape (m, 3, 3)
        Unit normals at the corners that vary smoothly but for sharp edges.
    creases : Tree
        Tree over the sharp edges.
    crease_normals : ndarray of float64, shape (k, 3, 3)
        Unit normals at their first end, along them, and at their second end.
    """

    tree: Tree
    pseudo: NDArray[np.float64]
    shading: NDArray[np.float64]
    creases: Tree
    crease_normals: NDArray[np.float64]


def solid_of(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> Solid:
    """A mesh whose faces close up and run counter-clockwise seen from outside.

    Parameters
    ----------
    vertices
        (n, 3), as (z, y, x). Counter-clockwise as if these were right-handed.
    faces
        (m, 3).
    """
    corners = vertices[faces]
    tree, pairs = build_triangle_tree(corners), edges_of(faces).pairs
    normals, angles = _face_normals(corners), _angles(corners)
    face = pairs // 3
    at_edges = np.empty((faces.size, 3))
    at_edges[pairs] = (normals[face[:, 0]] + normals[face[:, 1]])[:, None]
    at_corners = _gathered(corner_groups(faces, pairs), normals, angles)
    pseudo = np.concatenate([normals[:, None], at_edges.reshape(-1, 3, 3), at_corners], axis=1)
    sharp = (normals[face[:, 0]] * normals[face[:, 1]]).sum(axis=1) < CREASE
    smooth = _unit(_gathered(corner_groups(faces, pairs[~sharp]), normals, angles))
    one = pairs[sharp, 0]
    begin, end = np.unravel_index(one, faces.shape)[1], (one % 3 + 1) % 3
    ends = np.stack([corners[one // 3, begin], corners[one // 3, end]], axis=1)
    creases = build_triangle_tree(ends[:, [0, 1, 1]])
    along = np.stack(
        [at_corners[one // 3, begin], at_edges[one], at_corners[one // 3, end]], axis=1
    )
    return Solid(
        tree,
        np.ascontiguousarray(pseudo[tree.face]),
        np.ascontiguousarray(smooth[tree.face]),
        creases,
        np.ascontiguousarray(_unit(along)[creases.face]),
    )


def _face_normals(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    return _unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.sqrt((vectors**2).sum(axis=-1, keepdims=True))
    return np.asarray(vectors / np.maximum(length, 1e-300))


def _angles(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m, 3) angles of triangles at their corners."""
    forth = _unit(np.roll(corners, -1, axis=1) - corners)
    back = _unit(np.roll(corners, 1, axis=1) - corners)
    return np.asarray(np.arccos(np.clip((forth * back).sum(axis=-1), -1.0, 1.0)))


def _gathered(
    groups: NDArray[np.int64], normals: NDArray[np.float64], angles: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(m, 3, 3) sums over each group of corners of the normals weighted by angle."""
    weighted = (angles[..., None] * normals[:, None]).reshape(-1, 3)
    sums = [np.bincount(groups.ravel(), column) for column in weighted.T]
    return np.asarray(np.stack(sums, axis=1)[groups], np.float64)


@njit(nogil=True, cache=True)
def distance_to_solid(solid, point, hint, stack):  # type: ignore[no-untyped-def]
    """Depth of a point (positive inside), row of the nearest triangle, and its v and w.

    `hint` is a triangle that may be near, or -1; it changes nothing but the time.
    """
    row, squared, v, w = nearest(solid.tree, point, hint, np.inf, EXACT, stack)
    foot = point_of(solid.tree, row, v, w)
    normal = solid.pseudo[row, feature_of(v, w)]
    along = 0.0
    for a in range(3):
        along += (point[a] - foot[a]) * normal[a]
    depth = np.sqrt(squared)
    return (depth if along <= 0.0 else -depth), row, v, w


@njit(nogil=True, cache=True)
def graded_distance(solid, point, exact, stack):  # type: ignore[no-untyped-def]
    """As `distance_to_solid`, but farther from the surface than `exact` up to `DEEP` too large.

    In the middle of a ball every triangle is as near as any other, and to find the very nearest
    means to look at them all. The sign stays that of the true distance: towards the triangle that
    was found, nothing lies between the point and one that is close to the surface, whose sign is
    cheap to tell.
    """
    row, squared, v, w = nearest(solid.tree, point, -1, np.inf, (1.0 - DEEP) ** 2, stack)
    depth = np.sqrt(squared)
    if depth <= exact:
        return distance_to_solid(solid, point, row, stack)
    foot, near = point_of(solid.tree, row, v, w), 1.0 - 2.0 * DEEP
    beside = (
        point[0] + near * (foot[0] - point[0]),
        point[1] + near * (foot[1] - point[1]),
        point[2] + near * (foot[2] - point[2]),
    )
    found, _row, _v, _w = distance_to_solid(solid, beside, row, stack)
    return (depth if found >= 0.0 else -depth), row, v, w


@njit(nogil=True, cache=True)
def signed_distances(solid, points, exact):  # type: ignore[no-untyped-def]
    """Depth below the surface, positive inside, and the nearest face of points.

    Parameters
    ----------
    solid : Solid
    points : ndarray of float64, shape (n, 3)
    exact : float
        Distance up to which depths are exact; farther from the surface they are up to `DEEP` too
        large, with the right sign.

    Returns
    -------
    ndarray of float64, shape (n,)
        Depth, in the unit of the mesh.
    ndarray of int64, shape (n,)
        Face.
    """
    depth, face = np.empty(len(points)), np.empty(len(points), np.int64)
    stack = np.empty(DEPTH, np.int64)
    for i in range(len(points)):
        point = (points[i, 0], points[i, 1], points[i, 2])
        depth[i], row, _v, _w = graded_distance(solid, point, exact, stack)
        face[i] = solid.tree.face[row]
    return depth, face
