"""The measures of pores that are compared, and their values in a set of parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.sample import Sample
from poroscale.compare.surfaces import Surface
from poroscale.compare.voxels import Streamed
from poroscale.kernels.maps.local_roughness import NEAR_UM
from poroscale.statistics.samples.distances import Values
from poroscale.storage.parquet_files import parquet_file, read_parquet

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Measure:
    """One measure.

    Attributes
    ----------
    name
        Column of the pore table, or a name of our own.
    words, unit
        Name in figures.
    period
        Period of an angle that closes up.
    shape
        True if it means something only for pores of enough voxels.
    log
        True if figures show it on a logarithmic scale.
    """

    name: str
    words: str
    unit: str = ""
    period: float | None = None
    shape: bool = False
    log: bool = False


def _um(name: str, words: str, *, log: bool = False) -> Measure:
    return Measure(name, words, "µm", log=log)


def _shape(name: str, words: str, unit: str = "", period: float | None = None) -> Measure:
    return Measure(name, words, unit, period, shape=True)


MEASURES = (
    Measure("volume_um3", "Volume", "µm³", log=True),
    _um("equivalent_diameter_um", "Equivalent diameter", log=True),
    _shape("anisotropy", "Anisotropy"),
    _shape("sphericity", "Sphericity"),
    _shape("elongation", "Elongation"),
    _shape("flatness", "Flatness"),
    _shape("long_axis_angle_deg", "Long axis to build direction", "°"),
    _shape("long_axis_azimuth_deg", "Azimuth of long axis", "°", 180.0),
    _shape("short_axis_angle_deg", "Short axis to build direction", "°"),
    _shape("short_axis_azimuth_deg", "Azimuth of short axis", "°", 180.0),
    Measure("surface_area_um2", "Surface area", "µm²", log=True),
    Measure("projected_area_um2", "Projected area", "µm²", log=True),
    _um("neighbour_distance_um", "Distance to next pore", log=True),
    _um("neighbour_gap_um", "Gap to next pore"),
    _um("surface_distance_um", "Distance to surface"),
    _um("ligament_um", "Ligament to surface"),
    Measure("r_star", "Radial position r*"),
    Measure("theta_rad", "Angular position θ", "rad", 2 * np.pi),
    Measure("pores_per_layer", "Pores per layer"),
    Measure("pores_per_window", "Pores per window"),
    Measure("porosity", "Porosity of a window", "%"),
)
_OWN = ("r_star", "theta_rad", "pores_per_layer", "pores_per_window", "porosity")
TABLE = tuple(measure.name for measure in MEASURES if measure.name not in _OWN)
PAIRED = ("volume_um3", "anisotropy", "long_axis_angle_deg", "long_axis_azimuth_deg")
"""Measures that Appendix A relates to the local roughness."""


@dataclass(frozen=True)
class Pores:
    """The pores of one part.

    Attributes
    ----------
    columns
        (n,) each: the columns of `TABLE` that the file has, `r_star`, `theta_rad`, `roughness_um`
        (δr, NaN deeper than 40 um), `z_um` and `z_voxel` from the first layer, and `y_um` and
        `x_um` from the middle of the part.
    window
        (n,) window of each.
    cut
        (n,) whether it touches the edge of the volume; such pores count, but have no shape.
    """

    columns: dict[str, Floats]
    window: Integers
    cut: NDArray[np.bool_]


def pores_of_sample(sample: Sample, streamed: Streamed, surface: Surface | None) -> Pores:
    """The pores of one part with their positions in it.

    Raises
    ------
    FileNotFoundError
        If there is no table.
    ValueError
        If it has no pore, or no centroids.
    """
    table = _read(sample)
    if not len(table):
        raise ValueError(f"{sample.phases.path} has no pores: there is nothing to compare")
    columns = {name: _floats(table, name) for name in TABLE if name in table}
    valid = _flags(table, "shape_valid", missing=True)
    for measure in MEASURES:
        if measure.shape and measure.name in columns:
            columns[measure.name] = np.where(valid, columns[measure.name], np.nan)
    voxel = np.asarray(sample.phases.voxel_size)
    points = np.stack([_floats(table, f"centroid_{a}_um") for a in "zyx"], axis=1)
    corner = np.asarray(sample.phases.origin) * voxel
    columns |= _positions(points, columns, streamed, surface, corner=corner, voxel=voxel)
    layer = np.floor(columns["z_voxel"]).astype(np.int64)
    cut = _flags(table, "touches_edge", missing=False)
    return Pores(columns, np.clip(layer // streamed.layers, 0, streamed.windows - 1), cut)


def _positions(
    points: Floats,
    columns: dict[str, Floats],
    streamed: Streamed,
    surface: Surface | None,
    *,
    corner: Floats,
    voxel: Floats,
) -> dict[str, Floats]:
    inside = points - corner
    across = inside[:, 1:] - np.asarray(streamed.centre) * voxel[1:]
    found = {"z_um": inside[:, 0], "z_voxel": inside[:, 0] / voxel[0]}
    found |= {"y_um": across[:, 0], "x_um": across[:, 1]}
    reach = np.full(len(points), streamed.radius * voxel[1])
    distance = np.hypot(*across.T)
    angle = np.arctan2(across[:, 0], across[:, 1]) % (2 * np.pi)
    rough = np.full(len(points), np.nan)
    if surface is not None and surface.closed:
        distance, angle, row = surface.polar(points, float(corner[0]))
        reach = surface.at(surface.radius, angle, row)
        near = columns.get("surface_distance_um", reach - distance) <= NEAR_UM
        rough = np.where(near, surface.at(surface.local(), angle, row), np.nan)
    return found | {"r_star": distance / reach, "theta_rad": angle, "roughness_um": rough}


def _read(sample: Sample) -> Any:
    if not sample.table.is_file():
        raise FileNotFoundError(f"pore table must be an existing file, got {sample.table}")
    with parquet_file(sample.table) as file:
        names = file.schema_arrow.names
    missing = [n for n in (f"centroid_{a}_um" for a in "zyx") if n not in names]
    if missing:
        raise ValueError(f"pore table must have column {missing[0]!r}, got {sample.table}")
    wanted = [n for n in names if n in TABLE or n.startswith("centroid_")]
    flags = [n for n in ("shape_valid", "touches_edge") if n in names]
    return read_parquet(sample.table, columns=[*wanted, *flags], checked=False).to_pandas()


def _floats(table: Any, name: str) -> Floats:
    return np.asarray(table[name].to_numpy(), np.float64)


def _flags(table: Any, name: str, *, missing: bool) -> NDArray[np.bool_]:
    if name not in table:
        return np.full(len(table), missing)
    return np.asarray(table[name].to_numpy(), bool)


def values_of(
    measure: Measure, pores: Sequence[Pores], streams: Sequence[Streamed], *, clump: int
) -> Values:
    """Values of one measure in a set of parts, with the window that each lies in.

    Parameters
    ----------
    clump
        Voxel layers that count as one layer of the process.
    """
    values, windows, start = [], [], 0
    for found, streamed in zip(pores, streams, strict=True):
        value, window = _of_part(measure, found, streamed, clump)
        kept = np.isfinite(value)
        values.append(value[kept])
        windows.append(window[kept] + start)
        start += streamed.windows
    return Values(np.concatenate(values), np.concatenate(windows), start)


def _of_part(
    measure: Measure, pores: Pores, streamed: Streamed, clump: int
) -> tuple[Floats, Integers]:
    every = np.arange(streamed.windows)
    if measure.name == "porosity":
        pore, part = streamed.of_windows(streamed.pore), streamed.of_windows(streamed.part)
        return 100 * pore / np.where(part > 0, part, np.nan), every
    if measure.name in ("pores_per_window", "pores_per_layer"):
        layers = streamed.layers if measure.name == "pores_per_window" else clump
        per_window = max(1, streamed.layers // layers)
        return _counts(pores, streamed, per_window), np.repeat(every, per_window)
    values = pores.columns.get(measure.name, np.full(len(pores.window), np.nan))
    if measure.name not in ("r_star", "theta_rad"):
        values = np.where(pores.cut, np.nan, values)
    return values, pores.window


def _counts(pores: Pores, streamed: Streamed, per_window: int) -> Floats:
    """Pores whose centroid lies in each of `per_window` equal layers of every window."""
    height = streamed.windows * streamed.layers
    edges = np.linspace(0, height, streamed.windows * per_window + 1)
    voxel = pores.columns["z_voxel"]
    return np.histogram(voxel, edges)[0].astype(np.float64)
