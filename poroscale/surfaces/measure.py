"""From phases to the unrolled surface of a part and its roughness.

1. Sums over every layer give a first axis: a line through their centroids (`layers.py`).
2. Few rays from it give the outline, which tells the form, its turn and the axis (`outline.py`).
3. Rays from that axis find the surface in every block (`unroll.py`).
4. Overhangs, open pores and gaps are flagged, left out of the parameters, and filled smoothly.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import JobPlan, Pass, Run, connect, plan_job, volume_from_array
from poroscale.engine.jobs.recipe import plain
from poroscale.engine.jobs.work import held_folder
from poroscale.engine.passes import named
from poroscale.events import Described
from poroscale.kernels.maps.areal import areal_parameters, gaussian_filter, level
from poroscale.manifest import canonical_json, check_file, digest_of, record_results, write_durably
from poroscale.surfaces.config import SurfaceConfig
from poroscale.surfaces.flags import GAP
from poroscale.surfaces.frame import Frame
from poroscale.surfaces.layers import LAYERS, first_frame
from poroscale.surfaces.no_surface import NoSurfaceError
from poroscale.surfaces.outline import fit_frame
from poroscale.surfaces.unroll import OUTLINE, surface_pass, unroll
from poroscale.verb import Section, verb
from poroscale.volume import Volume, VolumeSpec

RADIUS, FLAGS, ROUGHNESS = "radius.zarr", "flags.zarr", "roughness.json"
VERSION = 4
RIM_SHARE = 0.25
"""Rims are fewer of the rows than this."""
SHOWN = ("Sa", "Sq", "Sz", "Ssk", "Sku", "Sal", "Str", "Sdr")
"""Parameters that are printed; roughness.json has them all."""


@dataclass(frozen=True)
class SurfaceMap(Described):
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
        Folder of the files.
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
        """Description of the measurement in words."""
        found = self.roughness
        yield (
            f"{self.radius.path}: {found['part']}, radius or half edge "
            f"{found['radius_um']:.1f} um, {100 * found['flagged_share']:.2f} % flagged"
        )
        for face, values in enumerate(found["faces"]):
            shown = ", ".join(
                f"{name} {values[name]:.3g}" for name in SHOWN if values[name] is not None
            )
            yield f"  face {face}: {shown}" if len(found["faces"]) > 1 else f"  {shown}"

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Radius and flags of the rows that have a surface, each (faces, rows, columns)."""
        radius = self.radius.read((0, 0, 0), self.radius.shape).transpose(1, 0, 2)
        flags = self.flags.read((0, 0, 0), self.flags.shape).transpose(1, 0, 2)
        first, last = self.roughness["rows"]
        return radius[:, first:last], flags[:, first:last]


@verb("surface", Section.of("surface", SurfaceConfig), volumes=("phases",), plan="plan_surface")
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
        Memory, workers and cluster.

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
    with held_folder(out_dir), connect(run, job="surface") as shared:
        if _finished(out_dir, made_by) and not run.overwrite:
            return SurfaceMap.open(out_dir)
        frame = fit_frame(phases, first_frame(phases, run=shared), config, run=shared)
        radius, flags = unroll(phases, frame, config, run=shared)
        return _write(
            out_dir,
            phases,
            frame,
            radius=radius,
            flags=flags,
            config=config,
            made_by=made_by,
        )


def passes(spec: VolumeSpec) -> dict[str, Pass]:
    """Passes over phases of `spec`; no part has a larger surface than its volume."""
    rows, *across = spec.shape
    return named(LAYERS, OUTLINE, surface_pass(4 * rows * max(across)))


def plan_surface(
    phases: Volume, *, config: SurfaceConfig | None = None, run: Run | None = None
) -> JobPlan:
    """The plan of `measure_surface`.

    Raises
    ------
    ValueError, TypeError
        If the volume holds no phases, or its voxels are no cubes.
    MemoryError
        If the budget cannot hold a pass.
    """
    _check_volume(phases)
    return plan_job(phases.spec, passes(phases.spec), run or Run())


def _check_volume(phases: Volume) -> None:
    if phases.dtype != np.uint8:
        raise TypeError(f"{phases.path} must hold phases (uint8), got {phases.dtype}")
    sizes = phases.voxel_size
    if max(sizes) > 1.001 * min(sizes):
        raise NoSurfaceError(f"voxels must be cubes to unroll a surface, got {sizes} um")


def _finished(out_dir: Path, made_by: Mapping[str, Any]) -> bool:
    try:
        found = json.loads(check_file(out_dir / ROUGHNESS).read_text())
        Volume.open(out_dir / RADIUS), Volume.open(out_dir / FLAGS)
    except (FileNotFoundError, ValueError):
        return False
    return bool(found.get("made_by") == digest_of(made_by))


def _write(
    out_dir: Path,
    phases: Volume,
    frame: Frame,
    *,
    radius: NDArray[np.float32],
    flags: NDArray[np.uint8],
    config: SurfaceConfig,
    made_by: Mapping[str, Any],
) -> SurfaceMap:
    voxel = phases.voxel_size[0]
    about = {"kind": "radius_map", **frame.describe(voxel, phases.origin)}
    rows = _rows_with_surface(radius, flags)
    if rows is None:
        raise NoSurfaceError(f"{phases.path} has no surface that could be unrolled")
    um = (radius * np.float32(voxel)).astype(np.float32)
    roughness = {
        **about,
        "voxel_um": voxel,
        "rows": list(rows),
        "made_by": digest_of(made_by),
        "flagged_share": float((flags[:, rows[0] : rows[1]] > 0).mean()),
        "faces": [
            _parameters(
                um[k, rows[0] : rows[1]],
                flags[k, rows[0] : rows[1]],
                frame=frame,
                config=config,
                voxel=voxel,
            )
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
    write_durably(out_dir / ROUGHNESS, canonical_json(plain_json(roughness)).encode())
    record_results(out_dir, files=[ROUGHNESS], outputs=[RADIUS, FLAGS])
    return SurfaceMap.open(out_dir)


def _rows_with_surface(
    radius: NDArray[np.float32], flags: NDArray[np.uint8]
) -> tuple[int, int] | None:
    """First row, and the row past the last, that have a surface.

    The rim of an end that lies inside the volume is no wall: rows there whose median is half a
    voxel more off than three standard deviations of the others' are cut, too.
    """
    kept = np.flatnonzero(((flags & GAP) > 0).mean(axis=(0, 2)) < 0.5)
    if not len(kept):
        return None
    first, last = int(kept[0]), int(kept[-1])
    medians = np.median(radius, axis=(0, 2)) - np.median(radius[:, kept])
    spread = 1.4826 * float(np.median(np.abs(medians[kept])))
    off = np.abs(medians) > 3 * spread + 0.5
    if off[kept].mean() < RIM_SHARE:
        while first > 0 and off[first]:
            first += 1
        while last < len(off) - 1 and off[last]:
            last -= 1
    return first, last + 1


def _parameters(
    heights: NDArray[np.float32],
    flags: NDArray[np.uint8],
    *,
    frame: Frame,
    config: SurfaceConfig,
    voxel: float,
) -> dict[str, float]:
    closed = frame.part == "cylinder"
    values = level(heights, valid=flags == 0, form="mean" if closed else "plane")
    if config.short_wave_um is not None:
        values = gaussian_filter(values, config.short_wave_um, (voxel, voxel), periodic=closed)
    if config.long_wave_um is not None:
        values = values - gaussian_filter(
            values, config.long_wave_um, (voxel, voxel), periodic=closed
        )
    return areal_parameters(values, (voxel, voxel), valid=flags == 0, periodic=closed)


def plain_json(value: Any) -> Any:
    """JSON without NaN."""
    if isinstance(value, dict):
        return {key: plain_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
