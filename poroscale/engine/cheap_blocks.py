"""The block that costs least, for passes whose work depends on it.

By default the memory plan takes cubes of about 256 voxels. A pass that needs a halo reads less if
its blocks span the volume along y and x; it then has neighbours along z alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import product

from poroscale.engine.job_plan import plan_job
from poroscale.engine.passes import Pass
from poroscale.engine.run import Run
from poroscale.volume import Shape, Volume

DOUBLINGS = 12
"""Blocks of 1, 2, 4 ... 2048 chunks along an axis are tried."""


def in_cheapest_block(
    volume: Volume,
    declare: Callable[[Shape], Pass],
    cost: Callable[[Shape, int], float],
    run: Run,
) -> tuple[Pass, Run]:
    """The pass in the cheapest block that fits the memory, and the run with this block.

    Parameters
    ----------
    volume
        The volume over which it passes.
    declare
        The pass in blocks of a shape.
    cost
        Time that blocks of a shape take with so many workers, in any unit.
    run
        Memory and workers; a block that it states is kept.

    Raises
    ------
    MemoryError
        If no block fits.
    """
    workers = run.workers or os.cpu_count() or 1
    blocks = [run.block] if run.block else _blocks(volume.shape, volume.chunks)
    refused: MemoryError | None = None
    for _, block in sorted((cost(block, workers), block) for block in blocks):
        declared, tried = declare(block), run.but(block=block)
        try:
            plan_job(volume.spec, {declared.title: declared}, tried)
        except MemoryError as error:
            refused = error
        else:
            return declared, tried
    raise refused or MemoryError("no block fits the memory")


def _blocks(shape: Shape, chunks: Shape) -> list[Shape]:
    edges = [
        sorted({min(c << k, -(-n // c) * c) for k in range(DOUBLINGS)})
        for c, n in zip(chunks, shape, strict=True)
    ]
    return [(z, y, x) for z, y, x in product(*edges)]
