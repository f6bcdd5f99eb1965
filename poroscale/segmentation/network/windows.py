"""Windows of a network over a scan, and the costs of inferring them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from poroscale.engine import Lattice, Run, WindowCounts, Windows
from poroscale.segmentation.network.config import WindowsConfig
from poroscale.segmentation.network.inference import Inference
from poroscale.segmentation.network.model import SegmentationModel
from poroscale.segmentation.network.normalisation import GreyRange
from poroscale.segmentation.network.trials import memory_for, probed, tried
from poroscale.volume import Shape

LARGE = 64**3
"""Voxels of a patch, times the width of the network, from which the CPU infers one at a time. With
fewer it takes two: for one small image and one thread torch does without oneDNN, and convolves two
to three times as slowly. More than two gain no more."""


def cut_windows(
    model: SegmentationModel, scan: GreyRange, *, config: WindowsConfig, run: Run
) -> tuple[Inference, Windows]:
    """Model for the windows of a scan, tried on this machine, and the windows.

    Parameters
    ----------
    model
        The network.
    scan
        Grey values of the scan that become 0 and 1.
    config
        Overlap or tiles, batch and device.
    run
        The memory in which the network and one patch must have room.

    Raises
    ------
    ValueError
        If the model cannot infer such tiles, or not on such a device.
    MemoryError
        If the network and one patch exceed the memory.
    """
    few = config.tiles or model.card.width * model.card.edge**3 >= LARGE
    batch = config.batch or (1 if few else 2)
    infer = Inference.of(model, scan, batch=batch, device=config.device, precision=config.precision)
    if config.tiles:
        edge = config.tile_edge or infer.edge
        halo = _halo_of_tiles(infer, edge)
        infer = _tried(infer, edge + 2 * halo, config, run)
        return infer, Windows(edge=edge, weight=config.weight, batch=infer.batch, halo=halo)
    infer = _tried(infer, infer.edge, config, run)
    return infer, Windows(
        edge=infer.edge, overlap=config.overlap, weight=config.weight, batch=infer.batch
    )


def _halo_of_tiles(infer: Inference, edge: int) -> int:
    if infer.halo is None:
        raise ValueError(
            f"tiles must have a network that is purely convolutional, got {infer.model}"
        )
    if edge % infer.multiple:
        raise ValueError(
            f"tile_edge of {infer.model} must be a multiple of {infer.multiple}, got {edge}"
        )
    return infer.halo


def _tried(infer: Inference, edge: int, config: WindowsConfig, run: Run) -> Inference:
    """With what trial passes of this edge take; on a GPU also with the batch they find."""
    memory = memory_for(infer.device, run.memory_bytes)
    trial = replace(infer, edge=edge)
    probes = infer.device == "cuda" and config.batch is None
    found = probed(trial, memory) if probes else tried(trial, memory)
    return replace(found, edge=infer.edge)


def windows_record(
    windows: Windows, shape: Shape, counts: WindowCounts, *, patch: int
) -> dict[str, Any]:
    """Windows of a scan, and their cost.

    Parameters
    ----------
    windows
        All of one edge.
    shape
        Of the scan.
    counts
        Windows inferred, and skipped as outside.
    patch
        Edge of the network's patches [voxels].

    Returns
    -------
    dict
        JSON. "passes" is how often the network sees a voxel if none is skipped, halo included;
        "half_overlap" the same of patches with half overlap.
    """
    return {
        "edge": windows.edges[0],
        "overlap": windows.overlaps[0],
        "halo": windows.halos[0],
        "inferred": counts.inferred,
        "skipped": counts.skipped,
        "passes": Lattice(windows, shape).passes,
        "half_overlap": Lattice(Windows(patch), shape).passes,
    }


def windows_notes(windows: Windows, shape: Shape, counts: WindowCounts) -> list[str]:
    """Sentences about a scan thinner than a window, and one of which nothing was inferred."""
    thin = [f"{axis} {n}" for axis, n, e in zip("zyx", shape, windows.edges, strict=True) if n < e]
    notes = []
    if thin:
        notes.append(
            f"the scan is thinner than a window of {windows.edges[0]} voxels ({', '.join(thin)}): "
            "it was padded with its outermost voxels"
        )
    if not counts.inferred:
        notes.append("no window of the scan holds anything of a part")
    return notes
