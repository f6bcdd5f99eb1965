"""A fitted roughness: new surfaces of any length and diameter from the maps of scanned ones.

The map of a part is separated into its shape (the mean over the rows, which every new part has),
long waves (modes around the part with random amplitudes) and short waves. The short waves of a new
surface are composed of windows that are chosen by position (`kernels/maps/texture.py`). The windows
are cut from the scan's own map, or from maps that descent on its scattering covariances has made
(`microcanonical.py`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from poroscale.config import Config
from poroscale.identity import kernel
from poroscale.kernels.maps.texture import kernel_of, mode_amplitudes, waves, windowed
from poroscale.manifest import canonical_json, check_file, record_results, write_durably
from poroscale.surfaces.microcanonical import descend

Map = NDArray[np.float32]
ROUGHNESS, MAPS = "roughness.json", "roughness.safetensors"
FORMAT = 1
LONG = 16.0
"""Standard deviation [cells] of the Gaussian that parts long from short waves."""
LEAST_TRANSFER = 0.05
BAND = 64
"""Rows that are evaluated at a time, on a fixed lattice."""
LEAST_ROWS = 48


class RoughnessConfig(Config):
    """Settings for fitting the roughness of a surface.

    Attributes
    ----------
    realisations
        Number of maps of short waves that are made by descent, for windows to be cut from; 0 cuts
        them from the scan's own map, which is nearer to it and takes no time.
    iterations
        Iterations of the descent.
    window
        Distance between windows [cells of the map].
    overlap
        Width of the strip over which a window passes into the next [cells of the map].
    """

    realisations: int = Field(0, ge=0, le=16)
    iterations: int = Field(60, ge=1)
    window: int = Field(96, ge=16)
    overlap: int = Field(16, ge=2)


@dataclass(frozen=True)
class Roughness:
    """A fitted roughness.

    Attributes
    ----------
    shape
        (columns,) mean height over the rows [um]: out-of-roundness.
    kernels
        (modes, 2 n + 1) of the long waves; mode m runs m times around the fitted part.
    pool
        Maps of short waves [um].
    settings
        Window, overlap, voxel size, whether columns close up, and what the fit found.
    """

    shape: NDArray[np.float64]
    kernels: NDArray[np.float64]
    pool: tuple[Map, ...]
    settings: dict[str, Any]

    def save(self, folder: Path) -> Path:
        """Write `roughness.json` and `roughness.safetensors` into a folder."""
        from safetensors.numpy import save

        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"shape": self.shape, "kernels": self.kernels}
        arrays |= {f"map_{i}": np.ascontiguousarray(each) for i, each in enumerate(self.pool)}
        write_durably(folder / MAPS, save(arrays))
        write_durably(folder / ROUGHNESS, canonical_json(self.settings).encode())
        record_results(folder, files=[MAPS, ROUGHNESS])
        return folder

    @classmethod
    def load(cls, folder: Path) -> Roughness:
        """Read a roughness.

        Raises
        ------
        FileNotFoundError
            If a file is missing.
        OSError
            If one was altered.
        ValueError
            If one lacks an entry.
        """
        from safetensors.numpy import load_file

        for name in (ROUGHNESS, MAPS):
            if not (folder / name).exists():
                raise FileNotFoundError(f"{folder / name} is missing")
        settings = json.loads(check_file(folder / ROUGHNESS).read_text())
        arrays = load_file(check_file(folder / MAPS))
        names = [f"map_{i}" for i in range(len(arrays) - 2)]
        _refuse_lacking(folder / ROUGHNESS, settings, ["window", "overlap"])
        _refuse_lacking(folder / MAPS, arrays, ["shape", "kernels", *names])
        pool = tuple(arrays[name] for name in names)
        return cls(arrays["shape"], arrays["kernels"], pool, settings)

    def sampler(self, *, seed: int, stream: int = 0, period: int | None = None) -> RoughSurface:
        """Heights of a new surface.

        Parameters
        ----------
        seed, stream
            Another surface for other numbers.
        period
            Columns of the new part, if its columns close up; those of the fitted one by default.
        """
        return RoughSurface(self, seed, STREAM + 8 * stream, period or len(self.shape))


def _refuse_lacking(path: Path, found: Mapping[str, Any], names: Sequence[str]) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"{path} is no file of a roughness: it has no {missing[0]}")


STREAM = 100
"""First stream of surfaces; each surface has eight."""


@kernel("surface.RoughSurface")
@dataclass(frozen=True)
class RoughSurface:
    """Heights [um] of one new surface, a function of (row, column).

    Attributes
    ----------
    roughness
        The fitted roughness.
    seed, stream
        Key of its noise.
    period
        Columns after which it closes up.
    """

    roughness: Roughness
    seed: int
    stream: int
    period: int

    def __call__(self, origin: tuple[int, int], shape: tuple[int, int]) -> Map:
        """Heights [um] of the box of (rows, columns) at `origin`; rows are unbounded."""
        first = origin[0] // BAND
        bands = range(first, -(-(origin[0] + shape[0]) // BAND))
        drawn = np.concatenate([self._band(band) for band in bands])
        rows = drawn[origin[0] - first * BAND :][: shape[0]]
        return np.ascontiguousarray(
            rows[:, np.arange(origin[1], origin[1] + shape[1]) % self.period]
        )

    def _band(self, band: int) -> Map:
        rows, fitted = (band * BAND, BAND), self.roughness
        settings = fitted.settings
        short = windowed(
            fitted.pool,
            rows,
            columns=self.period,
            step=(settings["window"], settings["window"]),
            overlap=settings["overlap"],
            key=(self.seed, self.stream),
        )
        amplitudes = mode_amplitudes(self._kernels(), rows, key=(self.seed, self.stream + 1))
        around = np.arange(self.period) * len(fitted.shape) / self.period
        shape = np.interp(
            around, np.arange(len(fitted.shape) + 1), np.append(fitted.shape, fitted.shape[0])
        )
        return (shape + waves(amplitudes, self.period) + short).astype(np.float32)

    def _kernels(self) -> NDArray[np.float64]:
        """Kernels of the modes of this period: a wave keeps its length, not its number.

        The power per unit of wave number is kept: twice the columns, twice the modes, each with
        half the power.
        """
        kernels = self.roughness.kernels
        ratio = self.period / len(self.roughness.shape)
        if ratio == 1:
            return kernels
        modes = np.arange(max(1, round((len(kernels) - 1) * ratio) + 1))
        at = np.minimum(modes / ratio, len(kernels) - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, len(kernels) - 1)
        share = (at - low)[:, None]
        mixed = (1 - share) * kernels[low] + share * kernels[high]
        return np.asarray(mixed / math.sqrt(ratio))


def fit_roughness(
    maps: Sequence[NDArray[np.floating]],
    *,
    voxel_um: float,
    periodic: bool,
    config: RoughnessConfig | None = None,
    seed: int = 0,
) -> Roughness:
    """Fit the roughness of surfaces.

    Parameters
    ----------
    maps
        (rows, columns) heights or radii [um] of one surface or several; of a cylinder all the way
        round.
    voxel_um
        Distance of rows and of columns [um].
    periodic
        True if columns close up. Those that do not are mirrored, so that they do.
    config
        Settings of the fit.
    seed
        Number from which the descent starts.

    Raises
    ------
    ValueError
        If a map has fewer than 48 rows or columns.
    """
    config = config or RoughnessConfig()
    for each in maps:
        if min(each.shape) < LEAST_ROWS:
            raise ValueError(
                f"a surface must have {LEAST_ROWS} rows and columns to be fitted, got {each.shape}"
            )
    columns = min(each.shape[1] for each in maps)
    closed = [_closed(np.asarray(each, np.float64), periodic) for each in maps]
    rounds = [_out_of_roundness(each) for each in closed]
    long, short = zip(
        *(parted(each - each.mean() - shape) for each, shape in zip(closed, rounds, strict=True)),
        strict=True,
    )
    shape = np.mean([_resampled(each, len(long[0][0])) for each in rounds], axis=0)
    kernels = _mode_kernels(long)
    window = min(config.window, *(each.shape[0] // 2 for each in short), columns // 2)
    overlap = min(config.overlap, window // 3) // 2 * 2
    pool = _pool(short, config, seed)
    settings = {
        "format": FORMAT,
        "voxel_um": voxel_um,
        "periodic": periodic,
        "window": int(window),
        "overlap": int(overlap),
        "realisations": config.realisations,
        "iterations": config.iterations,
        "seed": seed,
    }
    return Roughness(shape, kernels, pool, settings)


def _closed(heights: NDArray[np.float64], periodic: bool) -> NDArray[np.float64]:
    return heights if periodic else np.hstack([heights, heights[:, ::-1]])


def parted(heights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Long and short waves of a map (rows, columns); squares of the two transfers add up to one.

    They are drawn independently later. With short = all - long, the two would share the waves in
    between, and a sum of independent draws would lose a sixth of the roughness.
    """
    from scipy.fft import dctn, idctn

    rows, columns = heights.shape
    mirrored = dctn(heights, axes=(0,), type=2, norm="ortho")
    spectrum = np.fft.rfft(mirrored, axis=1)
    kz = np.pi * np.arange(rows)[:, None] / rows
    kx = 2 * np.pi * np.fft.rfftfreq(columns)[None]
    transfer = np.exp(-0.5 * LONG**2 * (kz**2 + kx**2))

    def through(share: NDArray[np.float64]) -> NDArray[np.float64]:
        back = np.fft.irfft(spectrum * share, columns, axis=1)
        return np.asarray(idctn(back, axes=(0,), type=2, norm="ortho"))

    return through(transfer), through(np.sqrt(1 - transfer**2))


def _out_of_roundness(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The long waves of the mean over the rows; its short ones are what few rows leave of noise."""
    spectrum = np.fft.rfft(heights.mean(axis=0) - heights.mean())
    spectrum[_modes(heights.shape[1]) :] = 0
    return np.asarray(np.fft.irfft(spectrum, heights.shape[1]))


def _modes(columns: int) -> int:
    """Modes around the part that long waves have."""
    cut = math.sqrt(-2 * math.log(LEAST_TRANSFER)) / (2 * math.pi * LONG)
    return max(2, int(cut * columns) + 1)


def _resampled(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    at = np.arange(count) * len(values) / count
    return np.asarray(np.interp(at, np.arange(len(values) + 1), np.append(values, values[0])))


def _mode_kernels(long: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Kernels of the modes, from all maps together; of maps of unlike width by wave number."""
    columns, rows = long[0].shape[1], min(each.shape[0] for each in long)
    modes = _modes(columns)
    length = max(8, min(rows // 2, 128))
    kernels = []
    for mode in range(modes):
        series = []
        for each in long:
            spectrum = np.fft.rfft(each - each.mean(axis=0), axis=1) / each.shape[1]
            near = min(round(mode * each.shape[1] / columns), spectrum.shape[1] - 1)
            series.append(spectrum[:rows, near])
        kernel = kernel_of(np.stack(series, axis=1), length)
        # Mode 0 is real; the others share their power among real and imaginary part.
        kernels.append(kernel if mode == 0 else kernel / math.sqrt(2))
    return np.stack(kernels)


def _pool(
    short: Sequence[NDArray[np.float64]], config: RoughnessConfig, seed: int
) -> tuple[Map, ...]:
    if config.realisations == 0:
        return tuple(each.astype(np.float32) for each in short)
    return tuple(
        descend(short[i % len(short)], iterations=config.iterations, seed=seed + i).map
        for i in range(config.realisations)
    )
