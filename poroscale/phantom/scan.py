"""The verb `phantom`: a scan with a known truth.

Writes SCAN.zarr (grey values), SCAN.truth.zarr (phases) and SCAN.truth.parquet (pores). Without
`projections` the scan is modelled in the image, block by block, at any size; with them it is
projected and reconstructed, which needs the whole volume in memory and is bounded in size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.engine import Run, fill_blocks
from poroscale.engine.plan import Need
from poroscale.phantom.config import PhantomConfig
from poroscale.phantom.image import BYTES_PER_VOXEL, ImageScan
from poroscale.phantom.part import PartPhases
from poroscale.phantom.tomography import BYTES_PER_VOXEL as TOMOGRAPHY_BYTES
from poroscale.phantom.tomography import TomographyScan
from poroscale.phantom.truth import write_truth
from poroscale.volume import Volume, VolumeSpec

VERSION = 1
"""Of the phantom's definition: a change of any voxel raises it."""


@dataclass(frozen=True)
class Phantom:
    """A finished phantom: its scan, its phases and the path of its table of pores."""

    scan: Volume
    truth: Volume
    table: Path


def truth_paths(out: Path) -> tuple[Path, Path]:
    """Where the truth of a scan lies: `X.zarr` -> (`X.truth.zarr`, `X.truth.parquet`)."""
    stem = out.name.removesuffix(".zarr")
    return out.with_name(f"{stem}.truth.zarr"), out.with_name(f"{stem}.truth.parquet")


def phantom(out: Path, *, config: PhantomConfig, run: Run | None = None) -> Phantom:
    """Generate a printed coupon with pores, and scan it.

    Parameters
    ----------
    out : Path
        Scan to write; the truth is written beside it (`truth_paths`).
    config : PhantomConfig
        The part and the scanner.
    run : Run, optional
        How to run; no byte of the output depends on it.

    Returns
    -------
    Phantom
        `scan` is uint16 grey, `truth` uint8 (0 outside, 1 solid, 2 pore); both keep the
        configuration in their attributes.

    Raises
    ------
    ValueError
        If the pores do not fit the part, or an output exists that was made otherwise.
    """
    out, run = Path(out), run or Run()
    described = {"phantom": config.model_dump(mode="json"), "version": VERSION}
    truth_path, table_path = truth_paths(out)
    truth = _fill(
        PartPhases(config),
        truth_path,
        dtype=np.uint8,
        attributes={"kind": "phases", "source": described},
        bytes_per_voxel=4.0,
        run=run,
    )
    table = write_truth(table_path, config)
    image_space = config.projections is None
    scan = _fill(
        ImageScan(config) if image_space else TomographyScan(config),
        out,
        dtype=np.uint16,
        attributes={"kind": "scan", "source": described},
        bytes_per_voxel=BYTES_PER_VOXEL if image_space else TOMOGRAPHY_BYTES,
        run=run,
    )
    return Phantom(scan, truth, table)


def needs(config: PhantomConfig) -> tuple[VolumeSpec, dict[str, Need]]:
    """The scan that `config` describes, and what its stages take in memory and on disk."""
    spec = VolumeSpec(config.shape, np.dtype(np.uint16), (config.voxel_size,) * 3)
    temporary = BYTES_PER_VOXEL if config.projections is None else TOMOGRAPHY_BYTES
    truth = Need(write=1, temporary=4.0)
    return spec, {"truth": truth, "scan": Need(write=2, temporary=temporary)}


def _fill(
    sampler: Callable[..., Any],
    out: Path,
    *,
    dtype: type[np.generic],
    attributes: dict[str, Any],
    bytes_per_voxel: float,
    run: Run,
) -> Volume:
    described = attributes["source"]
    config: dict[str, Any] = described["phantom"]
    spec = VolumeSpec(
        shape=tuple(config["shape"]),
        dtype=np.dtype(dtype),
        voxel_size=(config["voxel_size"],) * 3,
        attributes=attributes,
    )
    recipe = {"sampler": type(sampler).__name__, **described}
    return fill_blocks(
        sampler, out, spec=spec, recipe=recipe, bytes_per_voxel=bytes_per_voxel, run=run
    )
