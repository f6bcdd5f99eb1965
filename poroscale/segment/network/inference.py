"""A model as what `stitch_windows` calls: patches in, values out, the same bits every time.

On the CPU one intra-op thread computes batches of one shape, for the bits of a convolution change
with both; parallelism is across tasks. The network is loaded once in each process.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from poroscale.engine import load_once
from poroscale.engine.plan import MIB, release_memory, resident_set_size
from poroscale.identity import kernel
from poroscale.networks.segmenter import Segmenter
from poroscale.networks.segmenters import build_segmenter
from poroscale.segment.network.model import SegmentationModel
from poroscale.segment.network.normalisation import GreyRange

Floats = NDArray[np.float32]
Precision = Literal["float32", "bf16", "fp16"]
VERSION = 1
"""Of what is computed from the weights: a change of any bit raises it."""
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
LARGEST_BATCH = 64
GAIN = 0.97
"""A larger batch must take less than this share of the time per patch to be worth its memory."""


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
        return _loaded(self.folder, self.digest, self.device).finish(values)

    @property
    def recipe(self) -> Mapping[str, Any]:
        """What the values follow from."""
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
        network = _loaded(self.folder, self.digest, self.device)
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


def _loaded(folder: Path, digest: str, device: str) -> Segmenter:
    recipe = {"model": str(folder.resolve()), "weights": digest, "device": device}
    return load_once(recipe, lambda: _load(folder, digest, device))


def _load(folder: Path, digest: str, device: str) -> Segmenter:
    model = SegmentationModel.open(folder)
    if model.card.sha256 != digest:
        raise OSError(f"{folder} was replaced while it was in use")
    network = model.network().to(device)
    return network if device == "cpu" else network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]


class Trial(NamedTuple):
    """What one batch took: seconds per patch, and bytes at the peak beside the network."""

    batch: int
    seconds: float
    peak: int


def probe_batch(
    inference: Inference, memory: int, *, most: int = LARGEST_BATCH
) -> tuple[int, list[Trial]]:
    """The fastest batch that fits, found by trial: 1, 2, 4, ...

    The next batch is tried while twice the last one's peak fits and the last one was faster than
    the one before.

    Parameters
    ----------
    inference
        Its own batch does not matter.
    memory
        For what a batch takes beside the network [bytes].
    most
        Largest batch that is tried.

    Returns
    -------
    int, list of Trial
        The batch, and all that was measured.

    Raises
    ------
    MemoryError
        If one patch alone exceeds the memory.
    """
    trials: list[Trial] = []
    batch = 1
    while batch <= most:
        try:
            trials.append(_trial(replace(inference, batch=batch)))
        except MemoryError:
            if batch == 1:
                raise
            break
        if trials[-1].peak > memory:
            break
        if len(trials) > 1 and trials[-1].seconds > GAIN * trials[-2].seconds:
            break
        if 2 * trials[-1].peak > memory:
            break
        batch *= 2
    fitting = [each for each in trials if each.peak <= memory]
    if not fitting:
        raise MemoryError(
            f"one patch of {inference.edge}³ takes {trials[0].peak / MIB:.0f} MiB in "
            f"{inference.model}, more than the {memory / MIB:.0f} MiB that are left"
        )
    return min(fitting, key=lambda each: each.seconds).batch, trials


def probed(inference: Inference, memory: int, *, most: int = LARGEST_BATCH) -> Inference:
    """The inference with the batch that `probe_batch` finds, and what it takes.

    Parameters
    ----------
    inference, most
        As for `probe_batch`.
    memory
        For the network and what a batch takes beside it [bytes].

    Raises
    ------
    MemoryError
        If network and one patch exceed the memory.
    """
    held = _held(inference)
    batch, trials = probe_batch(inference, memory - held, most=most)
    best = next(each for each in trials if each.batch == batch)
    return _measured(inference, best, held)


def tried(inference: Inference, memory: int) -> Inference:
    """The inference with what its own batch takes, by one trial.

    Raises
    ------
    MemoryError
        If network and batch exceed the memory [bytes]; the sentence names a smaller batch.
    """
    held, trial = _held(inference), _trial(inference)
    if trial.peak + held > memory:
        verb = "takes" if trial.batch == 1 else "take"
        smaller = f"; use a batch of {trial.batch // 2}" if trial.batch > 1 else ""
        raise MemoryError(
            f"{_patches(trial.batch, inference.edge)} {verb} {trial.peak / MIB:.0f} MiB in "
            f"{inference.model}, more than the {(memory - held) / MIB:.0f} MiB that are left"
            f"{smaller}"
        )
    return _measured(inference, trial, held)


def _patches(batch: int, edge: int) -> str:
    return f"one patch of {edge}³" if batch == 1 else f"{batch} patches of {edge}³"


def _held(inference: Inference) -> int:
    """Bytes of the network itself."""
    network = _loaded(inference.folder, inference.digest, inference.device)
    return sum(each.nbytes for each in network.state_dict().values())


def _measured(inference: Inference, trial: Trial, held: int) -> Inference:
    memory = trial.peak + held if inference.device == "cpu" else 0
    return replace(inference, batch=trial.batch, memory=memory, seconds=trial.seconds)


def memory_for(device: str, budget: int) -> int:
    """Bytes for a network and its batches: what is free on the GPU, or the budget of the host."""
    return int(torch.cuda.mem_get_info()[0]) if device == "cuda" else budget


def _trial(inference: Inference) -> Trial:
    edge = inference.edge
    low, high = inference.range
    ramp = np.linspace(low, high, edge**3, dtype=np.float32).reshape(1, edge, edge, edge)
    patches = np.repeat(ramp, inference.batch, axis=0)
    inference(patches)  # what is chosen and cached at the first call
    gauge = _GpuPeak() if inference.device == "cuda" else _ResidentPeak()
    with gauge:
        start = perf_counter()
        inference(patches)
        seconds = perf_counter() - start
    return Trial(inference.batch, seconds / inference.batch, gauge.peak)


class _GpuPeak:
    """Bytes that torch takes on the GPU, beyond those before."""

    peak = 0

    def __enter__(self) -> None:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        self._before = torch.cuda.memory_allocated()

    def __exit__(self, *_: object) -> None:
        self.peak = torch.cuda.max_memory_allocated() - self._before


class _ResidentPeak:
    """Bytes by which the process grows, looked at every two milliseconds."""

    peak = 0

    def __enter__(self) -> None:
        release_memory()  # what was freed and not given back would hide the growth
        self._before = resident_set_size()
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.002):
            self.peak = max(self.peak, resident_set_size() - self._before)
