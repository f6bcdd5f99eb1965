"""Trials of a batch of patches on this machine: its time and its memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import NamedTuple

import numpy as np
import torch

from poroscale.engine.plan import MIB, release_memory, resident_set_size
from poroscale.segmentation.network.inference import Inference, loaded

LARGEST_BATCH = 64
GAIN = 0.97
"""A larger batch must take less than this share of the time per patch to be worth its memory."""


class BatchTrial(NamedTuple):
    """Costs of one batch: seconds per patch, and bytes at the peak beside the network."""

    batch: int
    seconds: float
    peak: int


def probe_batch(
    inference: Inference, memory: int, *, most: int = LARGEST_BATCH
) -> tuple[int, list[BatchTrial]]:
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
    int, list of BatchTrial
        The batch, and all that was measured.

    Raises
    ------
    MemoryError
        If one patch alone exceeds the memory.
    """
    trials: list[BatchTrial] = []
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
        raise _beyond(inference, trials[0], memory)
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
        raise _beyond(inference, trial, memory - held)
    return _measured(inference, trial, held)


def _beyond(inference: Inference, trial: BatchTrial, memory: int) -> MemoryError:
    """That a batch takes more than the memory that is left to it, and what would help."""
    verb = "takes" if trial.batch == 1 else "take"
    smaller = f", or the batch {trial.batch // 2}" if trial.batch > 1 else ""
    return MemoryError(
        f"memory must be at least {(trial.peak - memory) / MIB:.0f} MiB more{smaller}: "
        f"{_patches(trial.batch, inference.edge)} {verb} {trial.peak / MIB:.0f} MiB in "
        f"{inference.model}, and {max(memory, 0) / MIB:.0f} MiB are left"
    )


def _patches(batch: int, edge: int) -> str:
    return f"one patch of {edge}³" if batch == 1 else f"{batch} patches of {edge}³"


def _held(inference: Inference) -> int:
    """Bytes of the network itself."""
    network = loaded(inference.folder, inference.digest, inference.device)
    return sum(each.nbytes for each in network.state_dict().values())


def _measured(inference: Inference, trial: BatchTrial, held: int) -> Inference:
    memory = trial.peak + held if inference.device == "cpu" else 0
    return replace(inference, batch=trial.batch, memory=memory, seconds=trial.seconds)


def memory_for(device: str, budget: int) -> int:
    """Bytes for a network and its batches: what is free on the GPU, or the budget of the host."""
    return int(torch.cuda.mem_get_info()[0]) if device == "cuda" else budget


def _trial(inference: Inference) -> BatchTrial:
    edge = inference.edge
    low, high = inference.range
    ramp = np.linspace(low, high, edge**3, dtype=np.float32).reshape(1, edge, edge, edge)
    patches = np.repeat(ramp, inference.batch, axis=0)
    inference(patches)  # what is chosen and cached at the first call
    peak_of = _gpu_peak if inference.device == "cuda" else _resident_peak
    seconds, peak = peak_of(lambda: inference(patches))
    return BatchTrial(inference.batch, seconds / inference.batch, peak)


def _timed(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def _gpu_peak(call: Callable[[], object]) -> tuple[float, int]:
    """Seconds that a call takes, and bytes that torch takes on the GPU beyond those before."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    seconds = _timed(call)
    return seconds, torch.cuda.max_memory_allocated() - before


def _resident_peak(call: Callable[[], object]) -> tuple[float, int]:
    """Seconds that a call takes, and bytes by which the process grows meanwhile.

    A thread looks at the size of the process every two milliseconds.
    """
    release_memory()  # what was freed and not given back would hide the growth
    before, peak, ended = resident_set_size(), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.002):
            peak = max(peak, resident_set_size() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        seconds = _timed(call)
    finally:
        ended.set()
        watcher.join()
    return seconds, peak
