"""What a generator has come to after an epoch: fractions, S2, repetition, connectedness.

S2 is compared along the rows and columns of slices, as the critics see them, over lags up to half
of their edge. A generator computes every `cell`-th plane with the same numbers; whether they look
alike shows in the autocorrelation at this lag, less that of the images.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from poroscale.kernels.noise import tile_generator
from poroscale.microstructure.slicegan.crops import SliceCrops
from poroscale.microstructure.slicegan.training import SliceGan, one_hot, slices_across
from poroscale.training import Validation

JUDGED = 603
"""Stream of the latents of volumes that are looked at."""
LOOKED_AT = 128
"""Crops of each direction to which they are compared."""
S2 = "s2"


def pair_shares(slices: Tensor, lags: int) -> Tensor:
    """(2, channels, lags + 1): shares of pairs of one phase along rows and columns, by lag.

    Parameters
    ----------
    slices
        0 or 1, (n, channels, rows, columns).
    lags
        Largest lag.
    """
    found = []
    for axis in (3, 2):
        length = slices.shape[axis]
        found.append(
            torch.stack(
                [
                    (slices.narrow(axis, 0, length - r) * slices.narrow(axis, r, length - r)).mean(
                        dim=(0, 2, 3)
                    )
                    for r in range(lags + 1)
                ],
                dim=1,
            )
        )
    return torch.stack(found)


class SliceJudge:
    """Compares volumes of a generator with crops.

    Parameters
    ----------
    task
        The training.
    crops
        Crops of its images.
    """

    def __init__(self, task: SliceGan, crops: SliceCrops) -> None:
        self._task = task
        edge = crops.settings.edge
        self._lags = edge // 2
        # A place before all epochs: no training sees these crops together.
        drawn = torch.from_numpy(crops.drawn((-1, 0, 0), LOOKED_AT))
        phases = task.generator.shape.channels
        self._wanted = {
            axis: pair_shares(one_hot(drawn[axis], phases), self._lags) for axis in task.axes
        }

    def validation(self) -> Validation[Tensor]:
        """The judgement for the training loop."""
        return Validation(self._numbers, self.judge)

    def _numbers(self) -> Iterator[Tensor]:
        return iter(torch.arange(self._task.config.volumes))

    def judge(self, number: Tensor) -> dict[str, float]:
        """Measures of the volume of a number; lower is better but for "connected".

        Returns
        -------
        dict
            "fraction" is the largest difference of a fraction, "s2" the root of the mean square of
            the differences of S2, "repetition" the mean autocorrelation at the lag of a latent
            above that of the images, "connected" the least share of a phase in its largest cluster.
        """
        phases = self._made(int(number))
        volume = one_hot(phases.reshape(1, *phases.shape), self._task.generator.shape.channels)
        worst, squares, repeats = 0.0, [], []
        cell = self._task.generator.shape.cell
        for axis, wanted in self._wanted.items():
            found = pair_shares(slices_across(volume, axis), self._lags)
            worst = max(worst, float((found - wanted)[:, :, 0].abs().max()))
            squares.append(float(((found - wanted)[:, :, 1:] ** 2).mean()))
            if cell <= self._lags:
                repeats.append(float((_decay(found, cell) - _decay(wanted, cell)).mean()))
        told = {
            "fraction": worst,
            S2: float(np.sqrt(np.mean(squares))),
            "connected": _connected(phases),
        }
        return told | ({"repetition": float(np.mean(repeats))} if repeats else {})

    def _made(self, number: int) -> Tensor:
        """Phases (z, y, x) by the frozen statistics of the normalisation."""
        generator, task = self._task.generator, self._task
        noise = tile_generator(0, JUDGED, (number, 0, 0))
        latents = noise.standard_normal((1, task.config.latent, *(task.latents,) * 3), np.float32)
        generator.eval()
        with torch.inference_mode():
            shares: Tensor = generator(torch.from_numpy(latents).to(task.device))
        generator.train()
        return shares[0].argmax(dim=0).cpu()


def _decay(curves: Tensor, lag: int) -> Tensor:
    """Autocorrelation at a lag; 0 where a phase is missing."""
    share = curves[:, :, 0]
    variance = share - share**2
    return torch.where(
        variance > 1e-6, (curves[:, :, lag] - share**2) / variance.clamp(min=1e-6), 0.0
    )


def _connected(phases: Tensor) -> float:
    """The least share of a phase in its largest cluster of faces."""
    from scipy.ndimage import label

    shares = []
    for code in np.unique(phases.numpy()):
        labels, _ = label(phases.numpy() == code)
        sizes = np.bincount(labels.ravel())[1:]
        shares.append(float(sizes.max() / sizes.sum()))
    return min(shares)
