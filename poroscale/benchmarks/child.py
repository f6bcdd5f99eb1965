"""The process in which one run of one contender takes place; the standard library is enough."""

from __future__ import annotations

import importlib
import importlib.util
import json
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any


def main(order: str) -> None:
    """Load, warm up, then time one run and print it as JSON in the last line."""
    work, scratch, parameters = json.loads(order)
    module, _, function = work.rpartition(":")
    timed = getattr(_loaded(module), function)(Path(scratch), **parameters)
    cpu, wall = _cpu(), time.perf_counter()
    result = timed()
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    body = {"wall": wall, "cpu": cpu, "peak": peak_bytes(), "result": result}
    print(json.dumps(body), flush=True)


def _loaded(module: str) -> Any:
    """A module by its name, or by its file where poroscale is not installed."""
    if not module.endswith(".py"):
        return importlib.import_module(module)
    spec = importlib.util.spec_from_file_location(Path(module).stem, module)
    if spec is None or spec.loader is None:
        raise ImportError(f"{module} cannot be imported")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def _cpu() -> float:
    """CPU time of this process and of its finished children [s]."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def peak_bytes() -> int:
    """Largest proportional set size of this process until now [bytes].

    The kernel keeps the exact high-water mark of the resident set, which no sampling matches; what
    of it is shared with other processes (libraries, mostly) does not change much and is taken off
    as it is now.
    """
    try:
        status = Path("/proc/self/status").read_text()
        now = Path("/proc/self/smaps_rollup").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return _kilobytes(status, "VmHWM") - _kilobytes(now, "Rss") + _kilobytes(now, "Pss")


def forget_peak() -> None:
    """Count the peak from now on, where the kernel can (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def size_now() -> int:
    """Proportional set size of this process [bytes]."""
    try:
        return _kilobytes(Path("/proc/self/smaps_rollup").read_text(), "Pss")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _kilobytes(text: str, name: str) -> int:
    line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main(sys.argv[1])
