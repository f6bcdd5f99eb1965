"""The truth about a phantom's pores, one row per pore, written as Parquet.

Every pore is voxelised on its own in its bounding box, so the table needs no pass over the volume
and equals what a 6-connected labelling of the truth volume finds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.parts.analytic_shapes import AXES, CENTRE, FRAME, shape_volumes
from poroscale.kernels.parts.voxel_truth import (
    AT_EDGE,
    COUNT,
    OPEN,
    PIECES,
    SUM_X,
    SUM_Z,
    voxelise,
)
from poroscale.phantoms.candidates import CLASSES
from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.plan import phantom_plan
from poroscale.storage.parquet_files import write_parquet

if TYPE_CHECKING:
    import pandas as pd

FloatArray = NDArray[np.float64]

UNITS = {
    "label": "1",
    "id": "1",
    "voxel_count": "voxel",
    "volume_um3": "um3",
    "analytic_volume_um3": "um3",
    "equivalent_diameter_um": "um",
    "centroid_z_um": "um",
    "centroid_y_um": "um",
    "centroid_x_um": "um",
    "centre_z_um": "um",
    "centre_y_um": "um",
    "centre_x_um": "um",
    "semi_axis_a_um": "um",
    "semi_axis_b_um": "um",
    "semi_axis_c_um": "um",
    "pole_angle_deg": "deg",
    "pole_azimuth_deg": "deg",
    "pieces": "1",
}
"""Units of the columns; those that are left out have none."""


def truth_table(config: PhantomConfig) -> pd.DataFrame:
    """Table of every pore that has a voxel in the volume.

    Returns
    -------
    pandas.DataFrame
        Sorted by `label`. Columns:

        - `label`: the number that a 6-connected labelling in scan order gives the pore (its
          largest piece, for the few flat pores that the grid cuts into several `pieces`);
          `id`: the number in `PoreIds`;
        - `class`: "gas", "keyhole" or "lack_of_fusion";
        - `voxel_count`, `volume_um3`, `equivalent_diameter_um` and `centroid_*_um` of the voxels
          inside the part and the volume;
        - `analytic_volume_um3`, `centre_*_um`, `semi_axis_*_um` of the whole shape; a and b lie
          across the pole, c along it;
        - `pole_angle_deg` of axis c to the build direction (0-90) and `pole_azimuth_deg` from x
          towards y (0-180);
        - `open`: a voxel shares a face with the outside; `at_edge`: a voxel lies on the edge of
          the volume.
    """
    import pandas as pd

    plan = phantom_plan(config)
    statistics, pieces = voxelise(plan.outline, plan.pores, config.shape)
    labels = _scan_order_labels(pieces, len(plan.pores))
    seen = np.flatnonzero(statistics[:, COUNT] > 0)
    seen = seen[np.argsort(labels[seen], kind="stable")]
    found, pores = statistics[seen], plan.pores[seen]
    voxel = config.voxel_size
    volume = found[:, COUNT] * voxel**3
    columns: dict[str, Any] = {
        "label": labels[seen],
        "id": seen + 1,
        "class": np.array(CLASSES, dtype=object)[plan.kinds[seen]],
        "voxel_count": found[:, COUNT],
        "volume_um3": volume,
        "analytic_volume_um3": shape_volumes(pores) * voxel**3,
        "equivalent_diameter_um": np.cbrt(6 * volume / np.pi),
    }
    centroids = (found[:, SUM_Z : SUM_X + 1] / found[:, [COUNT]] + 0.5) * voxel
    angle, azimuth = _pole_angles(pores)
    columns |= {f"centroid_{axis}_um": centroids[:, k] for k, axis in enumerate("zyx")}
    columns |= {f"centre_{axis}_um": pores[:, CENTRE][:, k] * voxel for k, axis in enumerate("zyx")}
    columns |= {f"semi_axis_{n}_um": pores[:, AXES][:, k] * voxel for k, n in enumerate("abc")}
    columns |= {"pole_angle_deg": angle, "pole_azimuth_deg": azimuth, "pieces": found[:, PIECES]}
    columns |= {"open": found[:, OPEN] > 0, "at_edge": found[:, AT_EDGE] > 0}
    return pd.DataFrame(columns)


def _scan_order_labels(pieces: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Label of each pore's largest piece when all pieces are numbered by their first voxel."""
    numbers = np.empty(len(pieces), np.int64)
    numbers[np.argsort(pieces[:, 1], kind="stable")] = np.arange(1, len(pieces) + 1)
    labels = np.zeros(count, np.int64)
    # Ascending in size, so that the largest piece of a pore is written last.
    order = np.lexsort((-pieces[:, 1], pieces[:, 2]))
    labels[pieces[order, 0]] = numbers[order]
    return labels


def _pole_angles(pores: FloatArray) -> tuple[FloatArray, FloatArray]:
    pole = pores[:, FRAME][:, 6:9]
    angle = np.degrees(np.arccos(np.clip(np.abs(pole[:, 0]), 0, 1)))
    azimuth = np.degrees(np.arctan2(pole[:, 1], pole[:, 2])) % 180
    return angle, azimuth


def write_truth(path: Path, config: PhantomConfig) -> Path:
    """Write the truth table, with the units and the configuration in its metadata.

    The file appears under its name when it is complete. Returns the path.
    """
    import pyarrow as pa

    frame = truth_table(config)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = [
        f.with_metadata({"unit": UNITS[f.name]}) if f.name in UNITS else f for f in table.schema
    ]
    note = json.dumps(config.model_dump(mode="json"), sort_keys=True)
    table = table.cast(pa.schema(fields, metadata={"phantom": note}))
    return write_parquet(table, path)
