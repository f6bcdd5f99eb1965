"""Costs of the ten segmentation networks, beside Table 8 of the pore-segmentation paper.

Parameters and multiply-accumulates are counted on networks without storage; memory and time are
measured in a process of its own for each network and each kind of pass, on the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poroscale.benchmarks.measure import Contender, Measured, Report, compare
from poroscale.benchmarks.table import MIB, Part, markdown_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from poroscale.networks.segmenter import Segmenter

HERE = "poroscale.benchmarks.complexity"
EDGE = 64
SCAN = (2000, 800, 800)
"""Voxels of the scan whose total Table 8 gives."""
TINY = 32
"""Edge of the warm-up, the smallest that all networks can have."""


@dataclass(frozen=True)
class Published:
    """A row of Table 8: millions, 10⁹ of a patch, 10¹² of the scan, MB."""

    parameters: float
    macs: float
    total: float
    forward: float
    backward: float


TABLE_8 = {
    "unet": Published(1.325, 14.124, 68.967, 353.924, 390.925),
    "mss-unet": Published(1.328, 14.270, 69.678, 383.740, 424.840),
    "unet++": Published(1.503, 34.821, 170.024, 933.490, 1005.831),
    "unet3+": Published(1.672, 84.881, 414.460, 1571.642, 1720.766),
    "acc-unet": Published(5.062, 39.724, 193.966, 6897.734, 7269.893),
    "vae": Published(29.024, 3.698, 18.058, 44.703, 189.918),
    "cevae": Published(140.650, 8.344, 40.742, 33.765, 778.901),
    "gmvae": Published(383.650, 207.48, 1013.096, 774.129, 1842.710),
    "vqvae": Published(2.511, 8.471, 41.361, 17.688, 32.701),
    "rvvae": Published(29.024, 0.456, 2.176, 223.288, 230.196),
}
COUNT_HEADS = (
    "network",
    "parameters M",
    "published",
    "GMAC, made",
    "GMAC, as published",
    "published",
    "scan, TMAC",
    "published",
)
COST_HEADS = (
    "network",
    "weights MiB",
    "inference s",
    "inference MiB",
    "step s",
    "step MiB",
    "published MB, forward / backward",
)


@dataclass(frozen=True)
class Counted:
    """Parameters, multiply-accumulates of one inference, and the same as Table 8 counts."""

    parameters: int
    macs: int
    as_published: int


def complexity_part(
    *,
    repeats: int,
    data: Path,
    report: Report,
    names: Sequence[str] = tuple(TABLE_8),
    width: float = 1.0,
    edge: int = EDGE,
) -> Part:
    """The part of the benchmark; a network that cannot be measured says so in its row.

    Parameters
    ----------
    repeats, data, report
        Settings of `compare`; every pass runs `repeats` times.
    names
        Names of networks.
    width
        Factor of all channels; 1 is the published network.
    edge
        Edge of the patch [voxels].
    """
    windows = windows_of_scan(edge)
    counts, costs = [], []
    for name in names:
        report(f"complexity of {name}")
        counts.append(count_row(name, counted(name, width=width, edge=edge), windows))
        passes = _passes(name, width=width, edge=edge)
        found = [_measured(each, repeats=repeats, data=data, report=report) for each in passes]
        costs.append(cost_row(name, *found))
    tables = (markdown_table(COUNT_HEADS, counts), markdown_table(COST_HEADS, costs))
    return Part(f"Networks, patches of {edge}³", [], [], _note(edge, windows), tables=tables)


def _note(edge: int, windows: int) -> str:
    return (
        f"One patch of {edge}³ voxels, float32, goes through each network on one thread. Times "
        "are CPU times. Memory is what a pass takes in addition to the network's weights, from "
        "before its first call to its peak. A step computes the loss and the gradients of all "
        "parameters, without the optimiser (Adam's moments take twice the weights in addition). "
        f"The scan has {SCAN[1]} x {SCAN[2]} x {SCAN[0]} voxels in {windows:,} windows of "
        f"{edge}³ with half overlap. 'Published' is Table 8 of Iuso et al. (2024). Its memory is "
        "that of a GPU, and its size shows that a forward pass keeps what gradients need, which "
        "an inference does not. The table counts transposed convolutions at the size of their "
        "output, gmVAE with the prior of its training, and nothing of RV-VAE's decoder. The "
        "remaining difference is normalisation, activation and pooling, of which ACC-UNet has "
        "most, and, in UNets, channels that are mixed here before they are interpolated. Its "
        "totals are those of 12.5 x 12.5 x 31.25 patches, which leaves out the overlap that its "
        "caption names."
    )


def windows_of_scan(edge: int) -> int:
    """Windows with half overlap over the scan of Table 8."""
    from poroscale.engine.stitching.lattice import Lattice, Windows

    return len(Lattice(Windows(edge), SCAN))


def counted(name: str, *, width: float, edge: int) -> Counted:
    """Counts of a network, on the device "meta", where nothing is computed."""
    import torch

    from poroscale.networks.complexity import multiply_accumulates, parameter_count
    from poroscale.networks.segmenters import build_segmenter

    with torch.device("meta"):
        network = build_segmenter(name, width=width, edge=edge)
        patch = torch.zeros(1, 1, edge, edge, edge)
        # Table 8's forward of gmVAE goes through the prior of its latents, as in training.
        call = network.loss if name == "gmvae" else None
        return Counted(
            parameter_count(network),
            multiply_accumulates(network, patch),
            multiply_accumulates(network, patch, call=call, as_published=True),
        )


def _passes(name: str, *, width: float, edge: int) -> list[Contender]:
    parameters = {"name": name, "width": width, "edge": edge}
    return [
        Contender(f"{name}, inference", f"{HERE}:inference", parameters),
        Contender(f"{name}, step", f"{HERE}:step", parameters),
    ]


def _measured(contender: Contender, *, repeats: int, data: Path, report: Report) -> Measured | None:
    """The runs; None if a process ended, as where the memory does not suffice."""
    try:
        found = compare([contender], repeats=repeats, scratch=data, report=report)
    except RuntimeError as failure:
        report(f"  {failure}")
        return None
    return found[contender.name]


def count_row(name: str, found: Counted, windows: int) -> tuple[str, ...]:
    """A row of what is counted."""
    paper = TABLE_8[name]
    return (
        name,
        f"{found.parameters / 1e6:.3f}",
        f"{paper.parameters:.3f}",
        f"{found.macs / 1e9:.3f}",
        f"{found.as_published / 1e9:.3f}",
        f"{paper.macs:.3f}",
        f"{windows * found.macs / 1e12:,.0f}",
        f"{paper.total:,.0f}",
    )


def cost_row(name: str, inferred: Measured | None, stepped: Measured | None) -> tuple[str, ...]:
    """A row of what is measured."""
    paper = TABLE_8[name]
    known = inferred or stepped
    return (
        name,
        "" if known is None else f"{known.result['weights'] / MIB:.0f}",
        *_cost(inferred),
        *_cost(stepped),
        f"{paper.forward:.0f} / {paper.backward:.0f}",
    )


def _cost(found: Measured | None) -> tuple[str, str]:
    if found is None:
        return "not measured", "the process ended"
    taken = max(run.peak - run.result["before"] for run in found.runs)
    return f"{found.cpu:.2f}", f"{taken / MIB:.0f}"


def inference(_scratch: Path, *, name: str, width: float, edge: int) -> Callable[[], Any]:
    """The values of one window, as `segment` has them."""
    import torch

    def once(network: Segmenter, edge: int) -> None:
        with torch.inference_mode():
            network.eval().window_values(torch.rand(1, 1, edge, edge, edge))

    return _prepared(once, name, width, edge)


def step(_scratch: Path, *, name: str, width: float, edge: int) -> Callable[[], Any]:
    """Loss and gradients of one patch."""
    import torch

    def once(network: Segmenter, edge: int) -> None:
        patch = torch.rand(1, 1, edge, edge, edge)
        network.train().loss(patch, (patch > 0.9).float())["loss"].backward()  # type: ignore[no-untyped-call]

    return _prepared(once, name, width, edge)


def _prepared(
    once: Callable[[Segmenter, int], None], name: str, width: float, edge: int
) -> Callable[[], Any]:
    """A pass of a network that is loaded, after one of a tiny network of its kind."""
    import torch

    from poroscale.benchmarks.child import forget_peak, size_now
    from poroscale.engine.plan import release_memory
    from poroscale.networks.segmenters import build_segmenter

    torch.set_num_threads(1)
    once(build_segmenter(name, width=0.125, edge=TINY), TINY)
    network = build_segmenter(name, width=width, edge=edge)
    release_memory()  # what building has freed is not to be used by the pass uncounted
    forget_peak()
    before, weights = size_now(), sum(each.nbytes for each in network.state_dict().values())

    def timed() -> dict[str, int]:
        once(network, edge)
        return {"before": before, "weights": weights}

    return timed
