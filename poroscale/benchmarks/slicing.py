"""SliceGAN's published network on growing volumes, against a plain forward of the whole."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.benchmarks.measure import Contender, Measured, Report, compare
from poroscale.benchmarks.table import Part, Row, times_faster

HERE = "poroscale.benchmarks.slicing"
Timed = Callable[[], Any]
STREAMED, BARE, FORWARD = "streamed to Zarr", "tiles alone", "plain forward of the whole"
THREADS, PHASES = 2, 3
LARGEST_FORWARD = 256
"""Edge up to which the plain forward runs: it takes 2 GB there and eight times as much at 512."""
FASTER, SHARE, STREAMING = 1.5, 0.25, 1.1
TILE_MEMORY = 256 << 20
"""For which the tile is chosen [bytes]."""
NOTE = (
    "The network of Table 1 (13.1 million numbers, 64 channels of latents, three phases) with the "
    "weights of its beginning: times do not depend on them. Two threads. *Tiles alone* computes "
    "the same tiles with nothing written. CPU seconds tell more than wall time on a shared "
    "machine. The peak of a process includes Python and torch, 0.3 GB."
)


def slicing_part(edge: int, *, repeats: int, data: Path, report: Report) -> Part:
    """The part of the benchmark for one size."""
    given = {"weights": str(published_weights(data)), "edge": edge}
    contenders = [
        Contender(STREAMED, f"{HERE}:streaming", given),
        Contender(BARE, f"{HERE}:computing_tiles", given),
    ]
    if edge <= LARGEST_FORWARD:
        contenders.append(Contender(FORWARD, f"{HERE}:forwarding", given))
    measured = compare(contenders, repeats=repeats, scratch=data, report=report)
    rows = slicing_rows(measured)
    return Part(f"SliceGAN, {edge}³", rows, list(measured.items()), NOTE)


def slicing_rows(measured: dict[str, Measured]) -> list[Row]:
    """Times and memory beside those of the plain forward, and what streaming costs."""
    ours, bare = measured[STREAMED], measured[BARE]
    cost = ours.cpu / bare.cpu
    rows = [
        Row(
            "CPU time, streamed",
            f"{ours.cpu:.2f} s",
            f"{BARE} {bare.cpu:.2f} s",
            f"{cost:.2f}",
            f"<= {STREAMING:g}",
            cost <= STREAMING,
        )
    ]
    if FORWARD in measured:
        theirs = measured[FORWARD]
        share, faster = ours.peak / theirs.peak, theirs.cpu / ours.cpu
        rows += [
            times_faster("wall time", ours, (FORWARD, theirs), at_least=FASTER),
            Row("CPU time", f"{ours.cpu:.2f} s", f"{theirs.cpu:.2f} s", f"{faster:.2f} x as fast"),
            Row(
                "peak memory",
                f"{ours.peak / 2**20:.0f} MiB",
                f"{theirs.peak / 2**20:.0f} MiB",
                f"{share:.2f}",
                f"<= {SHARE:g}",
                share <= SHARE,
            ),
        ]
    return rows


def published_weights(data: Path) -> Path:
    """Weights of the published architecture; left alone where they are there."""
    import torch

    from poroscale.microstructure.slicegan.weights import save_slicegan
    from poroscale.networks.slicegan.generator import SliceGanShape, SliceGenerator

    path = data / "slicegan.safetensors"
    if not path.exists():
        torch.manual_seed(0)
        save_slicegan(path, SliceGenerator(SliceGanShape(PHASES)))
    return path


def _sampler(weights: str) -> Any:
    from poroscale.microstructure.slicegan.biases import PhaseBiases
    from poroscale.microstructure.slicegan.sampler import SliceGanSampler, SliceGanScores
    from poroscale.microstructure.slicegan.tile import plan_slicegan_tile
    from poroscale.microstructure.slicegan.weights import slicegan_shape

    network, _ = slicegan_shape(Path(weights))
    plan = plan_slicegan_tile(network, memory=TILE_MEMORY, workers=THREADS)
    scores = SliceGanScores.of(Path(weights), plan.tile, seed=1)
    sampler = SliceGanSampler(scores, PhaseBiases((0.0,) * PHASES))
    sampler((0, 0, 0), (1, 1, 1))
    return sampler


def streaming(scratch: Path, *, weights: str, edge: int) -> Timed:
    """From the weights to a finished volume."""
    from poroscale.engine import Run, fill_pass
    from poroscale.microstructure.placed import sampler_pass
    from poroscale.microstructure.tiles import tile_chunks
    from poroscale.volume import VolumeSpec

    sampler = _sampler(weights)
    run = Run(workers=THREADS, progress=False)
    chunks = tile_chunks(sampler.tile)

    def timed() -> dict[str, Any]:
        z, y, x = (min(edge, chunk) for chunk in chunks)
        spec = VolumeSpec((edge,) * 3, np.dtype(np.uint8), (1, 1, 1), chunks=(z, y, x))
        declared, recipe = sampler_pass(sampler), dict(sampler.recipe)
        volume = fill_pass(declared, scratch / "v.zarr", spec=spec, recipe=recipe, run=run)
        return {"tile": list(sampler.tile), "shape": list(volume.shape)}

    return timed


def computing_tiles(_scratch: Path, *, weights: str, edge: int) -> Timed:
    """The same tiles, thrown away."""
    from concurrent.futures import ThreadPoolExecutor

    sampler = _sampler(weights)
    tile = sampler.tile

    def timed() -> dict[str, Any]:
        origins = product(*(range(0, edge, step) for step in tile))
        with ThreadPoolExecutor(THREADS) as pool:
            seen = sum(pool.map(lambda origin: sampler(origin, tile).size, origins))
        return {"tile": list(tile), "voxels": seen}

    return timed


def forwarding(_scratch: Path, *, weights: str, edge: int) -> Timed:
    """One forward of all latents, as a script does."""
    import torch

    from poroscale.microstructure.slicegan.weights import load_slicegan

    torch.set_num_threads(THREADS)
    network, _ = load_slicegan(Path(weights))
    shape = network.shape

    def make(latents: int) -> Any:
        with torch.inference_mode():
            noise = torch.randn(1, shape.latent, *(latents,) * 3)
            return network(noise)[0].argmax(dim=0).to(torch.uint8)

    make(4)
    return lambda: {"shape": list(make(edge // shape.cell + 2).shape)}
