"""Fit a part model to the pores of scanned parts.

1. Every complete pore of the scans becomes a source. One that is h long can lie completely inside
   a scan of length L in L - h ways, so its rate per length is 1 / Σ (L - h): long pores, which the
   ends cut more often, are not lost.
2. Layers, counts along z and the gap between pores are looked at.
3. The model is drawn and placed for trial. What placement and the surface reject is added to the
   weights, stratum by stratum, until what is placed is what was found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from poroscale.kernels.parts.packing import SLAB
from poroscale.parts.bank import Bank, join_banks, nearest_shapes
from poroscale.parts.calibrate import GeometryOf, Trials, calibrated
from poroscale.parts.model import FORMAT, PartModel
from poroscale.parts.model_settings import ModelSettings

Floats = NDArray[np.float64]
WINDOW_LAYERS = 200
"""Layers of a window of the published maps; windows move on by half, as in the authors' code."""
WIDTH = 2.1
"""Width of the maps in radii."""
CLOSEST, MOST_GAP = 0.005, 8.0
"""Share of the pores that may stand nearer than the gap, and the largest gap [voxel]."""
COLUMNS = (
    "z_um",
    "y_um",
    "x_um",
    "r_star",
    "theta_rad",
    "depth_um",
    "local_roughness_um",
    "volume_um3",
    "anisotropy",
    "long_axis_angle_deg",
    "long_axis_azimuth_deg",
    "voxel_count",
)


@dataclass(frozen=True)
class ScanPores:
    """Measurements of the pores of one scan.

    Attributes
    ----------
    name
        Name of the scan.
    length_um
        Length along the axis [um].
    columns
        Pore table and surface coordinates, each (n,); `COLUMNS`, `label`, `open`,
        `neighbour_gap_um`, `extent_z_um`, and `cut` for pores that an end of the scan cuts.
    bank
        The shapes of the pores, row by row.
    half_um
        Half edges (y, x) of the part, twice the radius for a cylinder [um]; None where not told.
    """

    name: str
    length_um: float
    columns: Mapping[str, NDArray[Any]]
    bank: Bank
    half_um: tuple[float, float] | None = None


@dataclass(frozen=True)
class FitSettings:
    """Settings for fitting a model.

    Attributes
    ----------
    part
        Form of the part: "cylinder" or "box".
    voxel_um
        Edge of a voxel [um].
    radius_um
        Radius of a cylinder, or smaller half edge of a box [um].
    section_um2
        Area of the cross-section [um²].
    volume_width
        Extent of the scan's volume along y or x, the smaller one [voxels].
    half_um
        Half edges (y, x) of a box [um]; twice the radius for a cylinder.
    sampling, bins, seed
        As in `poroscale.pipelines.fit.FitConfig`.
    bank_kind
        Origin of the shapes: "empirical", "dcgan" or "ellipsoid".
    """

    part: Literal["cylinder", "box"]
    voxel_um: float
    radius_um: float
    section_um2: float
    volume_width: int
    half_um: tuple[float, float]
    sampling: str = "joint"
    bins: int = 30
    seed: int = 0
    bank_kind: str = "empirical"


def fit_part_model(
    scans: Sequence[ScanPores],
    settings: FitSettings,
    *,
    geometry_of: GeometryOf,
    bank: Bank | None = None,
    workers: int = 1,
    show: bool | None = False,
) -> PartModel:
    """Fit a part model.

    Parameters
    ----------
    scans
        Pores of one scan or several.
    settings
        Form of the parts, and settings of the fit.
    geometry_of
        Gives parts for the trial, with generated surfaces.
    bank
        Shapes that are used in place of the scans' own; each pore gets the nearest.
    workers
        Threads of the trial.
    show
        Draw progress bars; see `poroscale.engine.workers.progress.progress`.

    Raises
    ------
    ValueError
        If the scans hold no complete pore.
    """
    pores = source_pores(scans, settings)
    if not len(pores):
        names = ", ".join(scan.name for scan in scans)
        raise ValueError(f"a part model needs pores, got none that is complete in {names}")
    used = join_banks([scan.bank for scan in scans])
    if bank is not None:
        used = bank
        columns = {name: pores[name].to_numpy() for name in pores.columns}
        pores = pores.assign(bank_row=nearest_shapes(bank, columns))
    layer = layer_thickness([scan.columns["z_um"] for scan in scans], settings.voxel_um)
    phase = np.zeros(len(pores)) if layer is None else (pores["z_um"] / layer) % 1.0
    about = _settings(scans, settings, pores, layer)
    model = PartModel(about, pores.assign(z_phase=phase), used, density_map(scans, settings))
    return calibrated(model, Trials(geometry_of, workers, show), scans=scans)


def source_pores(scans: Sequence[ScanPores], settings: FitSettings) -> pd.DataFrame:
    """One row per complete pore of the scans, with its rate per um of length."""
    parts, first = [], 0
    for number, scan in enumerate(scans):
        kept = ~scan.columns["cut"]
        table = {name: scan.columns[name][kept] for name in COLUMNS}
        table |= {
            "source": np.full(int(kept.sum()), number),
            "label": scan.columns["label"][kept],
            "bank_row": first + np.flatnonzero(kept),
            "opened": scan.columns["open"][kept].astype(bool),
            "height_um": scan.columns["extent_z_um"][kept],
        }
        parts.append(pd.DataFrame(table))
        first += scan.bank.count
    pores = pd.concat(parts, ignore_index=True)
    pores["r_star"] = np.clip(pores["r_star"], 0.0, 1.3)
    height = pores.pop("height_um").to_numpy()
    room = sum(np.maximum(scan.length_um - height, settings.voxel_um) for scan in scans)
    width = WIDTH * settings.radius_um
    return _binned(pores.assign(rate=1 / room, weight=1 / room), settings.bins, width)


def _settings(
    scans: Sequence[ScanPores], settings: FitSettings, pores: pd.DataFrame, layer: float | None
) -> ModelSettings:
    known = pores["local_roughness_um"].dropna()
    entries: dict[str, Any] = {
        "kind": "part_model",
        "format": FORMAT,
        "part": settings.part,
        "voxel_um": settings.voxel_um,
        "radius_um": settings.radius_um,
        "half_um": list(settings.half_um),
        "section_um2": settings.section_um2,
        "volume_width": settings.volume_width,
        "width_um": WIDTH * settings.radius_um,
        "window_um": WINDOW_LAYERS * settings.voxel_um,
        "sampling": settings.sampling,
        "bins": settings.bins,
        "bank": settings.bank_kind,
        "seed": settings.seed,
        "sources": [
            {
                "name": scan.name,
                "length_um": scan.length_um,
                "pores": len(scan.columns["label"]),
                "half_um": None if scan.half_um is None else list(scan.half_um),
            }
            for scan in scans
        ],
        "layer_um": layer,
        "spacing": {"gap": _gap(scans, settings.voxel_um), "wide": 0.0, "chance": 0.0},
        "dispersion": _dispersion(scans, settings.voxel_um),
        "use_roughness": True,
        "roughness_spread_um": float(known.std()) if len(known) > 1 else 1.0,
        "jitter": {"theta_rad": 0.5 * len(pores) ** -0.2, "depth": 0.06},
        "cluster": {"fraction": 0.0, "scale_um": 0.0},
        "calibration": {
            "map_factor": 1.0,
            "placed_over_intended": 1.0,
            "offered_over_intended": 1.0,
        },
    }
    return ModelSettings(**entries)


def layer_thickness(heights: Sequence[Floats], voxel_um: float) -> float | None:
    """Period of the pores along the build direction [um], None where none is significant.

    The largest power of a periodogram between four voxels and 120 um counts if noise would exceed
    it in one search out of a thousand, and if it takes in 3 % of the pores' phases.
    """
    length = max(float(np.ptp(z)) if len(z) else 0.0 for z in heights)
    count = sum(len(z) for z in heights)
    low, high = 4 * voxel_um, min(120.0, length / 6)
    if count < 100 or high <= low:
        return None
    step = 0.25 / length
    frequencies = np.arange(1 / high, 1 / low, step)
    power = np.zeros(len(frequencies))
    for z in heights:
        for part in np.array_split(np.arange(len(frequencies)), max(1, len(z) // 500)):
            phases = np.exp(2j * np.pi * frequencies[part, None] * z)
            power[part] += np.abs(phases.sum(axis=1)) ** 2 / count
    best = int(power.argmax())
    chance = len(frequencies) * math.exp(-min(float(power[best]), 700.0))
    if chance > 1e-3 or power[best] / count < 0.03:
        return None
    return float(1 / frequencies[best])


def _gap(scans: Sequence[ScanPores], voxel_um: float) -> float:
    """Thickness of the solid [voxel] that all but the nearest pores of the scans keep."""
    gaps = np.concatenate([scan.columns["neighbour_gap_um"] for scan in scans])
    gaps = gaps[np.isfinite(gaps)]
    if not len(gaps):
        return 0.0
    return float(min(np.quantile(gaps, CLOSEST), MOST_GAP * voxel_um) / voxel_um)


def _dispersion(scans: Sequence[ScanPores], voxel_um: float) -> float:
    """Variance over mean of the counts per slab; 1 where it cannot be told from Poisson's."""
    counts: list[int] = []
    for scan in scans:
        slabs = int(scan.length_um / (SLAB * voxel_um))
        z = scan.columns["z_um"][~scan.columns["cut"]]
        edges = np.arange(slabs + 1) * SLAB * voxel_um
        counts += list(np.histogram(z, edges)[0][1:-1])  # the ends have lost their cut pores
    if len(counts) < 6 or np.mean(counts) < 2:
        return 1.0
    found = float(np.var(counts, ddof=1) / np.mean(counts))
    doubt = 2 * math.sqrt(2 / (len(counts) - 1))
    return 1.0 if abs(found - 1) < doubt else float(np.clip(found, 0.3, 8.0))


def density_map(scans: Sequence[ScanPores], settings: FitSettings) -> NDArray[np.float32]:
    """Number of pores over (window, y, x): windows of 200 layers that move on by half."""
    window, width = WINDOW_LAYERS * settings.voxel_um, WIDTH * settings.radius_um
    return _maps([(s.columns, s.length_um) for s in scans], settings.bins, window, width)


def _maps(
    scans: Sequence[tuple[Mapping[str, Any], float]], bins: int, window: float, width: float
) -> NDArray[np.float32]:
    edges = (np.arange(bins + 1) / bins - 0.5) * width
    maps = []
    for columns, length in scans:
        z, y, x = (np.asarray(columns[f"{axis}_um"]) for axis in "zyx")
        for start in np.arange(0, max(length - window, 0) + 1e-6, window / 2):
            inside = (z >= start) & (z < start + window)
            share = min(length, window) / window
            maps.append(np.histogram2d(y[inside], x[inside], (edges, edges))[0] / share)
    return np.stack(maps).astype(np.float32)


def rebinned(model: PartModel, bins: int) -> PartModel:
    """The model that draws by the published maps with another number of bins."""
    about, pores = model.settings, model.pores
    scans = []
    for i, source in enumerate(about.sources):
        own = pores[pores["source"] == i]
        scans.append(({f"{a}_um": own[f"{a}_um"].to_numpy() for a in "zyx"}, source.length_um))
    density = _maps(scans, bins, about.window_um, about.width_um)
    pores = _binned(pores, bins, about.width_um)
    settings = about.but(sampling="maps", bins=bins)
    return replace(model, settings=settings, density=density, pores=pores)


def _binned(pores: pd.DataFrame, bins: int, width_um: float) -> pd.DataFrame:
    at = [
        np.clip(((pores[f"{axis}_um"] / width_um + 0.5) * bins).astype(int), 0, bins - 1)
        for axis in "yx"
    ]
    return pores.assign(map_bin=at[0] * bins + at[1])
