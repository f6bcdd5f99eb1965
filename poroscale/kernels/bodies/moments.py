"""Shape of bodies from their integer moments.

Counts and raw moments of a body are integers and add up over blocks without error. They are
shifted to the voxel nearest below the body's centroid while still integers, and only then turned
into floating point, once per body and in one fixed order: the result depends neither on where the
body lies nor on how the volume was cut.

A voxel is a small box, not a point: h²/12 is added to the variance along each axis. So a body of
one voxel has the axes of a cube, a layer of voxels has a thickness, and no ratio divides by zero.
The price is a bias of rounded bodies sampled at voxel centres: +0.2 % of the axes at 20 voxels of
diameter, +3 % at 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SECOND_MOMENTS = ("szz", "syy", "sxx", "szy", "szx", "syx")
_PAIRS = ((0, 0), (1, 1), (2, 2), (1, 0), (2, 0), (2, 1))
_ROUND = 1e-9
"""Two variances closer than this share of the larger are equal: their axes have no direction."""


@dataclass(frozen=True)
class PrincipalAxes:
    """The ellipsoids with the second moments of some bodies; the long axis first.

    Attributes
    ----------
    variance
        (n, 3) variance of position along the long, medium, short axis [um2].
    direction
        (n, 3, 3) unit vectors (z, y, x): `direction[i, k]` is that of axis k, z not negative.
        NaN where two axes are equally long, so that no direction is special.
    """

    variance: Floats
    direction: Floats

    @property
    def length(self) -> Floats:
        """(n, 3) full axes of the ellipsoid [um]: an ellipsoid's variance is a²/5, a half axis."""
        return np.asarray(2 * np.sqrt(5 * self.variance))

    @property
    def inertia(self) -> Floats:
        """(n, 3) moments of inertia over the volume, ascending [um2]: about the long axis first."""
        long, medium, short = self.variance.T
        return np.stack([medium + short, long + short, long + medium], axis=1)

    @property
    def anisotropy(self) -> Floats:
        """(n,) 1 - smallest over largest moment of inertia: 0 for a sphere, towards 1 for a rod."""
        inertia = self.inertia
        return np.asarray(1 - inertia[:, 0] / inertia[:, 2])


def centroid(count: NDArray[np.int64], sums: NDArray[np.int64]) -> Floats:
    """(n, 3) mean voxel index of bodies, from (n,) counts and (n, 3) sums of indices."""
    whole = sums // count[:, None]
    return np.asarray(whole + (sums - whole * count[:, None]) / count[:, None])


def principal_axes(
    count: NDArray[np.int64],
    sums: NDArray[np.int64],
    *,
    seconds: NDArray[np.int64],
    voxel_size: tuple[float, float, float],
) -> PrincipalAxes:
    """Principal axes of bodies from their raw moments.

    Parameters
    ----------
    count
        (n,) voxels.
    sums
        (n, 3) sums of the voxel indices z, y, x.
    seconds
        (n, 6) sums of the products zz, yy, xx, zy, zx, yx.
    voxel_size
        Edges of a voxel (z, y, x) [um].

    Notes
    -----
    int64 wraps around silently on the way to the central moments; as these fit into it for a
    solid of 7,700³ voxels, they come out exact.
    """
    variance, direction = _eigen_symmetric(_covariance(count, sums, seconds, voxel_size))
    _orient(variance, direction)
    return PrincipalAxes(variance, direction)


def axis_angles(direction: Floats) -> tuple[Floats, Floats]:
    """Angle of axes to the build direction z, and their azimuth.

    Parameters
    ----------
    direction
        (n, 3) vectors (z, y, x); their sign does not matter.

    Returns
    -------
    polar
        (n,) 0 to 90 degrees.
    azimuth
        (n,) 0 to 180 degrees in the x-y plane, from x towards y. NaN for an axis along z.
    """
    z, y, x = direction.T
    radius = np.hypot(y, x)
    y = np.where(np.abs(y) < 1e-12 * radius, 0.0, y)  # else rounding turns 0 into 180 degrees
    polar = np.degrees(np.arctan2(radius, np.abs(z)))
    azimuth = np.degrees(np.arctan2(y, x)) % 180.0
    azimuth[radius < _ROUND] = np.nan
    return polar, azimuth


def equivalent_diameter(volume: Floats) -> Floats:
    """(n,) diameter of the sphere of the same volume."""
    return np.asarray(np.cbrt(6 * volume / pi))


def _covariance(
    count: NDArray[np.int64],
    sums: NDArray[np.int64],
    seconds: NDArray[np.int64],
    voxel_size: tuple[float, float, float],
) -> Floats:
    whole = sums // count[:, None]
    rest = (sums - whole * count[:, None]) / count[:, None]
    covariance = np.empty((len(count), 3, 3))
    for k, (i, j) in enumerate(_PAIRS):
        shifted = (
            seconds[:, k]
            - whole[:, i] * sums[:, j]
            - whole[:, j] * sums[:, i]
            + count * whole[:, i] * whole[:, j]
        )
        central = shifted / count - rest[:, i] * rest[:, j] + (1 / 12 if i == j else 0.0)
        covariance[:, i, j] = covariance[:, j, i] = central * (voxel_size[i] * voxel_size[j])
    return covariance


def _orient(variance: Floats, direction: Floats) -> None:
    """Fix the signs, and take away directions that equal variances leave open."""
    for axis, others in ((0, (1,)), (1, (0, 2)), (2, (1,))):
        vector = direction[:, axis]
        z, y, x = vector.T
        down = (z < 0) | ((z == 0) & ((y < 0) | ((y == 0) & (x < 0))))
        vector[down] *= -1
        for other in others:
            gap = np.abs(variance[:, axis] - variance[:, other])
            vector[gap <= _ROUND * variance[:, 0]] = np.nan


def _eigen_symmetric(matrices: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues, descending, and eigenvectors as rows, of symmetric 3x3 matrices (n, 3, 3)."""
    values, vectors = np.empty((len(matrices), 3)), np.empty((len(matrices), 3, 3))
    _jacobi(matrices.copy(), values, vectors)
    return values, vectors


@njit(nogil=True, cache=True)
def _jacobi(matrices, values, vectors):  # type: ignore[no-untyped-def]
    """Cyclic Jacobi rotations: slower than LAPACK, but the same bits for a row in any company."""
    for n in range(matrices.shape[0]):
        a = matrices[n]
        v = np.eye(3)
        for _ in range(30):
            if a[0, 1] == 0 and a[0, 2] == 0 and a[1, 2] == 0:
                break
            for p, q in ((0, 1), (0, 2), (1, 2)):
                _rotate(a, v, p, q)
        for k in range(3):
            rank = 0  # counted: numba takes seconds to compile a sort
            for other in range(3):
                ahead = a[other, other] > a[k, k]
                rank += ahead or (other < k and a[other, other] == a[k, k])
            values[n, rank] = a[k, k]
            for i in range(3):
                vectors[n, rank, i] = v[i, k]


@njit(nogil=True, cache=True)
def _rotate(a, v, p, q):  # type: ignore[no-untyped-def]
    """One rotation in the plane (p, q) that makes a[p, q] zero (Golub & Van Loan, 8.5.2)."""
    off = a[p, q]
    if abs(off) <= 1e-18 * sqrt(abs(a[p, p] * a[q, q])):
        a[p, q] = a[q, p] = 0.0
        return
    theta = (a[q, q] - a[p, p]) / (2 * off)
    t = (1.0 if theta >= 0 else -1.0) / (abs(theta) + sqrt(theta * theta + 1))
    c = 1 / sqrt(t * t + 1)
    s = t * c
    r = 3 - p - q
    a[p, p] -= t * off
    a[q, q] += t * off
    a[p, q] = a[q, p] = 0.0
    rp, rq = a[r, p], a[r, q]
    a[r, p] = a[p, r] = c * rp - s * rq
    a[r, q] = a[q, r] = s * rp + c * rq
    for i in range(3):
        ip, iq = v[i, p], v[i, q]
        v[i, p], v[i, q] = c * ip - s * iq, s * ip + c * iq
