"""Overlapping windows: `stitch_windows` against the bare network, MONAI and TorchIO.

All of them infer the same windows of the same scan in the same batches with the same small network.
poroscale reads Zarr and writes Zarr; the others work on an array in memory whose loading is not
counted, and leave averaged logits in memory. MONAI and TorchIO are measured where they are
installed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from poroscale.benchmarks.data import coupon
from poroscale.benchmarks.measure import Contender, Measured, Report, compare
from poroscale.benchmarks.table import MIB, Part, Row, times_faster
from poroscale.identity import kernel

if TYPE_CHECKING:
    from torch import Tensor, nn

HERE = "poroscale.benchmarks.stitching"
Timed = Callable[[], Any]
Floats = NDArray[np.float32]
BARE, BARE_INTRA, OURS = "bare network", "bare network, threads inside", "stitch_windows"
TILES = "stitch_windows, tiles with a halo"
MONAI, TORCHIO = "MONAI", "TorchIO"
PEERS = {MONAI: "monai", TORCHIO: "torchio"}
EDGE, OVERLAP = 64, 32
HALO = 3
"""Of the small network. Its tiles are so large that it sees as many voxels as in a window: on the
CPU a voxel of a larger field takes longer, because the caches do not hold it."""
CHANNELS = 8
WORKERS = 2
LARGEST = 512
"""Edge above which the contenders take hours."""
FEWER_CHANNELS = 2
"""Of the network that infers what is larger."""
LARGEST_PEAK = 2 << 30
LARGEST_LOGIT = 16.0
OVERHEAD = 1.05
HALO_GAIN = 4.0
"""Promised of tiles against half overlap where the halo is at most 24."""
GREY = 1 / 65535
COMPARED = 8
"""Edge of the box at the middle whose scores are compared."""
CLOSE = 0.004
"""Scores of poroscale are stored in steps of 1 / 255."""
NOTE = (
    f"A network of three convolutions with {CHANNELS} channels is applied to windows of {EDGE}³ "
    f"with half overlap, one at a time, with {WORKERS} threads. *Bare network* means: the windows "
    "are cut from an array in memory, and the answers are dropped. It runs in two ways: with "
    f"{WORKERS} windows at a time and one thread each, as poroscale does, and with one window at a "
    f"time and {WORKERS} threads inside the network, as the peers do. It keeps freed memory for "
    "the next window, as poroscale does. poroscale reads Zarr and writes Zarr; it verifies, "
    "journals and flushes. The peers average in memory. For convolutional networks poroscale has "
    f"another way: tiles of {EDGE - 2 * HALO}³ side by side, each with the network's halo of "
    f"{HALO} voxels. Ratios are medians of the ratios of each round."
)


@kernel("bench.SmallNetwork")
@dataclass(frozen=True)
class SmallNetwork:
    """Three convolutions as what `stitch_windows` asks; the logit of a pore."""

    channels: int = CHANNELS
    bound = LARGEST_LOGIT
    outside = -LARGEST_LOGIT

    @property
    def recipe(self) -> Mapping[str, Any]:
        """The weights are drawn from a seed of their own."""
        import torch

        return {
            "network": "three convolutions",
            "channels": self.channels,
            "torch": torch.__version__,
        }

    @property
    def memory(self) -> int:
        """The layers' outputs, and the 27 neighbours of every voxel and channel [bytes].

        Torch writes them down where a network has few channels.
        """
        return 4 * (4 + 27) * self.channels * EDGE**3

    def __call__(self, patches: Floats) -> Floats:
        """Logits of (n, 64, 64, 64) grey values."""
        import torch

        with torch.inference_mode():
            logits = self.network(torch.from_numpy(patches)[:, None])[:, 0]
            return logits.clamp_(-self.bound, self.bound).numpy()

    def finish(self, values: Floats) -> Floats:
        """Logits to probabilities."""
        return sigmoid(values)

    @property
    def network(self) -> nn.Module:
        """Loaded once per process; one thread inside."""
        from poroscale.engine import load_once

        return load_once(self.recipe, lambda: small_network(self.channels, threads=1))


def sigmoid(values: Floats) -> Floats:
    """1 / (1 + exp(-values))."""
    return np.asarray(1 / (1 + np.exp(-values)), np.float32)


def small_network(channels: int, *, threads: int) -> nn.Module:
    """The network with its weights, for grey values of 16 bits."""
    import torch

    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(0)

    def convolution(inputs: int, outputs: int) -> nn.Conv3d:
        layer = torch.nn.Conv3d(inputs, outputs, 3, padding=1, bias=False)
        layer.weight.data.normal_(0, (27 * inputs) ** -0.5, generator=generator)
        return layer

    first, second = convolution(1, channels), convolution(channels, channels)
    first.weight.data *= GREY
    layers = (first, torch.nn.ReLU(), second, torch.nn.ReLU(), convolution(channels, 1))
    return torch.nn.Sequential(*layers).eval()


def stitching_part(
    edges: Sequence[int], *, repeats: int, data: Path, report: Report
) -> Iterator[Part]:
    """The part of the benchmark for each size."""
    for edge in edges:
        report(f"windows {edge}³")
        parameters = {"scan": str(coupon(data, edge))}
        if edge > LARGEST:
            yield _large_part(edge, parameters, data=data, report=report)
            continue
        contenders = [
            Contender(BARE, f"{HERE}:bare_network", parameters | {"at_a_time": WORKERS}),
            Contender(OURS, f"{HERE}:stitch", parameters),
            Contender(TILES, f"{HERE}:stitch", parameters | {"tiles": True}),
            Contender(BARE_INTRA, f"{HERE}:bare_network", parameters | {"at_a_time": 1}),
        ]
        if _is_there(MONAI):
            contenders.append(Contender(MONAI, f"{HERE}:monai", parameters))
        if _is_there(TORCHIO):
            contenders.append(Contender(TORCHIO, f"{HERE}:torchio", parameters))
        measured = compare(contenders, repeats=repeats, scratch=data, report=report)
        rows = stitching_rows(measured)
        yield Part(f"Overlapping windows, {edge}³", rows, list(measured.items()), NOTE)


def _large_part(edge: int, parameters: Mapping[str, Any], *, data: Path, report: Report) -> Part:
    """Memory for a scan that is too large for the others, with a smaller network, measured once."""
    ours = Contender(OURS, f"{HERE}:stitch", {**parameters, "channels": FEWER_CHANNELS})
    measured = compare([ours], repeats=1, scratch=data, report=report)
    note = f"The same network with {FEWER_CHANNELS} channels, {WORKERS} threads, one run."
    title = f"Overlapping windows, {edge}³"
    return Part(title, large_rows(measured[OURS]), list(measured.items()), note)


def large_rows(found: Measured) -> list[Row]:
    """Peak, windows and time of a scan that is too large for the others."""
    limit = f"<= {LARGEST_PEAK / MIB:.0f} MiB"
    peak = f"{found.peak / MIB:.0f} MiB"
    return [
        Row("peak memory", peak, target=limit, met=found.peak <= LARGEST_PEAK),
        Row("windows", f"{found.result['windows']:,}"),
        Row("time", f"{found.wall:.1f} s"),
    ]


def _is_there(peer: str) -> bool:
    return importlib.util.find_spec(PEERS[peer]) is not None


def stitching_rows(measured: dict[str, Measured]) -> list[Row]:
    """Our time against the bare network's and the peers', and our peak.

    Raises
    ------
    RuntimeError
        If the contenders did not find the same scores.
    """
    scores = {
        name: np.array(runs.result["scores"])
        for name, runs in measured.items()
        if "scores" in runs.result and name != TILES  # which are those of no window's rim
    }
    for name, found in scores.items():
        if np.abs(found - scores[OURS]).max() > CLOSE:
            raise RuntimeError(f"scores of {name} must be those of {OURS}")
    ours = measured[OURS]
    others = (name for name in measured if name not in (OURS, TILES))
    rows = [row for name in others for row in _ratios(ours, name, measured[name])]
    if TILES in measured:
        rows += _tile_rows(measured[TILES], ours)
    rows.append(Row("peak memory", f"{ours.peak / MIB:.0f} MiB"))
    return [*rows, Row("windows", f"{ours.result['windows']:,}")]


def _ratios(ours: Measured, name: str, theirs: Measured) -> Iterator[Row]:
    """Our times over another's; the target is for the wall time."""
    limit = {BARE: OVERHEAD, MONAI: 1.0, TORCHIO: 1.0}.get(name)
    ratio = median_ratio(ours, theirs, "wall")
    yield Row(
        f"time against {name}",
        f"{ours.wall:.2f} s",
        f"{theirs.wall:.2f} s",
        f"{ratio:.3f} of it",
        "" if limit is None else f"<= {limit:g}",
        None if limit is None else ratio <= limit,
    )
    ratio = median_ratio(ours, theirs, "cpu")
    took = f"{ours.cpu:.2f} s", f"{theirs.cpu:.2f} s"
    yield Row(f"CPU time against {name}", *took, f"{ratio:.3f} of it")


def _tile_rows(tiles: Measured, ours: Measured) -> Iterator[Row]:
    """Saving of a halo against overlapping windows; passes are voxels seen for each voxel."""
    yield times_faster("tiles with a halo", tiles, (OURS, ours), at_least=HALO_GAIN)
    seen, half = tiles.result["passes"], ours.result["passes"]
    yield Row("passes", f"{seen:.2f}", f"half overlap {half:.2f}", f"{half / seen:.2f} x fewer")


def median_ratio(ours: Measured, theirs: Measured, clock: Literal["wall", "cpu"]) -> float:
    """Median over the rounds of our time over theirs in the same round."""
    pairs = zip(ours.runs, theirs.runs, strict=True)
    return float(np.median([getattr(a, clock) / getattr(b, clock) for a, b in pairs]))


def window_origins(shape: Sequence[int]) -> list[tuple[int, ...]]:
    """First voxels of all windows, in (z, y, x) order."""
    axes = [[*range(0, n - EDGE, EDGE - OVERLAP), n - EDGE] for n in shape]
    return list(product(*axes))


def bare_network(scratch: Path, *, scan: str, at_a_time: int) -> Timed:
    """Forward passes over all windows, and nothing else."""
    from concurrent.futures import ThreadPoolExecutor

    import torch

    from poroscale.engine.plan import keep_memory
    from poroscale.volume import Volume

    keep_memory()
    grey = Volume.open(scan).read()
    network = small_network(CHANNELS, threads=WORKERS // at_a_time)

    def forward(origin: tuple[int, ...]) -> None:
        window = grey[tuple(slice(o, o + EDGE) for o in origin)].astype(np.float32)
        with torch.inference_mode():
            network(torch.from_numpy(window)[None, None])

    origins = window_origins(grey.shape)
    forward(origins[0])

    def timed() -> dict[str, Any]:
        if at_a_time == 1:  # in the main thread, where torch's own threads are
            return {"windows": sum(1 for _ in map(forward, origins))}
        with ThreadPoolExecutor(at_a_time) as pool:
            return {"windows": sum(1 for _ in pool.map(forward, origins))}

    return timed


def stitch(scratch: Path, *, scan: str, tiles: bool = False, channels: int = CHANNELS) -> Timed:
    """The verb, from Zarr to Zarr, with half overlap or with tiles that have the network's halo."""
    from poroscale.engine import (
        Lattice,
        Run,
        Windows,
        stitch_windows,
        volume_from_array,
        window_counts,
    )
    from poroscale.volume import Volume

    windows = Windows(EDGE - 2 * HALO, halo=HALO) if tiles else Windows(EDGE, OVERLAP)
    run = Run(cluster="threads", workers=WORKERS)
    volume, infer = Volume.open(scan), SmallNetwork(channels)
    tiny = volume_from_array(np.zeros((EDGE + 1,) * 3, np.uint16), scratch / "tiny.zarr")
    stitch_windows(infer, tiny, scratch / "warm-up.zarr", windows=windows, run=run)

    def timed() -> dict[str, Any]:
        made = stitch_windows(infer, volume, scratch / "scores.zarr", windows=windows, run=run)
        z, y, x = (n // 2 for n in made.shape)
        middle = made.read((z, y, x), (COMPARED,) * 3) / 255
        return {
            "windows": window_counts(made).inferred,
            "passes": Lattice(windows, volume.shape).passes,
            "scores": middle.ravel().tolist(),
        }

    return timed


def monai(scratch: Path, *, scan: str) -> Timed:
    """`sliding_window_inference`, averaged logits in memory."""
    import torch
    from monai.inferers import sliding_window_inference

    grey, network = _loaded(scan)
    with torch.inference_mode():
        network(grey[None, :, :EDGE, :EDGE, :EDGE])

    def timed() -> dict[str, Any]:
        with torch.inference_mode():
            logits = sliding_window_inference(
                grey[None], (EDGE,) * 3, 1, network, overlap=OVERLAP / EDGE, mode="constant"
            )
        return {"scores": _middle(logits[0, 0])}

    return timed


def torchio(scratch: Path, *, scan: str) -> Timed:
    """`GridSampler` and `GridAggregator`, averaged logits in memory."""
    import torch
    from torchio import GridAggregator, GridSampler, ScalarImage, Subject, SubjectsLoader

    grey, network = _loaded(scan)
    subject = Subject(scan=ScalarImage(tensor=grey))
    with torch.inference_mode():
        network(grey[None, :, :EDGE, :EDGE, :EDGE])

    def timed() -> dict[str, Any]:
        sampler = GridSampler(subject, EDGE, OVERLAP)
        aggregator = GridAggregator(sampler, overlap_mode="average")
        with torch.inference_mode():
            for batch in SubjectsLoader(sampler, batch_size=1):
                aggregator.add_batch(network(batch["scan"]["data"]), batch["location"])
        return {"scores": _middle(aggregator.get_output_tensor()[0])}

    return timed


def _loaded(scan: str) -> tuple[Tensor, nn.Module]:
    """Grey values (1, nz, ny, nx) in memory, and the network with all threads inside."""
    import torch

    from poroscale.volume import Volume

    grey = torch.from_numpy(Volume.open(scan).read().astype(np.float32))
    return grey[None], small_network(CHANNELS, threads=WORKERS)


def _middle(logits: Tensor) -> list[float]:
    box = tuple(slice(n // 2, n // 2 + COMPARED) for n in logits.shape)
    return sigmoid(logits[box].numpy()).ravel().tolist()
