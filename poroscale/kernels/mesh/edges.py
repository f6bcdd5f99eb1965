"""Edges of a triangle mesh: which faces meet, and which corners of faces belong together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Faces = NDArray[np.int64]


class Edges(NamedTuple):
    """Undirected edges, sorted.

    Attributes
    ----------
    ends : ndarray of int64, shape (k, 2)
        Vertices, the lower one first.
    meeting : ndarray of int64, shape (k,)
        Sides of faces that lie on the edge.
    forward : ndarray of int64, shape (k,)
        Number of them that run from the lower to the higher vertex.
    sides : ndarray of int64, shape (3 m,)
        The sides 3 * face + i (from corner i to the next), edge after edge.
    first : ndarray of int64, shape (k + 1,)
        Index in `sides` of the first side of each edge.
    """

    ends: Faces
    meeting: Faces
    forward: Faces
    sides: Faces
    first: Faces

    @property
    def closed(self) -> bool:
        """True if two faces meet at every edge."""
        return bool((self.meeting == 2).all())

    @property
    def consistent(self) -> bool:
        """True if the two faces of every edge run along it in opposite directions."""
        return bool((self.forward * 2 == self.meeting).all())

    @property
    def pairs(self) -> Faces:
        """(k, 2) the two sides at each edge of a closed mesh."""
        return self.sides.reshape(-1, 2)


def edges_of(faces: Faces) -> Edges:
    """The edges of faces (m, 3)."""
    start, stop = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    low, high = np.minimum(start, stop), np.maximum(start, stop)
    sides = np.lexsort((high, low))
    low, high, forward = low[sides], high[sides], (start < stop)[sides].astype(np.int64)
    new = np.ones(len(sides), bool)
    new[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    first = np.append(np.flatnonzero(new), len(sides))
    up = np.add.reduceat(forward, first[:-1]) if len(sides) else np.zeros(0, np.int64)
    return Edges(np.stack([low[new], high[new]], 1), np.diff(first), up, sides, first)


def corner_groups(faces: Faces, pairs: Faces) -> Faces:
    """Corners that belong together: those that meet at a vertex through faces joined at an edge.

    Parameters
    ----------
    faces
        (m, 3).
    pairs
        (k, 2) sides, as in `Edges`, of the faces that are joined; they run in opposite directions.

    Returns
    -------
    ndarray of int64, shape (m, 3)
        Number of the group of each corner. With all edges joined these are the vertices, but that
        two sheets that touch at one vertex have one each.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    face, side = pairs // 3, pairs % 3
    begin, end = 3 * face + side, 3 * face + (side + 1) % 3
    rows = np.concatenate([begin[:, 0], end[:, 0]])
    columns = np.concatenate([end[:, 1], begin[:, 1]])
    links = coo_matrix((np.ones(len(rows), np.int8), (rows, columns)), (faces.size, faces.size))
    _, group = connected_components(links, directed=False)
    return np.asarray(group, np.int64).reshape(-1, 3)


def shells(faces: Faces, pairs: Faces) -> Faces:
    """(m,) number of the connected surface that each face belongs to."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    face = pairs // 3
    shape = (len(faces), len(faces))
    links = coo_matrix((np.ones(len(face), np.int8), (face[:, 0], face[:, 1])), shape)
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


def reversed_faces(faces: Faces, pairs: Faces) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Faces to turn so that the two at every edge run along it in opposite directions.

    Each face stands in a graph twice, as it is and turned; faces that agree at an edge are linked.
    A shell falls into two halves that are each other's reverse, or into one if it has one side.

    Returns
    -------
    ndarray of bool, shape (m,)
        To be turned: the lesser part of each shell.
    ndarray of bool, shape (m,)
        On a surface with one side only.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count, face = len(faces), pairs // 3
    start = faces.ravel()[pairs]
    alike = (start[:, 0] == start[:, 1]) * count
    rows = np.concatenate([face[:, 0], face[:, 0] + count])
    columns = np.concatenate([face[:, 1] + alike, face[:, 1] + count - alike])
    links = coo_matrix((np.ones(len(rows), np.int8), (rows, columns)), (2 * count, 2 * count))
    _, half = connected_components(links, directed=False)
    given, reverse = half[:count], half[count:]
    size = np.bincount(given, minlength=int(half.max()) + 1)
    lesser = (size[given] < size[reverse]) | ((size[given] == size[reverse]) & (given > reverse))
    return lesser, given == reverse
