"""Memory and disk of a streamed solution: slabs and aggregates that a budget holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from poroscale.engine import JobPlan, Run
from poroscale.engine.plan import Need, TooLittleMemoryError
from poroscale.engine.stage import plan_stages
from poroscale.transport.conduction.streamed.flux import field_bytes
from poroscale.transport.conduction.streamed.slabs import SlabMedium
from poroscale.volume import VolumeSpec

EDGES = (2, 4, 8, 16)
"""Edges of the blocks of an aggregate, from those that need most memory on."""
NODES = {2: 0.18, 4: 0.036, 8: 0.009, 16: 0.0025}
"""Aggregates over voxels that conduct, by the edge; noise has more."""
OF_NODE = 150
"""Bytes of an aggregate with its links, its vectors and all coarser levels, while they are made."""
STORED_NODE = 70
"""Bytes of an aggregate with its links on the disk."""
THICK, THIN = (64, 32, 16), (8, 4, 2)
"""Planes of a slab: those to begin with, and those for little memory."""
LARGEST = 48 << 20
"""Voxels of a slab that is not made larger than need be."""
CHUNKS = 6
"""Chunks of the volume that are in memory while a box is read."""
READ, WRITTEN = 28, 12
"""Bytes for each voxel that carries current that an iteration reads and writes. It also reads the
codes twice, compressed."""


@dataclass(frozen=True)
class SlabLayout:
    """How a volume is solved.

    Attributes
    ----------
    thickness
        Planes of a slab.
    edge
        Edge of the blocks of an aggregate.
    coarse
        Bytes that the aggregates may take.
    plan
        Memory and disk of the passes.
    """

    thickness: int
    edge: int
    coarse: int
    plan: JobPlan


def needs_of_slabs(
    medium: SlabMedium, *, share: float, mean: float = 1.0, coarse: int = 0
) -> dict[str, Need]:
    """Need of each pass.

    Parameters
    ----------
    medium
        The volume.
    share, mean
        Voxels that conduct over those of a slab, at the most and in the mean.
    coarse
        Bytes that the aggregates take in memory.
    """
    volume = medium.volume
    width = volume.dtype.itemsize
    chunk = CHUNKS * prod(volume.chunks) * width
    margin = (1, 1, 1)
    graph = coarse * STORED_NODE / OF_NODE / prod(medium.shape)
    x_and_z, p = 2 * 8.8 * mean, 2 * 4.4 * mean  # those before lie there until a pass has ended
    return {
        "phases": Need(temporary=width + 12, halo=margin, fixed=chunk, stored=1.1),
        "aggregates": Need(temporary=8 + 46 * share, halo=margin, stored=1.1 + 4.4 * mean + graph),
        "descend": Need(temporary=8 + 28 * share, halo=margin, driver=coarse, stored=x_and_z),
        "rise": Need(temporary=8 + 28 * share, halo=margin, driver=coarse, stored=p),
        "flux": Need(temporary=16 + 12 * share, halo=margin, stored=0.05),
    }


def plan_slabs(
    medium: SlabMedium, conducting: int, run: Run, *, fields: bool = False
) -> SlabLayout:
    """Slabs and aggregates for a volume with so many voxels that conduct.

    The smallest aggregates that fit in memory with slabs of some planes; where none do, the
    thickest slabs with larger ones. With `fields`, local fields are kept, too.

    Raises
    ------
    MemoryError
        If the budget holds none.
    """
    share = conducting / prod(medium.shape)
    refused: TooLittleMemoryError | None = None
    for thickness, edge in _layouts(medium, run):
        coarse = int(OF_NODE * NODES[edge] * conducting)
        most = min(1.0, 1.25 * share + 0.05)
        needs = needs_of_slabs(medium, share=most, mean=share, coarse=coarse)
        if fields:
            taken = field_bytes(replace(medium, thickness=thickness), most)
            block = 4 * prod(min(256, n) for n in medium.shape)
            needs["fields"] = Need(fixed=taken + block, driver=coarse, stored=16)
        try:
            plans = _plans(medium, thickness, edge, needs, run)
        except TooLittleMemoryError as error:
            refused = error
            continue
        spare = min(plan.spare for plan in plans.stages.values())
        return SlabLayout(thickness, edge, coarse + spare, plans)
    assert refused is not None
    raise refused


def _plans(
    medium: SlabMedium, thickness: int, edge: int, needs: Mapping[str, Need], run: Run
) -> JobPlan:
    depth, height, width = medium.shape
    chunk = min(edge, depth), height, width
    spec = VolumeSpec(medium.shape, np.dtype(np.uint8), (1.0, 1.0, 1.0), chunks=chunk)
    block = min(thickness, depth), height, width
    notes = {
        "solver": f"streamed in slabs of {block[0]} planes, with aggregates of {edge} x {edge} x "
        f"{edge} voxels in memory; an iteration reads {READ} and writes {WRITTEN} bytes for each "
        "voxel that carries current, and reads the phases twice"
    }
    return JobPlan(plan_stages(spec, needs, run.but(block=block)), notes)


def _layouts(medium: SlabMedium, run: Run) -> Iterator[tuple[int, int]]:
    """Thickness and edge, in the order in which they are tried."""
    depth, height, width = medium.shape
    if run.block is not None:
        asked = run.block[medium.drive.axis]
        for edge in EDGES:
            yield max(edge, asked // edge * edge), edge
        return
    thick = [n for n in THICK if n * height * width <= LARGEST or n == THICK[-1]]
    few = [n for n in thick if 2 * n <= depth] or thick[-1:]
    for edge in EDGES:
        yield from ((n, edge) for n in few)
    for thin in THIN:
        yield from ((thin, edge) for edge in EDGES if edge <= thin)
