"""Memory and work of a tile of SWNN, and the tile that a budget allows."""

from __future__ import annotations

from math import prod

import torch

from poroscale.engine.plan import MIB
from poroscale.kernels.convolution.winograd import chain_bytes
from poroscale.microstructure.tiles import TILE_EDGES, TilePlan, choose_tile, tile_plan
from poroscale.networks.swnn import TORCH_TYPES, Precision, SwnnShape
from poroscale.volume import Shape

LIBRARY_BYTES = 64 * MIB
"""What torch's convolutions keep beside the values, whose layers they hold one and a half times."""


def tile_bytes(
    network: SwnnShape,
    tile: Shape,
    precision: Precision = "float32",
    *,
    winograd: bool = False,
    modulated: bool = False,
) -> int:
    """Bytes that a worker takes for a tile.

    By Winograd's convolutions they are those of a window of planes, elsewhere those of noise twice
    and of two layers of the network. Where a condition varies by place (`modulated`), it is held
    beside the noise, with the factors and shifts of a plane.
    """
    if winograd:
        chain = chain_bytes(network.depth, network.width, network.noise, tile, modulated=modulated)
        return chain + 2 * prod(tile)
    item = torch.empty((), dtype=TORCH_TYPES[precision]).element_size()

    def grown(by: int) -> int:
        return prod(n + (2 * by if n > 1 or network.dimensions == 3 else 0) for n in tile)

    depth = network.depth
    layers = item * network.width * (grown(depth - 1) + grown(max(0, depth - 2)))
    noise = (4 + item) * (network.noise + modulated) * grown(depth)
    plane = grown(depth) // (tile[0] + 2 * depth if network.dimensions == 3 else tile[0])
    tables = 8 * item * network.width * plane if modulated else 0
    return LIBRARY_BYTES + 3 * layers // 2 + noise + tables + 8 * prod(tile)


def tile_work(network: SwnnShape, tile: Shape) -> float:
    """Floating-point operations of a tile."""
    axes = tile if network.dimensions == 3 else tile[1:]
    total, before = 0.0, network.noise
    for layer in range(network.depth):
        grown = prod(n + 2 * (network.depth - 1 - layer) for n in axes)
        total += 2.0 * grown * network.width * before * 3**network.dimensions
        before = network.width
    planes = tile[0] if network.dimensions == 2 else 1
    return planes * (total + 2.0 * prod(axes) * network.width)


def plan_swnn_tile(
    network: SwnnShape,
    *,
    memory: int,
    workers: int = 1,
    shape: Shape | None = None,
    precision: Precision = "float32",
    winograd: bool = False,
    edge: int | None = None,
) -> TilePlan:
    """The tile with the least cost that fits the memory.

    Parameters
    ----------
    network
        Architecture.
    memory, workers
        Bytes of all workers together, and their number.
    shape
        The volume that is made; None for any box.
    precision
        Type in which the network computes.
    winograd
        Whether the convolutions are Winograd's, which hold a window of planes alone.
    edge
        Edge of the tile [voxels]; None tries several.

    Raises
    ------
    MemoryError
        If no tile fits.
    """
    flat = network.dimensions == 2
    voxel = _own_work(network)
    # A window of planes takes no more memory where the tile is longer along z.
    lengths = TILE_EDGES if winograd and not flat and edge is None else ()
    return choose_tile(
        tile_plan(
            tile,
            need=lambda tile: tile_bytes(network, tile, precision, winograd=winograd),
            work=lambda tile: tile_work(network, tile),
            own_work=voxel,
            allowed=memory,
            workers=workers,
            shape=shape,
        )
        for n in (TILE_EDGES if edge is None else (edge,))
        for tile in [(1 if flat else n, n, n), *((long, n, n) for long in lengths)]
    )


def _own_work(network: SwnnShape) -> float:
    """Operations of a voxel where every layer computes it once."""
    taps = 3**network.dimensions
    inner = (network.depth - 1) * network.width**2 * taps
    return 2.0 * (network.noise * network.width * taps + inner + network.width)
