"""Microstructures of growing size, against a transform of the whole volume in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.benchmarks.measure import Contender, Measured, Report, compare
from poroscale.benchmarks.networks_of_noise import swnn_part
from poroscale.benchmarks.slicing import slicing_part
from poroscale.benchmarks.table import MIB, Part, Row, at_most

HERE = "poroscale.benchmarks.sampling"
Timed = Callable[[], Any]
FIELD, WHOLE, GSTOOLS = "levelled field", "one transform in memory", "GSTools"
THREADS = 2
SIGMA = 3.0
"""Of the noise whose section the model is fitted to [voxels]."""
FRACTION = 0.3
IMAGE = 256
LARGEST_NETWORK = 256
"""Above, a network takes minutes."""
LARGEST_WHOLE, LARGEST_GSTOOLS = 512, 128
"""Edges up to which the peers run: beyond, one takes too much memory and the other too long."""
MODES = 1000
"""Modes of GSTools, its own default."""
SECONDS = {1024: 180.0}
PEAK = 2048 * MIB
NOTE = (
    "A levelled field of two phases is fitted to one section of 256² voxels and generated as a "
    "volume, from the model to finished Zarr, with two workers and the default memory of 2 GiB. "
    "The peer is what a script does: noise of the whole volume, multiplied with the root of the "
    "same spectrum by scipy.fft in float32 with two workers, and cut at the level; it is periodic, "
    "stays in memory, and another size is another volume. GSTools, where it is installed, sums "
    f"{MODES} modes at every voxel, up to {LARGEST_GSTOOLS}³. *Share* is what came out."
)


def sampling_parts(
    edges: Sequence[int], *, repeats: int, data: Path, report: Report
) -> Iterator[Part]:
    """The parts of the benchmark: a levelled field of every size, networks of small ones."""
    for edge in edges:
        report(f"microstructures {edge}³")
        yield sampling_part(edge, repeats=repeats, data=data, report=report)
        if edge <= LARGEST_NETWORK:
            yield swnn_part(edge, repeats=repeats, data=data, report=report)
            yield slicing_part(edge, repeats=repeats, data=data, report=report)


def sampling_part(edge: int, *, repeats: int, data: Path, report: Report) -> Part:
    """The part of the benchmark for one size."""
    model = {"model": str(fitted_section(data, report)), "edge": edge}
    contenders = [Contender(FIELD, f"{HERE}:generating", model)]
    if edge <= LARGEST_WHOLE:
        contenders.append(Contender(WHOLE, f"{HERE}:filtering_whole", model))
    if edge <= LARGEST_GSTOOLS and has_gstools():
        contenders.append(Contender(GSTOOLS, f"{HERE}:summing", model))
    measured = compare(contenders, repeats=repeats, scratch=data, report=report)
    rows = sampling_rows(edge, measured)
    return Part(f"Microstructures, {edge}³", rows, list(measured.items()), NOTE)


def sampling_rows(edge: int, measured: dict[str, Measured]) -> list[Row]:
    """Times beside those of the peers, fractions, and the peak."""
    ours = measured[FIELD]
    rows = []
    for name, runs in measured.items():
        share = f"share {runs.result['share']:.3f}"
        if name == FIELD:
            limit = SECONDS.get(edge)
            target = "" if limit is None else f"<= {limit:g} s"
            met = None if limit is None else ours.wall <= limit
            rows.append(Row(name, f"{ours.wall:.2f} s, {share}", target=target, met=met))
        else:
            ratio = f"{ours.wall / runs.wall:.2f} times (CPU {ours.cpu / runs.cpu:.2f})"
            rows.append(Row(f"{FIELD} beside {name}", "", f"{runs.wall:.2f} s, {share}", ratio))
    peak = ours.peak / MIB
    rows.append(at_most("peak memory", peak, limit=PEAK / MIB, unit="MiB", shown=".0f"))
    return rows


def has_gstools() -> bool:
    """Whether GSTools can be imported."""
    from importlib.util import find_spec

    return find_spec("gstools") is not None


def fitted_section(data: Path, report: Report) -> Path:
    """The model of a section of smoothed noise; left alone where it is there."""
    from poroscale.engine import volume_from_array
    from poroscale.kernels.noise import correlated_noise
    from poroscale.pipelines.microstructure.fit import fit_microstructure

    model = data / "microstructure"
    if not model.exists():
        report("fitting a microstructure")
        noise = correlated_noise((0, 0, 0), (1, IMAGE, IMAGE), seed=1, sigma=SIGMA)
        section = (noise < np.quantile(noise, FRACTION)).astype(np.uint8)
        fit_microstructure([volume_from_array(section, data / "section.zarr")], model)
    return model


def generating(scratch: Path, *, model: str, edge: int) -> Timed:
    """From the model to a finished volume."""
    from poroscale.engine import Run
    from poroscale.pipelines.microstructure.generate import generate_microstructure
    from poroscale.pipelines.microstructure.wishes import GenerateMicrostructureConfig

    run = Run(workers=THREADS)

    def made(name: str, shape: Sequence[int]) -> Any:
        z, y, x = shape
        config = GenerateMicrostructureConfig(shape=(z, y, x))
        return generate_microstructure(model, scratch / name, config=config, run=run)

    made("tiny.zarr", (8, 8, 8))

    def timed() -> dict[str, Any]:
        volume = made("volume.zarr", (edge,) * 3)
        corner = volume.read((0, 0, 0), (min(edge, 256),) * 3)
        return {"share": float((corner == 1).mean())}

    return timed


def filtering_whole(_scratch: Path, *, model: str, edge: int) -> Timed:
    """Noise of the whole volume times the root of the spectrum, in memory."""
    from scipy import fft

    from poroscale.kernels.gaussian.bivariate import level_of
    from poroscale.microstructure.model import MicrostructureModel
    from poroscale.training import load_weights

    opened = MicrostructureModel.open(model)
    kernel = load_weights(opened.weights)[0]["kernel_0"].numpy()
    level = np.float32(level_of(opened.settings.fractions[0]))

    def make(n: int) -> Any:
        rng = np.random.default_rng(0)
        noise = rng.standard_normal((n, n, n), dtype=np.float32)
        spectrum = fft.rfftn(noise, workers=THREADS)
        spectrum *= fft.rfftn(kernel, (n, n, n), workers=THREADS)
        field = fft.irfftn(spectrum, (n, n, n), workers=THREADS)
        return (field >= level).astype(np.uint8)

    make(72)
    return lambda: {"share": float(make(edge).mean())}


def summing(_scratch: Path, *, model: str, edge: int) -> Timed:
    """The sum of modes of GSTools, cut at the level."""
    import gstools

    from poroscale.kernels.gaussian.bivariate import level_of
    from poroscale.microstructure.model import MicrostructureModel

    level = level_of(MicrostructureModel.open(model).settings.fractions[0])
    field = gstools.SRF(gstools.Gaussian(dim=3, len_scale=SIGMA * 2.5), seed=1, mode_no=MODES)
    field.structured([np.arange(4.0)] * 3)

    def timed() -> dict[str, Any]:
        made = field.structured([np.arange(float(edge))] * 3)
        return {"share": float((made >= level).mean())}

    return timed
