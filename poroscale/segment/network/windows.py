"""How a scan is cut into the windows of a network, and what inferring them takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, Self

from pydantic import NonNegativeInt, PositiveInt, model_validator

from poroscale.config import Config
from poroscale.engine import Lattice, Run, WindowCounts, Windows
from poroscale.kernels.window_sums import Weight
from poroscale.segment.network.inference import Inference, Precision, memory_for, probed, tried
from poroscale.segment.network.model import SegmentationModel
from poroscale.segment.network.normalisation import GreyRange
from poroscale.volume import Shape

LARGE = 64**3
"""Voxels of a patch, times the width of the network, from which the CPU infers one at a time. With
fewer it takes two: for one small image and one thread torch does without oneDNN, and convolves two
to three times as slowly. More than two gain no more."""


class WindowsConfig(Config):
    """How a scan is cut into windows, and where they are inferred.

    Attributes
    ----------
    overlap
        Voxels that neighbours share; None is half a window.
    weight
        How overlapping windows are averaged.
    tiles
        For purely convolutional networks: tiles side by side with the network's halo of context in
        place of overlapping windows.
    tile_edge
        Edge of such tiles [voxels], a multiple of what the network pools by; None is that of its
        patches. The larger, the less of what is computed is halo, and the more memory it takes.
    batch
        Windows at a time; None is what a probe finds on a GPU, and on the CPU 2, or 1 where they
        are large (from full width and 64 voxels on) or tiles.
    device, precision
        "auto" takes a GPU where there is one; None is bf16 there and float32 on the CPU.
    postprocess
        Take the scores of the surface off those of unsupervised networks.
    """

    overlap: NonNegativeInt | None = None
    weight: Weight = "constant"
    tiles: bool = False
    tile_edge: PositiveInt | None = None
    batch: PositiveInt | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Precision | None = None
    postprocess: bool = True

    @model_validator(mode="after")
    def _of_tiles(self) -> Self:
        if self.tile_edge is not None and not self.tiles:
            raise ValueError("tile_edge must come with tiles")
        return self


def cut_windows(
    model: SegmentationModel, scan: GreyRange, *, config: WindowsConfig, run: Run
) -> tuple[Inference, Windows]:
    """What infers the windows of a scan, tried on this machine, and the windows.

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
    """How a scan was cut, and what it costs.

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
