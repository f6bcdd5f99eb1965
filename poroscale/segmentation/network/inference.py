"""A model as what `stitch_windows` calls: patches in, values out, the same bits every time.

On the CPU one intra-op thread computes batches of one shape, for the bits of a convolution change
with both; parallelism is across tasks. The network is loaded once in each process.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from poroscale.engine import load_once
from poroscale.identity import kernel
from poroscale.networks.segmenter import Segmenter
from poroscale.networks.segmenters import build_segmenter
from poroscale.segmentation.network.config import Precision
from poroscale.segmentation.network.model import SegmentationModel
from poroscale.segmentation.network.normalisation import GreyRange

Floats = NDArray[np.float32]
VERSION = 1
"""Of what is computed from the weights: a change of any bit raises it."""
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@kernel("segment.Inference")
@dataclass(frozen=True)
class Inference:
    """A model that infers patches; it pickles as the path and checksum of its weights.

    Attributes
    ----------
    folder, digest
        Of the model.
    range
        Grey values that become 0 and 1.
    batch
        Patches that are computed at a time; fewer are padded.
    device
        "cpu" or "cuda".
    precision
        "bf16" and "fp16" compute in that type, on a GPU.
    bound, outside, edge, halo, multiple
        As those of the network (`poroscale.networks.segmenter.Segmenter`).
    model
        Name of the network.
    memory
        Bytes that a call takes in the main memory, the network's included, in the trial of `probed`
        or `tried`.
    seconds
        That a patch took there.
    """

    folder: Path
    digest: str
    range: GreyRange
    batch: int
    device: str
    precision: Precision
    bound: float
    outside: float
    edge: int
    halo: int | None
    multiple: int
    model: str
    memory: int = 0
    seconds: float = 0.0

    @classmethod
    def of(
        cls,
        model: SegmentationModel,
        scan: GreyRange,
        *,
        batch: int = 1,
        device: str = "auto",
        precision: Precision | None = None,
    ) -> Inference:
        """A model for a scan of this range; bf16 on a GPU and float32 on the CPU if not told.

        Raises
        ------
        ValueError
            If the device is not there, or half precision is asked for on the CPU.
        """
        device = device_of(device)
        precision = precision or ("bf16" if device == "cuda" else "float32")
        if device == "cpu" and precision != "float32":
            raise ValueError(f"precision must be float32 on the CPU, got {precision}")
        if batch < 1:
            raise ValueError(f"batch must be at least 1, got {batch}")
        card = model.card
        with torch.device("meta"):
            network = build_segmenter(card.model, width=card.width, edge=card.edge)
        return cls(
            model.folder,
            card.sha256,
            scan,
            batch,
            device,
            precision,
            network.bound,
            network.outside,
            card.edge,
            network.halo,
            network.multiple,
            card.model,
        )

    def __call__(self, patches: Floats) -> Floats:
        """Values of patches.

        Parameters
        ----------
        patches
            (n, e, e, e) grey values of the scan as they are.

        Returns
        -------
        ndarray
            float32 (n, e, e, e), at most `bound` in magnitude.

        Raises
        ------
        MemoryError
            If the GPU cannot hold the batch; the sentence names the one to use.
        """
        grey = self.range.normalised(patches)
        short = -len(grey) % self.batch
        if short:
            grey = np.concatenate([grey, np.zeros((short, *grey.shape[1:]), np.float32)])
        found = [
            self._infer(grey[first : first + self.batch])
            for first in range(0, len(grey), self.batch)
        ]
        return np.concatenate(found)[: len(patches)]

    def finish(self, values: Floats) -> Floats:
        """Averaged values to what is stored, in [0, 1]; see the network's."""
        return loaded(self.folder, self.digest, self.device).finish(values)

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Parameters from which the values follow."""
        return {
            "version": VERSION,
            "model": self.model,
            "weights": self.digest,
            "range": list(self.range),
            "batch": self.batch,
            "device": self.device,
            "precision": self.precision,
            "torch": torch.__version__,
        }

    def _infer(self, grey: Floats) -> Floats:
        network = loaded(self.folder, self.digest, self.device)
        if self.device == "cpu" and torch.get_num_threads() != 1:
            torch.set_num_threads(1)  # of this thread and those that begin later
        try:
            with torch.inference_mode(), self._autocast():
                found = network.window_values(self._moved(grey))
                return np.asarray(found.float().cpu().numpy(), np.float32)
        except torch.OutOfMemoryError:
            raise MemoryError(self._too_large(len(grey))) from None

    def _moved(self, grey: Floats) -> torch.Tensor:
        patches = torch.from_numpy(grey)[:, None].to(self.device)
        if self.device == "cpu":
            return patches
        return patches.contiguous(memory_format=torch.channels_last_3d)

    def _autocast(self) -> Any:
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device, DTYPES[self.precision])

    def _too_large(self, batch: int) -> str:
        if batch == 1:
            return f"the GPU cannot hold {self.model} and one patch of {self.edge}³; use the CPU"
        return (
            f"the GPU cannot hold a batch of {batch} patches of {self.edge}³; "
            f"use a batch of {batch // 2}"
        )


def device_of(name: str) -> str:
    """ "cpu" or "cuda"; "auto" is the GPU if there is one.

    Raises
    ------
    ValueError
        If it is neither, or there is no GPU.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda, got {name!r}")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ValueError("device must be cpu on this machine, which has no GPU; got cuda")
    return "cuda" if name != "cpu" and there else "cpu"


def loaded(folder: Path, digest: str, device: str) -> Segmenter:
    """The network of a model, loaded once in each process."""
    recipe = {"model": str(folder.resolve()), "weights": digest, "device": device}
    return load_once(recipe, lambda: _load(folder, digest, device))


def _load(folder: Path, digest: str, device: str) -> Segmenter:
    model = SegmentationModel.open(folder)
    if model.card.sha256 != digest:
        raise OSError(f"{folder} was replaced while it was in use")
    network = model.network().to(device)
    return network if device == "cpu" else network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
