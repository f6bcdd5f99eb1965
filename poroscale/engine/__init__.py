"""Blocks to volumes; the only place that knows dask. Its design is told in `DESIGN.md`."""

from poroscale.engine.blocks import (
    Halo,
    Reduction,
    fill_blocks,
    map_blocks,
    reduce_blocks,
    volume_from_array,
)
from poroscale.engine.cluster import connect
from poroscale.engine.grid import BlockGrid, Box
from poroscale.engine.run import Run

__all__ = [
    "BlockGrid",
    "Box",
    "Halo",
    "Reduction",
    "Run",
    "connect",
    "fill_blocks",
    "map_blocks",
    "reduce_blocks",
    "volume_from_array",
]
