"""Memory and work of a tile of SliceGAN, and the tile that a budget allows."""

from __future__ import annotations

import itertools
from math import prod

import torch

from poroscale.engine.plan import MIB
from poroscale.kernels.convolution.transposed import paired_of, scratch_bytes, weight_bytes
from poroscale.microstructure.tiles import TILE_EDGES, TilePlan, choose_tile, tile_plan
from poroscale.networks.slicegan.generator import SliceGanShape
from poroscale.networks.swnn import TORCH_TYPES, Precision
from poroscale.volume import Shape

LIBRARY_BYTES = 64 * MIB
"""What torch's convolutions keep beside the values, whose layers they hold one and a half times."""
TAPS = 8
"""Inputs of each channel that a result is summed over."""


def _widths(network: SliceGanShape) -> list[int]:
    return [network.latent, *network.widths, network.channels]


def _counts(network: SliceGanShape, tile: Shape) -> list[Shape]:
    """Inputs less one along each axis, for each layer."""
    cells = [edge // network.cell for edge in tile]
    found = []
    for layer in range(network.layers):
        z, y, x = (2**layer * n + 1 for n in cells)
        found.append((z, y, x))
    return found


def slicegan_tile_bytes(
    network: SliceGanShape, tile: Shape, precision: Precision = "float32", *, paired: bool = True
) -> int:
    """Bytes that a worker takes for a tile: two layers at a time, scores and phases."""
    widths, counts = _widths(network), _counts(network, tile)
    item = 4 if paired else torch.empty((), dtype=TORCH_TYPES[precision]).element_size()
    values = [
        item * (width + -width % 8) * prod(n + 3 for n in count)
        for width, count in zip(widths, counts, strict=False)
    ]
    values.append(4 * network.channels * prod(tile))
    most = max(a + b for a, b in itertools.pairwise(values))
    latents = 16 * widths[0] * prod(n + 1 for n in counts[0])
    beside = scratch_bytes(widths) if paired else LIBRARY_BYTES + most // 2
    return most + latents + beside + 6 * prod(tile)


def slicegan_held_bytes(
    network: SliceGanShape, precision: Precision = "float32", *, paired: bool = True
) -> int:
    """Bytes of the weights, which all workers of a process share."""
    pairs = list(itertools.pairwise(_widths(network)))
    if not paired:
        item = torch.empty((), dtype=TORCH_TYPES[precision]).element_size()
        return sum(64 * item * before * behind for before, behind in pairs)
    axes = paired_of(_widths(network))
    return sum(weight_bytes(a, b, each) for (a, b), each in zip(pairs, axes, strict=True))


def slicegan_tile_work(network: SliceGanShape, tile: Shape, *, paired: bool = True) -> float:
    """Floating-point operations of a tile, transforms not counted."""
    widths, counts = _widths(network), _counts(network, tile)
    axes = paired_of(widths)
    total = 0.0
    for (before, behind), count, shared in zip(
        itertools.pairwise(widths), counts, axes, strict=True
    ):
        products = 1.0
        for n, share in zip(count, shared, strict=True):
            products *= 3 * (n // 2) + 2 * (n % 2) if share and paired else 2 * n
        total += 2 * products * before * behind * TAPS
    return total


def slicegan_own_work(network: SliceGanShape, *, paired: bool = True) -> float:
    """Operations of a voxel where each result of a layer is computed once."""
    widths = _widths(network)
    axes = paired_of(widths)
    total = 0.0
    for layer, (before, behind) in enumerate(itertools.pairwise(widths)):
        saved = prod(0.75 if share and paired else 1.0 for share in axes[layer])
        results = 8.0 ** (layer + 1 - network.layers)
        total += 2 * results * before * behind * TAPS * saved
    return total


def plan_slicegan_tile(
    network: SliceGanShape,
    *,
    memory: int,
    workers: int = 1,
    shape: Shape | None = None,
    precision: Precision = "float32",
    paired: bool = True,
    edge: int | None = None,
) -> TilePlan:
    """The tile with the least cost that fits the memory; `str` of the plan states the halo's cost.

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
    paired
        Whether neighbours share products, on the CPU.
    edge
        Edge of the tile [voxels]; None tries several.

    Raises
    ------
    MemoryError
        If no tile fits.
    ValueError
        If the edge is no multiple of the voxels for a latent.
    """
    if edge is not None and edge % network.cell:
        raise ValueError(f"`tile` must be a multiple of {network.cell} voxels, got {edge}")
    held = slicegan_held_bytes(network, precision, paired=paired)
    edges = [n for n in TILE_EDGES if n % network.cell == 0] or [network.cell]
    pairs = [(z, n) for n in edges for z in edges if z <= n]

    def need(tile: Shape) -> int:
        return slicegan_tile_bytes(network, tile, precision, paired=paired) + held // workers

    return choose_tile(
        tile_plan(
            (z, n, n),
            need=need,
            work=lambda tile: slicegan_tile_work(network, tile, paired=paired),
            own_work=slicegan_own_work(network, paired=paired),
            allowed=memory,
            workers=workers,
            shape=shape,
        )
        for z, n in (pairs if edge is None else [(edge, edge)])
    )
