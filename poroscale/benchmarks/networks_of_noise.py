"""Volumes of SWNN, tile by tile into Zarr, against the plain network in blocks in memory."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.benchmarks.measure import Contender, Measured, Report, compare
from poroscale.benchmarks.table import MIB, Part, Row, at_most

HERE = "poroscale.benchmarks.networks_of_noise"
Timed = Callable[[], Any]
OURS, PLAIN = "SWNN", "SWNN, plain blocks"
THREADS = 2
BLOCK = 64
"""Edge of the blocks of the plain network [voxels]."""
FASTER, FLIPPED = 4.5, 1e-5
PEAK = 2048 * MIB
NOTE = (
    "The published architecture (111,361 weights, drawn at random: they do not change the time) "
    "reads keyed noise. Ours fills a Zarr volume of the field with two workers. The peer passes "
    f"blocks of {BLOCK}³ with their surroundings through the plain network in float32, with two "
    "threads, and keeps the result in memory. *In another phase* counts the voxels of the middle "
    "that differ, at the median of the field."
)


def swnn_part(edge: int, *, repeats: int, data: Path, report: Report) -> Part:
    """The part of the benchmark for one size."""
    given = {"weights": str(_weights(data)), "edge": edge}
    contenders = [
        Contender(OURS, f"{HERE}:tiles", given),
        Contender(PLAIN, f"{HERE}:plain_blocks", given),
    ]
    measured = compare(contenders, repeats=repeats, scratch=data, report=report)
    return Part(f"SWNN, {edge}³", swnn_rows(measured), list(measured.items()), NOTE)


def swnn_rows(measured: dict[str, Measured]) -> list[Row]:
    """Time against the plain network, voxels in another phase, and the peak."""
    ours, plain = measured[OURS], measured[PLAIN]
    rows = [at_most("peak memory", ours.peak / MIB, limit=PEAK / MIB, unit="MiB", shown=".0f")]
    ratio = plain.cpu / ours.cpu
    rows.append(
        Row(
            "time",
            f"{ours.wall:.1f} s (CPU {ours.cpu:.1f})",
            f"plain blocks {plain.wall:.1f} s (CPU {plain.cpu:.1f})",
            f"{plain.wall / ours.wall:.2f} times as fast (CPU {ratio:.2f})",
            f">= {FASTER} times",
            plain.wall / ours.wall >= FASTER,
        )
    )
    first, second = (np.array(each.result["middle"]) for each in (ours, plain))
    level = np.median(second)
    flipped = float(((first >= level) != (second >= level)).mean())
    rows.append(
        Row("in another phase", f"{flipped:.1e}", "", "", f"<= {FLIPPED:g}", flipped <= FLIPPED)
    )
    return rows


def _weights(data: Path) -> Path:
    """Random weights of the published architecture; left alone where they are there."""
    import torch

    from poroscale.microstructure.swnn_weights import save_swnn
    from poroscale.networks.swnn import Swnn

    path = data / "swnn.safetensors"
    if not path.exists():
        torch.manual_seed(0)
        save_swnn(path, Swnn().eval())
    return path


def tiles(scratch: Path, *, weights: str, edge: int) -> Timed:
    """Tiles into a volume of the field, as `generate` fills one."""
    from poroscale.engine import Run, fill_pass
    from poroscale.microstructure.placed import sampler_pass
    from poroscale.microstructure.swnn import SwnnField
    from poroscale.microstructure.swnn_tile import plan_swnn_tile
    from poroscale.microstructure.tiles import tile_chunks
    from poroscale.volume import VolumeSpec

    run = Run(workers=THREADS)
    field = SwnnField.of(Path(weights), 16)

    def filled(name: str, size: int) -> Any:
        shape = (size, size, size)
        plan = plan_swnn_tile(
            field.network, memory=run.memory_bytes // 2, workers=THREADS, shape=shape, winograd=True
        )
        sampler = field.but(tile=plan.tile)
        z, y, x = (min(c, size) for c in tile_chunks(plan.tile))
        spec = VolumeSpec(shape, np.dtype(np.float32), (1.0, 1.0, 1.0), chunks=(z, y, x))
        declared = sampler_pass(sampler, writes=np.float32)
        return fill_pass(declared, scratch / name, spec=spec, recipe=sampler.recipe, run=run)

    filled("tiny.zarr", 16)

    def timed() -> dict[str, Any]:
        volume = filled("field.zarr", edge)
        middle = volume.read((edge // 2, 0, 0), (1, edge, edge))
        return {"middle": middle.tolist()}

    return timed


def plain_blocks(_scratch: Path, *, weights: str, edge: int) -> Timed:
    """Blocks of the noise, with what the network sees around them, through the plain network."""
    import torch

    from poroscale.microstructure.swnn import SwnnField
    from poroscale.microstructure.swnn_weights import load_swnn

    torch.set_num_threads(THREADS)
    network, _ = load_swnn(Path(weights))
    field = SwnnField.of(Path(weights), 16)
    halo = field.halo[0]

    def through(size: int, block: int) -> Any:
        made = np.empty((size,) * 3, np.float32)
        for z, y, x in product(range(0, size, block), repeat=3):
            noise = field.noise((z - halo, y - halo, x - halo), (block + 2 * halo,) * 3)
            with torch.inference_mode():
                found = network(torch.from_numpy(noise)[None])[0, 0].numpy()
            place = tuple(slice(first, first + block) for first in (z, y, x))
            made[place] = found[tuple(slice(0, n) for n in made[place].shape)]
        return made

    through(8, 8)
    return lambda: {"middle": through(edge, BLOCK)[edge // 2][None].tolist()}
