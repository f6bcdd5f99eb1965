"""Inputs of the contenders: made once, block by block, and kept in a folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import fill_blocks
from poroscale.identity import kernel
from poroscale.volume import Index, Shape, Volume, VolumeSpec

TILE = 240
"""Edge of the periodic tile; no multiple of a block, so that no two seams are alike."""
SIGMA = 2.16
"""Voxels; gives 48,000 pores in 512³."""
FRACTION = 0.02
VOXEL_UM = 5.0


@kernel("bench.SparsePores")
@dataclass(frozen=True)
class SparsePores:
    """Pores of smoothed Gaussian noise on a periodic tile: 0 solid, 1 pore.

    Attributes
    ----------
    seed
        Seed of the noise.
    sigma
        Width of the smoothing [voxels].
    fraction
        Share of the pores.
    """

    seed: int = 0
    sigma: float = SIGMA
    fraction: float = FRACTION

    @cached_property
    def tile(self) -> NDArray[np.uint8]:
        """One period, uint8 (240, 240, 240)."""
        from scipy.ndimage import gaussian_filter

        noise = np.random.default_rng(self.seed).standard_normal((TILE,) * 3, np.float32)
        smooth = gaussian_filter(noise, self.sigma, mode="wrap")
        return (smooth > np.quantile(smooth, 1 - self.fraction)).astype(np.uint8)

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """The box of `shape` at `origin`."""
        axes = [np.arange(o, o + n) % TILE for o, n in zip(origin, shape, strict=True)]
        return self.tile[np.ix_(*axes)]


def sparse_pores(folder: Path, edge: int) -> Path:
    """A mask of edge³ voxels with 2 % pores; left alone where it is finished."""
    return _filled(folder / f"sparse-{edge}.zarr", SparsePores(), edge)


def rock(folder: Path, edge: int) -> Path:
    """A mask of edge³ voxels with 25 % of connected pores; left alone where it is finished."""
    return _filled(
        folder / f"rock-{edge}.zarr", SparsePores(seed=1, sigma=4.0, fraction=0.25), edge
    )


def _filled(out: Path, sampler: SparsePores, edge: int) -> Path:
    _ = sampler.tile  # once here, not once in each of the threads
    spec = VolumeSpec((edge,) * 3, np.dtype(np.uint8), (VOXEL_UM,) * 3)
    recipe = {"sampler": "SparsePores", "tile": TILE, **asdict(sampler)}
    fill_blocks(sampler, out, spec=spec, recipe=recipe)
    return out


def coupon(folder: Path, edge: int) -> Path:
    """A 16-bit scan of edge³ voxels of a printed coupon; left alone where it is finished."""
    from poroscale.phantoms import PhantomConfig, phantom

    out = folder / f"coupon-{edge}.zarr"
    config = PhantomConfig(shape=(edge, edge, edge), voxel_size=VOXEL_UM, seed=1)
    return phantom(out, config=config).scan.path


def tiff_stack(scan: Path) -> Path:
    """`scan` as a folder of uncompressed 16-bit TIFF slices beside it."""
    import tifffile

    folder = scan.with_suffix(".tiffs")
    for origin, slab in _slabs(Volume.open(scan), folder):
        for k, image in enumerate(slab):
            tifffile.imwrite(folder / f"slice_{origin + k:05d}.tif", image)
    _finish(folder)
    return folder


def npy_file(scan: Path) -> Path:
    """`scan` as one .npy file beside it."""
    volume, folder = Volume.open(scan), scan.with_suffix(".npys")
    path = folder / "scan.npy"
    for origin, slab in _slabs(volume, folder):
        if origin == 0:
            header = {"descr": slab.dtype.str, "fortran_order": False, "shape": volume.shape}
            with path.open("wb") as file:
                np.lib.format.write_array_header_1_0(file, header)
        with path.open("ab") as file:
            file.write(slab.tobytes())
    _finish(folder)
    return path


def _slabs(volume: Volume, folder: Path) -> Any:
    """(z, voxels) of slabs one chunk thick; none where `folder` has been finished before."""
    if (folder / "finished").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    depth, (nz, ny, nx) = volume.chunks[0], volume.shape
    for z in range(0, nz, depth):
        yield z, volume.read((z, 0, 0), (min(depth, nz - z), ny, nx))


def _finish(folder: Path) -> None:
    (folder / "finished").touch()
