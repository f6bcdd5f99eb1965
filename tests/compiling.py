"""Numba's compiler by turns: workers that need the same kernel would each compile it."""

import fcntl
from contextlib import contextmanager

from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher

COMPILE = Dispatcher.compile


class ByTurns:
    """A lock of all processes that have opened the same file; its holder may take it again.

    Numba's own lock of the threads of a process has to be held.
    """

    def __init__(self, file):
        self._file = file
        self._depth = 0

    @contextmanager
    def held(self):
        if not self._depth:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                fcntl.flock(self._file, fcntl.LOCK_UN)


def compile_by_turns(turns):
    """A compiler that waits for its turn, and then finds in the cache what others compiled."""

    def compile_or_load(self, signature):
        with global_compiler_lock, turns.held():
            return COMPILE(self, signature)

    return compile_or_load
