"""Roughness of a height map that an instrument measured over a plane: nothing is unrolled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import BlockGrid, JobPlan, Run, volume_from_array
from poroscale.engine.job_plan import driver_plan
from poroscale.engine.jobs.work import held_folder
from poroscale.events import Described
from poroscale.kernels.maps.areal import areal_parameters, gaussian_filter, level
from poroscale.manifest import canonical_json, check_file, digest_of, record_results, write_durably
from poroscale.surfaces.config import SurfaceConfig
from poroscale.surfaces.flags import GAP, fill_flagged
from poroscale.surfaces.measure import FLAGS, ROUGHNESS, SHOWN, plain_json
from poroscale.volume import Volume, VolumeSpec

HEIGHTS = "heights.zarr"
VERSION = 1
HEIGHT_BYTES = 180.0
"""Bytes per height while it is filtered and measured, in double precision."""


@dataclass(frozen=True)
class MeasuredHeights(Described):
    """A levelled height map and its roughness.

    Attributes
    ----------
    heights
        float32 (1, rows, columns) [um] above the mean plane; filled smoothly where `flags` is 4.
    flags
        uint8, same shape: 4 where nothing was measured.
    roughness
        The content of roughness.json.
    """

    heights: Volume
    flags: Volume
    roughness: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> MeasuredHeights:
        """Heights that were measured before.

        Raises
        ------
        FileNotFoundError
            If a part of them is missing.
        """
        text = check_file(folder / ROUGHNESS).read_text()
        return cls(Volume.open(folder / HEIGHTS), Volume.open(folder / FLAGS), json.loads(text))

    def describe(self) -> Iterator[str]:
        """Description of the measurement in words."""
        _, rows, columns = self.heights.shape
        _, dy, dx = self.heights.voxel_size
        gaps = 100 * self.roughness["flagged_share"]
        yield (
            f"{self.heights.path}: height map, {rows} x {columns} of {dy:.4g} x {dx:.4g} um, "
            f"{gaps:.2f} % not measured"
        )
        (values,) = self.roughness["faces"]
        shown = (f"{name} {values[name]:.3g}" for name in SHOWN if values[name] is not None)
        yield f"  {', '.join(shown)}"


def measure_heights(
    heights: NDArray[np.float32],
    pitch: tuple[float, float],
    out_dir: str | Path,
    *,
    config: SurfaceConfig | None = None,
    run: Run | None = None,
) -> MeasuredHeights:
    """Level a height map by least squares and measure its roughness.

    Parameters
    ----------
    heights
        (rows, columns) [um], NaN where nothing was measured.
    pitch
        Distance of rows and of columns [um].
    out_dir
        Folder for `heights.zarr`, `flags.zarr` and `roughness.json`.
    config
        Settings; the filters `short_wave_um` and `long_wave_um` are applied, the others are not.
    run
        Memory, workers and cluster.

    Raises
    ------
    ValueError
        If fewer than sixteen heights were measured.
    """
    out_dir, config, run = Path(out_dir), config or SurfaceConfig(), run or Run()
    made_by = {
        "verb": "height map",
        "version": VERSION,
        "heights": hashlib.sha256(np.ascontiguousarray(heights, "<f4").tobytes()).hexdigest(),
        "pitch": list(pitch),
        "config": config.model_dump(),
    }
    with held_folder(out_dir):
        if _finished(out_dir, made_by) and not run.overwrite:
            return MeasuredHeights.open(out_dir)
        flags = np.where(np.isfinite(heights), 0, GAP).astype(np.uint8)
        return _write(out_dir, heights, flags, pitch=pitch, config=config, made_by=made_by)


def plan_heights(heights: NDArray[np.float32], *, run: Run | None = None) -> JobPlan:
    """The plan of `measure_heights`: the map is held whole, whatever the settings."""
    rows, columns = heights.shape
    grid = BlockGrid((1, rows, columns), (1, rows, columns))
    stored = np.dtype(np.float32).itemsize + np.dtype(np.uint8).itemsize
    cells = rows * columns
    plan = driver_plan(grid, int(HEIGHT_BYTES * cells), run or Run(), disk=stored * cells)
    return JobPlan({"heights": plan})


def _finished(out_dir: Path, made_by: Mapping[str, Any]) -> bool:
    try:
        found = MeasuredHeights.open(out_dir).roughness
    except (FileNotFoundError, ValueError):
        return False
    return bool(found.get("made_by") == digest_of(made_by))


def _write(
    out_dir: Path,
    heights: NDArray[np.float32],
    flags: NDArray[np.uint8],
    *,
    pitch: tuple[float, float],
    config: SurfaceConfig,
    made_by: Mapping[str, Any],
) -> MeasuredHeights:
    valid = flags == 0
    if valid.sum() < 16:
        raise ValueError(f"a height map must have 16 measured heights, got {valid.sum()}")
    levelled = level(np.where(valid, heights, 0), valid=valid, form="plane").astype(np.float32)
    levelled = fill_flagged(np.where(valid, levelled, np.nan), flags, periodic=False)
    roughness = {
        "kind": "height_map",
        "pitch_um": list(pitch),
        "made_by": digest_of(made_by),
        "flagged_share": float((~valid).mean()),
        "faces": [_parameters(levelled, valid, pitch, config)],
    }
    for name, array, kind in (
        (HEIGHTS, levelled, "height_map"),
        (FLAGS, flags, "surface_flags"),
    ):
        spec = VolumeSpec(
            (1, *array.shape),
            array.dtype,
            (1.0, *pitch),
            attributes={"kind": kind},
            chunks=(1, 512, 512),
        )
        volume_from_array(array[None], out_dir / name, spec=spec, run=Run(overwrite=True))
    write_durably(out_dir / ROUGHNESS, canonical_json(plain_json(roughness)).encode())
    record_results(out_dir, files=[ROUGHNESS], outputs=[HEIGHTS, FLAGS])
    return MeasuredHeights.open(out_dir)


def _parameters(
    levelled: NDArray[np.float32],
    valid: NDArray[np.bool_],
    pitch: tuple[float, float],
    config: SurfaceConfig,
) -> dict[str, float]:
    values = levelled.astype(np.float64)
    if config.short_wave_um is not None:
        values = gaussian_filter(values, config.short_wave_um, pitch, periodic=False)
    if config.long_wave_um is not None:
        values = values - gaussian_filter(values, config.long_wave_um, pitch, periodic=False)
    return areal_parameters(values, pitch, valid=valid)
