"""The unrolled surface of a part as the comparison reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.maps.local_roughness import local_roughness, patch_voxels
from poroscale.manifest import check_file
from poroscale.volume import Volume

ISO = (
    *("Sa", "Sq", "Sz", "Sp", "Sv", "Ssk", "Sku", "Sal", "Str", "Sdq", "Sdr"),
    *("Sk", "Spk", "Svk", "Vmp", "Vmc", "Vvc", "Vvv"),
)
"""ISO 25178-2 parameters in the order of a table."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Surface:
    """Radius map of one part.

    Attributes
    ----------
    radius
        (faces, rows, columns) [um].
    first_row
        Row of the map that `radius` begins with; row i is (i + 0.5) layers along the axis.
    pitch_um
        Edge of a cell along the rows and the columns.
    point, direction
        Point and direction of the axis, (z, y, x) [um].
    parameters
        Mean of each ISO parameter over the faces.
    """

    radius: NDArray[np.float32]
    first_row: int
    pitch_um: tuple[float, float]
    point: Floats
    direction: Floats
    parameters: dict[str, float]

    @classmethod
    def open(cls, folder: Path) -> Surface:
        """The surface that `measure_surface` wrote into `folder`.

        Raises
        ------
        FileNotFoundError, OSError
            If a file is missing or was changed.
        """
        volume = Volume.open(folder / "radius.zarr")
        said = json.loads(check_file(folder / "roughness.json").read_text())
        first, last = said.get("rows", (0, volume.shape[0]))
        axis = volume.attributes["axis"]
        radius = volume.read((first, 0, 0), (last - first, *volume.shape[1:]))
        return cls(
            radius=np.ascontiguousarray(radius.transpose(1, 0, 2)),
            first_row=first,
            pitch_um=(volume.voxel_size[0], volume.voxel_size[2]),
            point=np.asarray(axis["point_um"], np.float64),
            direction=np.asarray(axis["direction"], np.float64),
            parameters=iso_parameters(said),
        )

    @property
    def closed(self) -> bool:
        """True if the columns run around the part."""
        return len(self.radius) == 1

    @property
    def heights(self) -> NDArray[np.float32]:
        """(faces, rows, columns) deviations from the mean of each face [um]."""
        return np.asarray(self.radius - self.radius.mean(axis=(1, 2), keepdims=True), np.float32)

    def polar(self, points: Floats, bottom_um: float) -> tuple[Floats, Floats, Floats]:
        """Distance from the axis [um], angle [rad] and row of points (n, 3) in um.

        `bottom_um` is where the first layer of the volume begins.
        """
        slope = self.direction[1:] / self.direction[0]
        along = points[:, 0] - self.point[0]
        across = points[:, 1:] - self.point[1:] - along[:, None] * slope
        angle = np.arctan2(across[:, 0], across[:, 1]) % (2 * np.pi)
        row = (points[:, 0] - bottom_um) / self.pitch_um[0] - self.first_row
        return np.hypot(*across.T), angle, row

    def at(self, field: NDArray[np.floating], angle: Floats, row: Floats) -> Floats:
        """Values of a map (faces, rows, columns) around a cylinder, nearest cell."""
        rows, columns = field.shape[1:]
        i = np.clip(np.floor(row).astype(int), 0, rows - 1)
        j = np.floor(angle / (2 * np.pi) * columns).astype(int) % columns
        return np.asarray(field[0, i, j], np.float64)

    def local(self) -> NDArray[np.float32]:
        """δr of Appendix A [um] in each cell."""
        patch = patch_voxels(self.pitch_um[0])
        return np.stack(
            [local_roughness(face, patch, periodic=self.closed) for face in self.heights]
        )


def iso_parameters(said: Mapping[str, Any]) -> dict[str, float]:
    """Mean over the faces of the parameters in a roughness.json; NaN where one is missing."""
    faces = said.get("faces") or said.get("parameters") or said
    faces = faces if isinstance(faces, list) else [faces]
    found = {}
    for name in ISO:
        values = [face[name] for face in faces if face.get(name) is not None]
        found[name] = float(np.mean(values)) if values else float("nan")
    return found
