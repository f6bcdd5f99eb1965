"""The true scan of a small part: project, count photons, reconstruct.

The part is one material, so its polychromatic projection is a function of the length of metal
along each ray. Photons are counted with Poisson noise, the logarithm is filtered and projected
back. Beam hardening, streaks of few projections, cone-beam artefacts and the noise's texture come
out as they do in a laboratory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.kernels.grey.projection import (
    project_cone,
    project_parallel,
    reconstruct_cone,
    reconstruct_parallel,
)
from poroscale.kernels.noise import tile_generator
from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.part import SolidFraction
from poroscale.phantoms.spectrum import fitting_voltage, transmission
from poroscale.phantoms.streams import PHOTONS, RINGS

if TYPE_CHECKING:
    from torch import Tensor

FloatArray = NDArray[np.float64]
Index = tuple[int, int, int]
Shape = tuple[int, int, int]

SOURCE_DISTANCE = 4.0
"""Of the cone's source from the axis, in extents of the volume: a half angle of some 7 degrees."""

BYTES_PER_VOXEL = 60.0
"""Of the whole volume: the part, its turned planes, the projections and the reconstruction."""


class Beam(NamedTuple):
    """Settings of the scanner.

    Attributes
    ----------
    voltage : float
        Voltage of the tube [kV].
    photons : float
        Signal of a pixel without the part, in photons.
    attenuation : float
        Mean attenuation of the material per voxel, to which the grey scale is set.
    """

    voltage: float
    photons: float
    attenuation: float


@kernel("phantom.TomographyScan")
@dataclass(frozen=True)
class TomographyScan:
    """Grey values of a reconstructed scan; uint16.

    The scan is made once in each process, at the first box that is asked for.
    """

    config: PhantomConfig

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.uint16]:
        """Grey values on the box of `shape` voxels whose first voxel is `origin`."""
        with _LOCK:
            whole = _scan(self.config)
        z, y, x = (slice(o, o + n) for o, n in zip(origin, shape, strict=True))
        return whole[z, y, x].copy()


_LOCK = Lock()


@lru_cache(maxsize=1)
def _scan(config: PhantomConfig) -> NDArray[np.uint16]:
    beam = set_beam(config)
    with _one_thread():
        attenuation = reconstruct(config, beam)
    contrast = config.solid_level - config.air_level
    grey = attenuation * np.float32(contrast / beam.attenuation) + np.float32(config.air_level)
    return np.clip(np.rint(grey), 0, 65535).astype(np.uint16)


def set_beam(config: PhantomConfig) -> Beam:
    """Voltage, photons and grey scale as an operator would set them for this part.

    With exposure 1 and as many projections as the sampling theorem asks for (pi / 2 times the
    detector's width), the noise is `config.noise` of the contrast; each projection gets the same
    exposure however many there are.
    """
    centimetre = config.voxel_size * 1e-4
    thickness = 2 * config.radius * centimetre
    voltage = config.tube_voltage or fitting_voltage(thickness, config.material)
    mean_path = thickness * math.pi / 4
    passed = float(transmission(np.array(mean_path), material=config.material, voltage=voltage))
    attenuation = -math.log(passed) / mean_path * centimetre
    # Variance of filtered back-projection: pi² / (12 projections) times that of a ray.
    full = math.pi / 2 * _bins(config)
    ray_noise = max(config.noise, 1e-3) * attenuation * math.sqrt(12 * full) / math.pi
    photons = config.exposure / (passed * ray_noise**2)
    return Beam(voltage, photons, attenuation)


def reconstruct(config: PhantomConfig, beam: Beam) -> NDArray[np.float32]:
    """Attenuation per voxel of the scanned part, shape `config.shape`."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    count = config.projections or 0
    turn = math.pi if config.beam == "parallel" else 2 * math.pi
    angles = torch.arange(count, dtype=torch.float64) * (turn / count)
    distance = SOURCE_DISTANCE * max(config.shape)
    if config.beam == "parallel":
        paths = project_parallel(_part(config, 0, device), angles, bins=_bins(config))
        rays = _measured(paths, config, beam)
        found = reconstruct_parallel(rays, angles, size=config.shape[1:])
    else:
        margin = _cone_margin(config, distance)
        rows = config.shape[0] + margin
        paths = project_cone(
            _part(config, margin, device), angles, distance=distance, rows=rows, bins=_bins(config)
        )
        rays = _measured(paths, config, beam)
        found = reconstruct_cone(rays, angles, distance=distance, size=config.shape)
    return np.asarray(found.cpu().numpy())


def _bins(config: PhantomConfig) -> int:
    # The part, its roughness and the magnification of the cone fit; a slice's corners do not.
    return math.ceil(1.2 * min(config.shape[1:])) + 4


def _cone_margin(config: PhantomConfig, distance: float) -> int:
    # Slices above and below the volume that its rays pass through.
    reach = 1.1 * math.sqrt(2) * config.radius
    return math.ceil(config.shape[0] / 2 * ((distance + reach) / (distance - reach) - 1)) + 2


def _part(config: PhantomConfig, margin: int, device: object) -> Tensor:
    import torch

    shape = (config.shape[0] + 2 * margin, config.shape[1], config.shape[2])
    solid = SolidFraction(config)((-margin, 0, 0), shape)
    return torch.from_numpy(solid).to(device)  # type: ignore[call-overload]


def _measured(paths: Tensor, config: PhantomConfig, beam: Beam) -> Tensor:
    """Lengths of metal in voxels -> what the detector makes of them, -log(I / I0)."""
    import torch

    generator = tile_generator(config.seed, PHOTONS)
    detector = tile_generator(config.seed, RINGS).standard_normal(tuple(paths.shape[1:]))
    # A pixel that is wrong at every angle becomes a ring.
    offset = 3 * config.rings * beam.attenuation * detector
    for k in range(len(paths)):
        signal = _signal(paths[k].cpu().numpy().astype(np.float64), config, beam)
        if config.noise > 0:
            signal = np.maximum(generator.poisson(beam.photons * signal), 0.5) / beam.photons
        rays = (offset - np.log(signal)).astype(np.float32)
        paths[k] = torch.from_numpy(rays).to(paths.device)
    return paths


def _signal(lengths: FloatArray, config: PhantomConfig, beam: Beam) -> FloatArray:
    """Share of the beam that passes lengths of metal in voxels."""
    if not config.hardening:
        return np.exp(-beam.attenuation * lengths)
    centimetres = lengths * config.voxel_size * 1e-4
    return transmission(centimetres, material=config.material, voltage=beam.voltage)


@contextmanager
def _one_thread() -> Iterator[None]:
    # The bits of torch's sums may change with the number of threads.
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
