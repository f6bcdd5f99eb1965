"""One step of the training of a segmentation network, and what it is judged by."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from poroscale.networks.segmenter import Segmenter
from poroscale.segmentation.training.config import SegmenterConfig
from poroscale.segmentation.training.data import Batch

VOXELS = ("both", "found", "true")


class SegmenterTask:
    """A network, Adam, and one step.

    Parameters
    ----------
    network
        With fresh weights.
    config
        Learning rate and precision.
    device
        "cpu" or "cuda".
    """

    def __init__(self, network: Segmenter, config: SegmenterConfig, device: str) -> None:
        self.device, self._half = device, config.training.precision == "bf16"
        self.network = network.to(device)
        if device == "cuda":
            self.network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        rate = config.training.learning_rate
        self.modules: dict[str, nn.Module] = {"network": self.network}
        self.optimisers: dict[str, Optimizer] = {
            "network": Adam(self.network.parameters(), lr=rate)
        }

    def step(self, batch: Batch) -> dict[str, float]:
        """One step on a batch; its losses."""
        self.network.train()
        losses = self._losses(*self._moved(batch))
        self.optimisers["network"].zero_grad()
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        self.optimisers["network"].step()
        return {name: float(each.detach()) for name, each in losses.items()}

    def judge(self, batch: Batch) -> dict[str, float]:
        """Losses of a batch and, for supervised networks, voxels of pores in a patch.

        "found" have a probability above a half, "true" are those of the truth, "both" are both:
        Dice's coefficient is 2 both / (found + true).
        """
        self.network.eval()
        patches, truth = self._moved(batch)
        with torch.inference_mode():
            losses = {name: float(each) for name, each in self._losses(patches, truth).items()}
            if truth is None:
                return losses
            with self._autocast():
                found = self.network.window_values(patches) > 0
            pore = truth[:, 0] > 0.5
            counts = (found & pore, found, pore)
            return losses | {
                name: float(each.sum()) / len(pore)
                for name, each in zip(VOXELS, counts, strict=True)
            }

    def _losses(self, patches: Tensor, truth: Tensor | None) -> dict[str, Tensor]:
        with self._autocast():
            return self.network.loss(patches, truth)

    def _autocast(self) -> Any:
        return torch.autocast(self.device, torch.bfloat16) if self._half else nullcontext()

    def _moved(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        truth = None if batch.truth is None else batch.truth.to(self.device)
        return batch.patches.to(self.device), truth
