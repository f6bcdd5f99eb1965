"""Networks as samplers: computed on tiles that are fixed in space, cropped to the box asked for.

The bits of a convolution change with the shape of its input. So space is cut into tiles of one
shape for ever, tile (i, j, k) begins at (i, j, k) times its edges, and a network computes whole
tiles alone, each in a batch of one by one thread. Then a voxel does not depend on the box, on the
blocks, on the worker or on the order of the calls. What a block needs of a tile that reaches beyond
it is computed again by the next block; blocks of whole tiles waste nothing.

Each tile reads noise `halo` voxels beyond its faces. A large tile spends less on this halo and
takes more memory; `choose_tile` weighs one against the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil, prod

from poroscale.engine.plan import in_mib
from poroscale.volume import Shape

TILE_EDGES = (32, 48, 64, 80, 96, 112, 128, 160, 192, 256)
"""Edges of tiles among which the plan chooses [voxels]."""


def tile_chunks(tile: Shape, about: int = 128) -> Shape:
    """Chunks of a volume that is filled by tiles, of `about` voxels or less than twice as many.

    Whole tiles where one fits, or the largest whole part of a tile.
    """
    z, y, x = (_edge(edge, about) for edge in tile)
    return z, y, x


def _edge(tile: int, about: int) -> int:
    if tile < 2 * about:
        return tile * max(1, about // tile)
    return max(part for part in range(1, about + 1) if tile % part == 0)


@dataclass(frozen=True)
class TilePlan:
    """A tile in numbers; `str` states it in words.

    Attributes
    ----------
    tile
        Shape [voxels].
    bytes
        Memory that one worker takes to compute it.
    workers
        Tiles that are computed at a time.
    allowed
        Memory for all of them [bytes].
    halo_cost
        Work that a tile takes, over that of its own voxels without a halo; at least 1.
    filled
        Share of the computed voxels that lie in the volume it was chosen for.
    busy
        Share of the time in which all workers have a tile of that volume to compute.
    """

    tile: Shape
    bytes: int
    workers: int
    allowed: int
    halo_cost: float
    filled: float = 1.0
    busy: float = 1.0

    @property
    def cost(self) -> float:
        """Time over that of the volume's voxels without halo, all workers busy."""
        return self.halo_cost / (self.filled * self.busy)

    @property
    def in_short(self) -> str:
        """Tile and halo in words."""
        z, y, x = self.tile
        cost = 100 * (self.halo_cost - 1)
        return f"tiles of {z} x {y} x {x} voxels: their halo costs {cost:.0f} % more work"

    @property
    def fits(self) -> bool:
        """Whether all workers stay inside the memory."""
        return self.bytes * self.workers <= self.allowed

    def __str__(self) -> str:
        z, y, x = self.tile
        return (
            f"tiles of {z} x {y} x {x} voxels, {self.workers} at a time: "
            f"{in_mib(self.bytes * self.workers)} of {in_mib(self.allowed)} memory, the halo costs "
            f"{100 * (self.halo_cost - 1):.0f} % more work, {100 * self.filled:.0f} % of the "
            "computed voxels lie in the volume"
        )


def tile_plan(
    tile: Shape,
    *,
    need: Callable[[Shape], int],
    work: Callable[[Shape], float],
    own_work: float,
    allowed: int,
    workers: int = 1,
    shape: Shape | None = None,
) -> TilePlan:
    """The plan of one tile.

    Parameters
    ----------
    tile
        Shape [voxels].
    need
        Bytes that a worker takes for a tile of a shape.
    work
        Operations that a tile of a shape takes with its halo.
    own_work
        Operations that a voxel would take without any halo.
    allowed, workers
        Memory of all workers [bytes], and their number.
    shape
        The volume that is made; None for any box.
    """
    filled = busy = 1.0
    if shape is not None:
        count = prod(ceil(n / t) for n, t in zip(shape, tile, strict=True))
        filled = prod(shape) / (count * prod(tile))
        busy = count / (ceil(count / workers) * workers)
    halo_cost = work(tile) / (own_work * prod(tile))
    return TilePlan(tile, need(tile), workers, allowed, halo_cost, filled, busy)


def choose_tile(plans: Iterable[TilePlan]) -> TilePlan:
    """The tile with the least cost of those that fit; of equal ones the smallest.

    Raises
    ------
    MemoryError
        If none fits.
    """
    found = sorted(plans, key=lambda plan: (plan.cost, plan.bytes))
    if not found:
        raise ValueError("tiles must be one or more, got none")
    for plan in found:
        if plan.fits:
            return plan
    return refuse_large(min(found, key=lambda plan: plan.bytes))


def refuse_large(plan: TilePlan) -> TilePlan:
    """The plan; MemoryError if its tile exceeds the memory."""
    if plan.fits:
        return plan
    z, y, x = plan.tile
    each = f" for {plan.workers} workers" if plan.workers > 1 else ""
    raise MemoryError(
        f"memory must be at least {in_mib(plan.bytes * plan.workers)} for tiles of "
        f"{z} x {y} x {x} voxels{each}, got {in_mib(plan.allowed)}; raise `memory`, "
        "or use a smaller `tile` or fewer `workers`"
    )
