"""Two ways to draw new surfaces: windows of the scan's map, or a network over keyed noise.

Both are exact for any box. They are compared on a field of known law, the exponential of a smooth
Gaussian field, whose peaks are not its valleys: by the loss of the descent
(`kernels/maps/scattering_covariance.py`) and by skewness, beside a descent on the map itself and
fresh draws of the law, which say how far apart equal laws are.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.benchmarks.measure import Report
from poroscale.benchmarks.table import Part, Row

Map = NDArray[np.float64]
SHAPE, SMOOTH, DRAWS = (256, 512), 3.0, 4
STEPS, LEARNING_RATE = 300, 2e-3
WIDTH, LAYERS, KERNEL, LINEAR = 16, 4, 5, 32
NOTE = (
    "Short waves of a map of 256 x 512 cells. The network is translation-equivariant: the target's "
    "spectrum as one linear layer, then five convolutions of 5 x 5 with 16 channels over two "
    "fields of white noise; 300 steps of Adam on the loss of the descent."
)


def surfaces_part(*, report: Report, shape: tuple[int, int] = SHAPE, steps: int = STEPS) -> Part:
    """The part of the benchmark; it runs once, in this process."""
    import torch

    from poroscale.kernels.maps.scattering_covariance import ScatteringCovariance
    from poroscale.surfaces.microcanonical import descend

    target = short_waves(shape, 0)
    spread = float(target.std())
    statistics = ScatteringCovariance(torch.from_numpy((target / spread).astype(np.float32)))

    def row(name: str, maps: list[Map], seconds: float | None = None) -> Row:
        report(f"  {name}")
        with torch.no_grad():
            fields = [torch.from_numpy((each / spread).astype(np.float32)) for each in maps]
            losses = [float(statistics.loss(field)) for field in fields]
        skews = [skewness(each) for each in maps]
        took = "" if seconds is None else f"{seconds:.0f} s to fit"
        low, high = min(losses), max(losses)
        shown = f"loss {median(losses):.2g} ({low:.2g} to {high:.2g})"
        return Row(name, shown, f"skewness {np.mean(skews):.2f}", took)

    begun = perf_counter()
    descended = [descend(target, iterations=60, seed=k).map.astype(float) for k in range(1)]
    descent = perf_counter() - begun
    begun = perf_counter()
    drawn = network_maps(target / spread, statistics, steps)
    trained = perf_counter() - begun
    rows = [
        row("the map itself", [target]),
        row("fresh draws of the law", [short_waves(shape, k) for k in range(1, DRAWS + 1)]),
        row("descent", descended, descent),
        row("windows of the map", window_maps(target)),
        row("network over keyed noise", [spread * each for each in drawn], trained),
    ]
    return Part("New surfaces", rows, [], NOTE)


def short_waves(shape: tuple[int, int], seed: int) -> Map:
    """Short waves of the exponential of a Gaussian field."""
    from scipy.ndimage import gaussian_filter

    from poroscale.surfaces.roughness import parted

    noise = np.random.default_rng(seed).standard_normal(shape)
    field = gaussian_filter(noise, SMOOTH, mode="wrap")
    heights = np.exp(field / field.std())
    return parted(heights - heights.mean())[1]


def skewness(heights: Map) -> float:
    """Third central moment over the cube of the standard deviation."""
    centred = heights - heights.mean()
    return float((centred**3).mean() / (centred**2).mean() ** 1.5)


def window_maps(target: Map) -> list[Map]:
    """Maps composed of windows of the target, as in a part model."""
    from poroscale.kernels.maps.texture import windowed

    pool, step = (target.astype(np.float32),), min(96, target.shape[0] // 2)
    return [
        windowed(
            pool,
            (1000 * k, target.shape[0]),
            columns=target.shape[1],
            step=(step, step),
            overlap=16,
            key=(k, 1),
        ).astype(float)
        for k in range(DRAWS)
    ]


def network_maps(target: Map, statistics: Any, steps: int) -> list[Map]:
    """Maps of a network that was trained to have the statistics of the target."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    channels = [3, *[WIDTH] * LAYERS]
    layers: list[nn.Module] = []
    for before, after in pairwise(channels):
        layers += [nn.Conv2d(before, after, KERNEL), nn.ELU()]
    last = nn.Conv2d(WIDTH, 1, KERNEL)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)  # type: ignore[arg-type]
    body = nn.Sequential(*layers, last)
    linear = nn.Parameter(torch.from_numpy(spectral_kernel(target))[None, None])
    reach = (KERNEL // 2) * (LAYERS + 1)
    margin = LINEAR + reach
    rows, columns = target.shape

    def draw(seed: int) -> Any:
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn((1, 2, rows + 2 * margin, columns), generator=generator)
        noise = torch.cat([noise[..., -margin:], noise, noise[..., :margin]], dim=-1)
        linearly = nn.functional.conv2d(noise[:, :1], linear)
        fine = noise[:, 1:, LINEAR:-LINEAR, LINEAR:-LINEAR]
        coarse = 9 * nn.functional.avg_pool2d(fine, 9, 1, 4)
        seen = torch.cat([linearly, fine, coarse], dim=1)
        return (linearly[:, :, reach:-reach, reach:-reach] + body(seen))[0, 0]

    optimiser = torch.optim.Adam([linear, *body.parameters()], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        optimiser.zero_grad()
        statistics.loss(draw(step)).backward()
        nn.utils.clip_grad_norm_([linear, *body.parameters()], 1.0)
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return [draw(1_000_000 + k).numpy().astype(float) for k in range(DRAWS)]


def spectral_kernel(target: Map) -> NDArray[np.float32]:
    """The kernel that gives white noise the spectrum of a map."""
    kernel = np.fft.fftshift(np.fft.ifft2(np.abs(np.fft.fft2(target)) / np.sqrt(target.size)).real)
    z, x = (edge // 2 for edge in kernel.shape)
    cut = kernel[z - LINEAR : z + LINEAR + 1, x - LINEAR : x + LINEAR + 1]
    return np.ascontiguousarray(cut, np.float32)
