"""A bank of pore shapes, from which generated pores take their voxels.

One Parquet file: a row per pore with its measures, its tight box, and its voxels packed eight to a
byte. There is no largest size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.bodies.moments import axis_angles, principal_axes
from poroscale.kernels.parts.voxel_shapes import Shapes, join, moments, pack, unpack
from poroscale.manifest import check_file
from poroscale.parts.model_settings import lacking
from poroscale.storage.columns import read_columns, write_columns
from poroscale.volume import Volume, VoxelSize

MEASURES = (
    "voxel_count",
    "volume_um3",
    "anisotropy",
    "long_axis_angle_deg",
    "long_axis_azimuth_deg",
)
"""Measured on the shape itself, with the definitions of the pore table."""
AXES = ("z", "y", "x")
_TILE = 128
_VOXELS = "voxels"
_EXTENTS = tuple(f"extent_{axis}" for axis in AXES)


@dataclass(frozen=True)
class Bank:
    """Pore shapes and what they measure.

    Attributes
    ----------
    shapes
        The voxels.
    table
        Columns of `MEASURES`, and `extent_z`, `extent_y`, `extent_x` [voxel], each (n,).
    voxel_size
        Edges of a voxel (z, y, x) [um].
    """

    shapes: Shapes
    table: Mapping[str, NDArray[Any]]
    voxel_size: VoxelSize

    @classmethod
    def of(cls, shapes: Shapes, voxel_size: VoxelSize) -> Bank:
        """A bank of shapes, measured."""
        return cls(shapes, measure_shapes(shapes, voxel_size), voxel_size)

    @property
    def count(self) -> int:
        """Number of pores."""
        return self.shapes.size

    def save(self, path: Path) -> Path:
        """Write the bank to the Parquet file `path`."""
        packed, offsets = pack(self.shapes)
        about = {"kind": "bank", "voxel_size": list(self.voxel_size)}
        return write_columns(self.table, path, about=about, binary={_VOXELS: (packed, offsets)})

    @classmethod
    def load(cls, path: Path) -> Bank:
        """Read the bank `path`.

        Raises
        ------
        FileNotFoundError
            If there is none.
        ValueError
            If it is no bank.
        OSError
            If it is not what was written.
        """
        table, about, binary = read_columns(check_file(path), binary=(_VOXELS,))
        if about.get("kind") != "bank" or _VOXELS not in binary or "voxel_size" not in about:
            raise ValueError(f"{path} must be a bank of pores, got another table")
        if missing := lacking(table, _EXTENTS):
            raise ValueError(f"{path} is no bank of pores: it has no {missing[0]}")
        extents = np.stack([table[name] for name in _EXTENTS], axis=1).astype(np.int32)
        z, y, x = (float(edge) for edge in about["voxel_size"])
        return cls(unpack(*binary[_VOXELS], extents), table, (z, y, x))


def measure_shapes(shapes: Shapes, voxel_size: VoxelSize) -> dict[str, NDArray[Any]]:
    """The columns of a bank's table; see `poroscale.pore_analysis.columns` for their meaning."""
    count, sums, seconds = moments(shapes)
    axes = principal_axes(count, sums, seconds=seconds, voxel_size=voxel_size)
    angle, azimuth = axis_angles(axes.direction[:, 0])
    values: tuple[NDArray[Any], ...] = (
        count,
        count * float(np.prod(voxel_size)),
        axes.anisotropy,
        angle,
        azimuth,
    )
    extents = {
        f"extent_{axis}": shapes.extents[:, i].astype(np.int64) for i, axis in enumerate(AXES)
    }
    return dict(zip(MEASURES, values, strict=True)) | extents


def empirical_bank(labels: Volume, pores: Mapping[str, NDArray[Any]]) -> Bank:
    """Every pore of a label volume.

    Parameters
    ----------
    labels
        Labels of pores.
    pores
        Columns `label` and the boxes `z0` ... `x1` (absolute voxel index) of the pore table.

    Returns
    -------
    Bank
        Row i is row i of `pores`, whatever its size.
    """
    low = np.stack([pores[f"{axis}0"] for axis in AXES], axis=1) - np.array(labels.origin)
    high = np.stack([pores[f"{axis}1"] for axis in AXES], axis=1) - np.array(labels.origin)
    rows: list[NDArray[np.int64]] = []
    parts: list[Shapes] = []
    for group in _groups(low):
        corner, stop = low[group].min(axis=0), high[group].max(axis=0)
        voxels = labels.read(_index(corner), _index(stop - corner))
        masks = (
            voxels[tuple(slice(a, b) for a, b in zip(lo - corner, hi - corner, strict=True))]
            == label
            for lo, hi, label in zip(low[group], high[group], pores["label"][group], strict=True)
        )
        parts.append(Shapes.of(masks))
        rows.append(group)
    order = np.argsort(np.concatenate([np.zeros(0, np.int64), *rows]), kind="stable")
    return Bank.of(join(parts).take(order), labels.voxel_size)


def _groups(low: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Rows of pores that begin in the same tile: their voxels are read at once."""
    _, group = np.unique(low // _TILE, axis=0, return_inverse=True)
    group = group.ravel()
    order = np.argsort(group, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(low) else ()


def _index(values: NDArray[np.int64]) -> tuple[int, int, int]:
    z, y, x = (int(value) for value in values)
    return z, y, x


def join_banks(banks: Sequence[Bank]) -> Bank:
    """The pores of several banks, one after the other.

    Raises
    ------
    ValueError
        If their voxels differ.
    """
    sizes = {bank.voxel_size for bank in banks}
    if len(sizes) != 1:
        raise ValueError(f"banks must have one voxel size, got {sorted(sizes)}")
    table = {name: np.concatenate([bank.table[name] for bank in banks]) for name in banks[0].table}
    return Bank(join([bank.shapes for bank in banks]), table, banks[0].voxel_size)


def ellipsoid_bank(bank: Bank) -> Bank:
    """For each pore the ellipsoid of its moments, with its volume but for a voxel or so.

    The half axes of the moments are scaled alike to the pore's volume: a pore with a rough wall has
    larger moments than the ellipsoid of its volume.
    """
    count, sums, seconds = moments(bank.shapes)
    axes = principal_axes(count, sums, seconds=seconds, voxel_size=bank.voxel_size)
    half = np.maximum(axes.length / 2, 1e-6)
    volume = 4 / 3 * np.pi * half.prod(axis=1)
    half *= np.cbrt(bank.table["volume_um3"] / volume)[:, None]
    masks = (
        _ellipsoid(half[i], _frame(axes.direction[i]), int(count[i]), bank.voxel_size)
        for i in range(bank.count)
    )
    return Bank.of(Shapes.of(masks), bank.voxel_size)


def _frame(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Three orthogonal unit vectors; where axes are equally long any frame will do."""
    known = [row for row in direction if np.isfinite(row).all()]
    basis, _ = np.linalg.qr(np.stack([*known, *np.eye(3)]).T)
    if len(known) == 1 and not np.isfinite(direction[0]).all():
        return np.asarray(basis.T[[1, 2, 0]])  # the short axis alone is known
    return np.asarray(basis.T[:3])


def _ellipsoid(
    half: NDArray[np.float64], frame: NDArray[np.float64], count: int, voxel_size: VoxelSize
) -> NDArray[np.bool_]:
    """The `count` voxels whose centres lie deepest in an ellipsoid."""
    reach = np.ceil(np.abs(frame.T * half).sum(axis=1) / voxel_size).astype(int) + 1
    axes = [np.arange(-r, r + 1) * h for r, h in zip(reach, voxel_size, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    level = (((points @ frame.T) / half) ** 2).sum(axis=-1)
    deepest = np.argpartition(level.ravel(), count - 1)[:count]
    mask = np.zeros(level.size, bool)
    mask[deepest] = True
    return mask.reshape(level.shape)


LOOKED_UP = ("volume_um3", "anisotropy", "long_axis_angle_deg", "long_axis_azimuth_deg")


def nearest_shapes(bank: Bank, targets: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """The pore of a bank that is nearest to each target.

    The sum over volume, anisotropy, angle and azimuth of |target - pore| / mean of the bank is the
    least, as in the authors' code for section 2.4 of the porosity-generator paper.

    Parameters
    ----------
    bank
        Shapes among which to look.
    targets
        Columns of `LOOKED_UP`, each (m,); NaN where a pore has no direction.

    Returns
    -------
    ndarray of int64, shape (m,)
        Rows of the bank.
    """
    from scipy.spatial import cKDTree

    scales = {
        name: max(float(np.nanmean(bank.table[name])), 1e-12)
        if np.isfinite(bank.table[name]).any()
        else 1.0
        for name in LOOKED_UP
    }

    def scaled(table: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        # A pore without a direction stands in the middle of all directions.
        columns = [np.nan_to_num(table[name] / scales[name], nan=1.0) for name in LOOKED_UP]
        return np.stack(columns, axis=1)

    _, rows = cKDTree(scaled(bank.table)).query(scaled(targets), p=1)
    return np.asarray(rows, np.int64)
