"""Blocks to volumes; the only place that knows dask. Its design is told in `DESIGN.md`."""

from poroscale.engine.blocks import (
    Halo,
    Reduction,
    fill_blocks,
    map_blocks,
    reduce_blocks,
    volume_from_array,
)
from poroscale.engine.grid import BlockGrid, Box
from poroscale.engine.labels import Components, Labelled, count_components, label_blocks
from poroscale.engine.run import Run
from poroscale.engine.stitching.lattice import Lattice, Windows
from poroscale.engine.stitching.tasks import Infer
from poroscale.engine.stitching.windows import (
    WindowCounts,
    stitch_windows,
    window_counts,
    window_need,
)
from poroscale.engine.workers.cluster import connect
from poroscale.engine.workers.models import load_once

__all__ = [
    "BlockGrid",
    "Box",
    "Components",
    "Halo",
    "Infer",
    "Labelled",
    "Lattice",
    "Reduction",
    "Run",
    "WindowCounts",
    "Windows",
    "connect",
    "count_components",
    "fill_blocks",
    "label_blocks",
    "load_once",
    "map_blocks",
    "reduce_blocks",
    "stitch_windows",
    "volume_from_array",
    "window_counts",
    "window_need",
]
