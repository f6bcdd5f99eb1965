"""The segmentations that are judged. Another one needs a function and a line of `METHODS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Run
from poroscale.pore_analysis import measure_pores
from poroscale.report.cautions import cautions
from poroscale.segmentation import LocalConfig, OtsuConfig, SegmentConfig, segment_scan
from poroscale.volume import Volume

Pores = NDArray[np.float64]
QUIET = Run(progress=False)


@dataclass(frozen=True, eq=False)
class Found:
    """Findings of a method in a scan; volumes in voxels.

    Attributes
    ----------
    porosity
        Pore volume over the volume of the part.
    part_volume
        Volume of the part with its pores.
    pores
        One row for each pore: its volume and its centroid z, y, x, where voxel centres lie at
        index + 0.5; float64 (n, 4).
    low, high
        Interval in which the porosity is said to lie; None where the method gives none.
    warnings
        Warnings of the method to the reader of a result that may be wrong.
    """

    porosity: float
    part_volume: float
    pores: Pores
    low: float | None = None
    high: float | None = None
    warnings: tuple[str, ...] = ()


Method = Callable[[Volume, Path], Found]
"""(scan, empty folder to work in) -> what was found; a ValueError is a refusal."""


def by_otsu(scan: Volume, out: Path) -> Found:
    """Two thresholds by Otsu's rule, as published (Iuso et al. 2024, Algorithm 1)."""
    return _segmented(scan, out, OtsuConfig(sensitivity=()))


def by_iso50(scan: Volume, out: Path) -> Found:
    """The same with the inner threshold midway between outside and solid."""
    return _segmented(scan, out, OtsuConfig(inner_rule="iso50", sensitivity=()))


def by_script(scan: Volume, _out: Path) -> Found:
    """Ten lines of scikit-image: one threshold, a flood from the corners, the rest of the dark."""
    from scipy.ndimage import label
    from skimage.filters import threshold_otsu

    grey = scan.read()
    dark, _ = label(grey <= threshold_otsu(grey))
    corners = np.unique(dark[:: dark.shape[0] - 1, :: dark.shape[1] - 1, :: dark.shape[2] - 1])
    outside = np.isin(dark, corners[corners > 0])
    labels, count = label((dark > 0) & ~outside)
    part = float(np.count_nonzero(~outside))
    if not part:
        raise ValueError(f"{scan.path} is dark everywhere")
    return Found(float(np.count_nonzero(labels)) / part, part, _centroids(labels, count))


def by_local(scan: Volume, out: Path) -> Found:
    """Local levels and partial volume: the default of `segment` and `analyse`."""
    return _segmented(scan, out, LocalConfig())


METHODS: dict[str, Method] = {
    "auto": by_local,
    "otsu": by_otsu,
    "iso50": by_iso50,
    "script": by_script,
}
"""Name in the table -> method."""


def _segmented(scan: Volume, out: Path, config: SegmentConfig) -> Found:
    """Findings from phases and their pore table."""
    import pandas as pd

    kept = out / "shares.zarr" if isinstance(config, LocalConfig) else None
    phases = segment_scan(scan, out / "phases.zarr", shares=kept, config=config, run=QUIET)
    shares = Volume.open(kept) if kept else None
    said = phases.attributes["segmentation"]
    table = pd.read_parquet(measure_pores(phases, out / "pores", shares=shares, run=QUIET))
    columns = [table["volume_um3"].to_numpy(float) / np.prod(phases.voxel_size)]
    for axis, edge in zip("zyx", phases.voxel_size, strict=True):
        columns.append(table[f"centroid_{axis}_um"].to_numpy(float) / edge)
    return Found(
        said["porosity"],
        said["part_voxels"],
        np.column_stack(columns),
        said.get("porosity_low"),
        said.get("porosity_high"),
        warnings=tuple(cautions({}, said)),
    )


def _centroids(labels: NDArray[np.int32], count: int) -> Pores:
    """Volume and centroid of each label."""
    places = np.nonzero(labels)
    owner = labels[places] - 1
    volume = np.bincount(owner, minlength=count)
    sums = [np.bincount(owner, weights=axis + 0.5, minlength=count) for axis in places]
    return np.column_stack([volume, *(total / np.maximum(volume, 1) for total in sums)])
