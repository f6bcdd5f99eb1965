"""The verb `phantom`: a scan with a known truth.

Writes SCAN.zarr (grey values), SCAN.truth.zarr (phases) and SCAN.truth.parquet (pores). Without
`projections` the scan is modelled in the image, block by block, at any size; with them it is
projected and reconstructed, which needs the whole volume in memory and is bounded in size.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.engine import JobPlan, Pass, Run, fill_pass, plan_job
from poroscale.engine.passes import named
from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.image import BYTES_PER_VOXEL, ImageScan
from poroscale.phantoms.part import PartPhases
from poroscale.phantoms.tomography import BYTES_PER_VOXEL as TOMOGRAPHY_BYTES
from poroscale.phantoms.tomography import TomographyScan
from poroscale.phantoms.truth import write_truth
from poroscale.verb import Section, verb
from poroscale.volume import Volume, VolumeSpec

VERSION = 1
"""Of the phantom's definition: a change of any voxel raises it."""
TRUTH_BYTES = 4.0
"""Temporary bytes per voxel of the phases."""


@dataclass(frozen=True)
class Phantom:
    """A finished phantom: its scan, its phases and the path of its table of pores."""

    scan: Volume
    truth: Volume
    table: Path


def truth_paths(out: Path) -> tuple[Path, Path]:
    """Paths of the truth of a scan: `X.zarr` -> (`X.truth.zarr`, `X.truth.parquet`)."""
    stem = out.name.removesuffix(".zarr")
    return out.with_name(f"{stem}.truth.zarr"), out.with_name(f"{stem}.truth.parquet")


@verb("phantom", Section.of("phantom", PhantomConfig), plan="plan_phantom")
def phantom(out: str | Path, *, config: PhantomConfig, run: Run | None = None) -> Phantom:
    """Generate a printed coupon with pores, and scan it.

    Parameters
    ----------
    out : Path
        Scan to write; the truth is written beside it (`truth_paths`).
    config : PhantomConfig
        The part and the scanner.
    run : Run, optional
        Memory, workers and cluster; no byte of the output depends on it.

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
    out, run = Path(out), (run or Run()).but(job="phantom")
    described = {"phantom": config.model_dump(mode="json"), "version": VERSION}
    truth_path, table_path = truth_paths(out)
    _, declared = passes(config)
    about = {"kind": "phases", "source": described}
    truth = _fill(declared["truth"], truth_path, config, about, run)
    table = write_truth(table_path, config)
    scan = _fill(declared["scan"], out, config, about | {"kind": "scan"}, run)
    return Phantom(scan, truth, table)


def passes(config: PhantomConfig) -> tuple[VolumeSpec, dict[str, Pass]]:
    """The scan that `config` describes, and what makes it."""
    spec = VolumeSpec(config.shape, np.dtype(np.uint16), (config.voxel_size,) * 3)
    truth = Pass("truth", PartPhases(config), writes=np.uint8, temporary=TRUTH_BYTES)
    if config.projections is None:
        scan = Pass("scan", ImageScan(config), writes=np.uint16, temporary=BYTES_PER_VOXEL)
    else:
        scan = Pass("scan", TomographyScan(config), writes=np.uint16, temporary=TOMOGRAPHY_BYTES)
    return spec, named(truth, scan)


def plan_phantom(*, config: PhantomConfig, run: Run | None = None) -> JobPlan:
    """The plan of `phantom`.

    Raises
    ------
    MemoryError
        If the budget cannot hold a block.
    """
    return plan_job(*passes(config), run or Run())


def _fill(
    declared: Pass, out: Path, config: PhantomConfig, attributes: dict[str, Any], run: Run
) -> Volume:
    spec = VolumeSpec(
        shape=config.shape,
        dtype=declared.written,
        voxel_size=(config.voxel_size,) * 3,
        attributes=attributes,
    )
    recipe = {"sampler": type(declared.kernel).__name__, **attributes["source"]}
    return fill_pass(declared, out, spec=spec, recipe=recipe, run=run)
