"""Blocks to volumes; the only package that knows dask. `DESIGN.md` describes its design."""

from poroscale.engine.blocks import (
    fill_blocks,
    fill_pass,
    map_blocks,
    map_pass,
    reduce_blocks,
    reduce_pass,
    volume_from_array,
)
from poroscale.engine.grid import BlockGrid, Box
from poroscale.engine.inputs import Halo
from poroscale.engine.job_plan import JobPlan, plan_job
from poroscale.engine.labels import (
    Components,
    Labelled,
    LabelPass,
    count_components,
    count_pass,
    label_blocks,
    label_pass,
)
from poroscale.engine.passes import Pass, Reduction
from poroscale.engine.run import Run
from poroscale.engine.stitching.lattice import Lattice, Windows
from poroscale.engine.stitching.memory import WindowPass, window_need
from poroscale.engine.stitching.tasks import Infer
from poroscale.engine.stitching.windows import (
    WindowCounts,
    stitch_pass,
    stitch_windows,
    window_counts,
)
from poroscale.engine.workers.cluster import available_cores, connect
from poroscale.engine.workers.models import forget_models, load_once

__all__ = [
    "BlockGrid",
    "Box",
    "Components",
    "Halo",
    "Infer",
    "JobPlan",
    "LabelPass",
    "Labelled",
    "Lattice",
    "Pass",
    "Reduction",
    "Run",
    "WindowCounts",
    "WindowPass",
    "Windows",
    "available_cores",
    "connect",
    "count_components",
    "count_pass",
    "fill_blocks",
    "fill_pass",
    "forget_models",
    "label_blocks",
    "label_pass",
    "load_once",
    "map_blocks",
    "map_pass",
    "plan_job",
    "reduce_blocks",
    "reduce_pass",
    "stitch_pass",
    "stitch_windows",
    "volume_from_array",
    "window_counts",
    "window_need",
]
