"""From phases to the unrolled surface of a part and its roughness.

1. Sums over every layer give the axis: a line through the centroids of the layers.
2. Rays from the axis find the surface in every block (`kernels/unrolling.py`).
3. The first harmonic of the radius around each layer corrects the axis; rays once more.
4. Overhangs, open pores and gaps are flagged, left out of the parameters, and filled smoothly.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Halo, Reduction, Run, connect, reduce_blocks, volume_from_array
from poroscale.engine.recipe import plain
from poroscale.engine.work import held_folder
from poroscale.kernels.areal import areal_parameters, gaussian_filter
from poroscale.kernels.unrolling import HALO, Rays, crossings, smoothed
from poroscale.manifest import canonical_json, check_file, digest_of, record_results, write_durably
from poroscale.surface.config import SurfaceConfig
from poroscale.surface.flags import GAP, fill_flagged, flag_cells
from poroscale.surface.frame import Frame
from poroscale.volume import Index, Volume, VolumeSpec

RADIUS, FLAGS, ROUGHNESS = "radius.zarr", "flags.zarr", "roughness.json"
FULL = 0.88
"""A cross-section that fills more of its bounding rectangle is a box (a circle fills 0.785)."""
VERSION = 1
SHOWN = ("Sa", "Sq", "Sz", "Ssk", "Sku", "Sal", "Str", "Sdr")
"""Parameters that are printed; roughness.json has them all."""
Gift = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class SurfaceMap:
    """The unrolled surface of a part.

    Attributes
    ----------
    radius
        float32 (rows, faces, columns) [um]: distance of the surface from the axis (cylinder) or
        from its plane (faces +x, +y, -x, -y of a box). Row i is (i + 0.5) layers along the axis;
        column j stands at θ = 2π (j + 0.5) / columns from x towards y.
    flags
        uint8, same shape: 1 overhang, 2 open pore, 4 no surface.
    roughness
        The content of roughness.json.
    folder
        Where they are.
    """

    radius: Volume
    flags: Volume
    roughness: dict[str, Any]
    folder: Path

    @classmethod
    def open(cls, folder: Path) -> SurfaceMap:
        """A surface that was measured before.

        Raises
        ------
        FileNotFoundError
            If a part of it is missing.
        """
        text = check_file(folder / ROUGHNESS).read_text()
        radius, flags = Volume.open(folder / RADIUS), Volume.open(folder / FLAGS)
        return cls(radius, flags, json.loads(text), folder)

    def describe(self) -> Iterator[str]:
        """What was measured, in words."""
        found = self.roughness
        yield (
            f"{self.radius.path}: {found['part']}, radius or half edge "
            f"{found['radius_um']:.1f} um, {100 * found['flagged_share']:.2f} % of the surface flagged"
        )
        for face, values in enumerate(found["faces"]):
            shown = ", ".join(f"{name} {values[name]:.3g}" for name in SHOWN if values[name] is not None)
            yield f"  face {face}: {shown}" if len(found["faces"]) > 1 else f"  {shown}"

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Radius and flags of the rows that have a surface, each (faces, rows, columns)."""
        radius = self.radius.read((0, 0, 0), self.radius.shape).transpose(1, 0, 2)
        flags = self.flags.read((0, 0, 0), self.flags.shape).transpose(1, 0, 2)
        first, last = self.roughness["rows"]
        return radius[:, first:last], flags[:, first:last]


def measure_surface(
    phases: Volume,
    out_dir: str | Path,
    *,
    config: SurfaceConfig | None = None,
    run: Run | None = None,
) -> SurfaceMap:
    """Unroll the surface of a part and measure its roughness.

    Parameters
    ----------
    phases
        0 outside, 1 solid, 2 pore; cubic voxels. The part stands upright, give or take some
        degrees, and air is around it; it may run through both ends.
    out_dir
        Folder for `radius.zarr`, `flags.zarr` and `roughness.json`.
    config
        Form of the part, and what is an open pore.
    run
        How to run.

    Raises
    ------
    ValueError
        If there is no part, or its surface leaves the volume.
    """
    out_dir, config, run = Path(out_dir), config or SurfaceConfig(), run or Run()
    _check_volume(phases)
    made_by = {
        "verb": "surface",
        "version": VERSION,
        "phases": plain(phases),
        "config": config.model_dump(),
    }
    with held_folder(out_dir), connect(run) as shared:
        if _finished(out_dir, made_by) and not run.overwrite:
            return SurfaceMap.open(out_dir)
        frame = fit_frame(phases, config, run=shared)
        radius, flags = unroll(phases, frame, config, run=shared)
        frame = recentred(frame, radius, flags)
        radius, flags = unroll(phases, frame, config, run=shared)
        return _write(out_dir, phases, frame, radius, flags, config, made_by)


def _check_volume(phases: Volume) -> None:
    if phases.dtype != np.uint8:
        raise TypeError(f"{phases.path} must hold phases (uint8), got {phases.dtype}")
    sizes = phases.voxel_size
    if max(sizes) > 1.001 * min(sizes):
        raise ValueError(f"voxels must be cubes to unroll a surface, got {sizes} um")


def _finished(out_dir: Path, made_by: Mapping[str, Any]) -> bool:
    try:
        found = json.loads(check_file(out_dir / ROUGHNESS).read_text())
        Volume.open(out_dir / RADIUS), Volume.open(out_dir / FLAGS)
    except (FileNotFoundError, ValueError):
        return False
    return bool(found.get("made_by") == digest_of(made_by))


def fit_frame(phases: Volume, config: SurfaceConfig, *, run: Run) -> Frame:
    """The frame of a part from sums over its layers.

    Raises
    ------
    ValueError
        If there is no part, or it touches a side of the volume.
    """
    sums = reduce_blocks(_LAYERS, phases, bytes_per_voxel=3.0, run=run)
    table = np.zeros((phases.shape[0], 3))
    np.add.at(table, sums["z"], sums["sums"])
    area = table[:, 0]
    if not area.any():
        raise ValueError(f"{phases.path} holds no part: all of it is outside")
    _check_sides(phases, sums["sides"])
    full = area > 0.5 * np.median(area[area > 0])
    z = np.flatnonzero(full) + 0.5
    centre = table[full, 1:] / area[full, None] + 0.5
    point, axis = _line(z, centre)
    size = float(np.median(area[full])) * axis[0]
    low, high = sums["box"][:2], sums["box"][2:]
    tilt = np.abs(axis[1:] / axis[0]) * len(z)
    edges = np.maximum(high - low - tilt, 1.0)
    share = size / float(np.prod(edges))
    part: Literal["cylinder", "box"] = "box" if share > FULL else "cylinder"
    if config.part != "auto":
        part = config.part
    if part == "cylinder":
        half = (math.sqrt(size / math.pi),) * 2
    else:
        scale = math.sqrt(size / float(np.prod(edges)))
        half = (0.5 * scale * edges[0], 0.5 * scale * edges[1])
    return Frame(part, point, axis, (float(half[0]), float(half[1])), phases.shape[0])


def _line(z: NDArray[np.float64], centre: NDArray[np.float64]) -> tuple[Any, Any]:
    """Point at z = 0 and direction of the line through centres (n, 2) at heights (n,)."""
    if len(z) < 8:
        return np.array([0.0, *centre.mean(axis=0)]), np.array([1.0, 0.0, 0.0])
    slope, offset = np.polyfit(z, centre, 1)
    keep = np.abs(centre - slope * z[:, None] - offset).max(axis=1)
    keep = keep <= 3 * np.median(keep) + 0.1  # layers with a notch lie off the line
    slope, offset = np.polyfit(z[keep], centre[keep], 1)
    axis = np.array([1.0, *slope])
    return np.array([0.0, *offset]), axis / np.linalg.norm(axis)


def _sum_layers(block: NDArray[np.uint8], *, origin: Index) -> dict[str, NDArray[Any]]:
    part = block != 0
    rows, columns = part.sum(axis=2), part.sum(axis=1)
    y = origin[1] + np.arange(block.shape[1])
    x = origin[2] + np.arange(block.shape[2])
    sums = np.stack([rows.sum(axis=1), rows @ y, columns @ x], axis=1).astype(np.float64)
    seen_y, seen_x = y[rows.any(axis=0)], x[columns.any(axis=0)]
    far = 1 << 40
    box = [
        seen_y.min(initial=far),
        seen_x.min(initial=far),
        seen_y.max(initial=-1) + 1,
        seen_x.max(initial=-1) + 1,
    ]
    return {
        "z": origin[0] + np.arange(block.shape[0]),
        "sums": sums,
        "box": np.array(box, np.int64),
        "sides": np.array(box, np.int64),
    }


def _join_layers(a: Gift, b: Gift) -> Gift:
    low, high = np.minimum(a["box"], b["box"])[:2], np.maximum(a["box"], b["box"])[2:]
    box = np.concatenate([low, high])
    joined = {name: np.concatenate([a[name], b[name]]) for name in ("z", "sums")}
    return {**joined, "box": box, "sides": box}


_LAYERS = Reduction(_sum_layers, _join_layers, dict, located=True)


def _check_sides(phases: Volume, box: NDArray[np.int64]) -> None:
    _, ny, nx = phases.shape
    sides = {"y = 0": box[0] == 0, f"y = {ny}": box[2] == ny}
    sides |= {"x = 0": box[1] == 0, f"x = {nx}": box[3] == nx}
    touched = [side for side, touches in sides.items() if touches]
    if touched:
        raise ValueError(
            f"the surface must lie inside the volume, got a part in {phases.path} that reaches "
            f"{' and '.join(touched)}: there is no outside around it"
        )


def unroll(
    phases: Volume, frame: Frame, config: SurfaceConfig, *, run: Run
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Distance [voxel] and flags of every ray, each (faces, rows, columns)."""
    maps, flags = [], []
    for rays in frame.sheets():
        found = reduce_blocks(
            _CROSSINGS,
            phases,
            halo=Halo.of(HALO, pad="edge"),
            parameters={"rays": rays},
            bytes_per_voxel=14.0,
            run=run,
        )
        distance, marks = _outermost(found, frame.rows, frame.columns)
        notch = (config.notch_um / phases.voxel_size[0], config.notch_depth)
        marks |= flag_cells(distance, marks, notch, periodic=frame.part == "cylinder")
        maps.append(fill_flagged(distance, marks, periodic=frame.part == "cylinder"))
        flags.append(marks)
    return np.stack(maps), np.stack(flags)


def _cross(block: NDArray[np.uint8], *, origin: Index, rays: Rays) -> dict[str, NDArray[Any]]:
    part = block != 0
    if part.all() or not part.any():
        empty = np.zeros(0, np.int64)
        return {"number": empty, "distance": empty.astype(np.float32), "pore": empty.astype("u1")}
    z, y, x = (n - 2 * HALO for n in block.shape)
    number, distance, pore = crossings(smoothed(part), block, origin, (z, y, x), rays)
    return {"number": number, "distance": distance, "pore": pore}


def _chain(a: Any, b: Any) -> Any:
    return [*(a if isinstance(a, list) else [a]), b]


def _concatenate(gifts: Any) -> dict[str, NDArray[Any]]:
    parts = gifts if isinstance(gifts, list) else [gifts]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


_CROSSINGS = Reduction(_cross, _chain, _concatenate, located=True)


def _outermost(
    found: Mapping[str, NDArray[Any]], rows: int, columns: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The outermost crossing of each ray; several are an overhang, none a gap."""
    order = np.lexsort((found["distance"], found["number"]))
    number, distance = found["number"][order], found["distance"][order]
    pore = found["pore"][order]
    twice = np.zeros(len(number), bool)  # a sample on the face of a block belongs to both
    twice[1:] = (np.diff(number) == 0) & (np.diff(distance) < 0.01)
    number, distance, pore = number[~twice], distance[~twice], pore[~twice]
    count = np.bincount(number, minlength=rows * columns)
    last = np.append(np.diff(number) != 0, True)[: len(number)]
    radius = np.full(rows * columns, np.nan, np.float32)
    radius[number[last]] = distance[last]
    flags = np.where(count > 1, 1, 0).astype(np.uint8)
    flags[number[last]] |= np.where(pore[last] > 0, 2, 0).astype(np.uint8)
    flags[count == 0] |= GAP
    return radius.reshape(rows, columns), flags.reshape(rows, columns)


def recentred(frame: Frame, radius: NDArray[np.float32], flags: NDArray[np.uint8]) -> Frame:
    """The frame with its axis moved to where the radius has no first harmonic, and its size."""
    y, x = frame.across
    good = flags == 0
    rows = np.flatnonzero((flags[0] & GAP).mean(axis=1) < 0.5 * GAP)
    if len(rows) < 8:
        return frame
    if frame.part == "cylinder":
        theta = 2 * np.pi * (np.arange(frame.columns) + 0.5) / frame.columns
        shift_y = 2 * (radius[0] * np.sin(theta)).mean(axis=1)
        shift_x = 2 * (radius[0] * np.cos(theta)).mean(axis=1)
        size = float(radius[0][good[0]].mean())
        half = (size, size)
    else:
        mean = np.nanmedian(np.where(good, radius, np.nan), axis=2)
        shift_x, shift_y = 0.5 * (mean[0] - mean[2]), 0.5 * (mean[1] - mean[3])
        half = (
            float(np.nanmedian(mean[1] + mean[3]) / 2),
            float(np.nanmedian(mean[0] + mean[2]) / 2),
        )
    along = rows + 0.5
    fits = [np.polyfit(along, shift[rows], 1) for shift in (shift_y, shift_x)]
    point = frame.point + fits[0][1] * y + fits[1][1] * x
    axis = frame.axis + fits[0][0] * y + fits[1][0] * x
    axis /= np.linalg.norm(axis)
    point = point - axis * (point[0] / axis[0])
    return replace(frame, point=point, axis=axis, half=half)


def _write(
    out_dir: Path,
    phases: Volume,
    frame: Frame,
    radius: NDArray[np.float32],
    flags: NDArray[np.uint8],
    config: SurfaceConfig,
    made_by: Mapping[str, Any],
) -> SurfaceMap:
    voxel = phases.voxel_size[0]
    about = {"kind": "radius_map", **frame.describe(voxel, phases.origin)}
    kept = np.flatnonzero(((flags & GAP) > 0).mean(axis=(0, 2)) < 0.5)
    if not len(kept):
        raise ValueError(f"{phases.path} has no surface that could be unrolled")
    rows = (int(kept[0]), int(kept[-1]) + 1)
    um = (radius * np.float32(voxel)).astype(np.float32)
    roughness = {
        **about,
        "voxel_um": voxel,
        "rows": list(rows),
        "made_by": digest_of(made_by),
        "flagged_share": float((flags[:, rows[0] : rows[1]] > 0).mean()),
        "faces": [
            _parameters(um[k, rows[0] : rows[1]], flags[k, rows[0] : rows[1]], frame, config, voxel)
            for k in range(len(um))
        ],
    }
    fresh = Run(overwrite=True)
    for name, array in ((RADIUS, um), (FLAGS, flags)):
        upright = np.ascontiguousarray(array.transpose(1, 0, 2))
        spec = VolumeSpec(
            upright.shape,
            upright.dtype,
            (voxel, 1.0, voxel),
            attributes=about | {"kind": about["kind"] if name == RADIUS else "surface_flags"},
            chunks=(128, 1, min(4096, upright.shape[2])),
        )
        volume_from_array(upright, out_dir / name, spec=spec, run=fresh)
    write_durably(out_dir / ROUGHNESS, canonical_json(_plain(roughness)).encode())
    record_results(out_dir, files=[ROUGHNESS], outputs=[RADIUS, FLAGS])
    return SurfaceMap.open(out_dir)


def _parameters(
    heights: NDArray[np.float32],
    flags: NDArray[np.uint8],
    frame: Frame,
    config: SurfaceConfig,
    voxel: float,
) -> dict[str, float]:
    closed = frame.part == "cylinder"
    values = heights.astype(np.float64)
    if config.long_wave_um is not None:
        values = values - gaussian_filter(
            values, config.long_wave_um, (voxel, voxel), periodic=closed
        )
    return areal_parameters(values, (voxel, voxel), valid=flags == 0, periodic=closed)


def _plain(value: Any) -> Any:
    """JSON without NaN."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
