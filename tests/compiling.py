"""Numba's compiler by turns: workers that need the same kernel would each compile it."""

import fcntl
from contextlib import ExitStack, contextmanager

from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher

COMPILE = Dispatcher.compile


class KernelTurns:
    """A lock for each kernel, of all processes that name the same folder.

    Numba's own lock of the threads of a process has to be held. A kernel is compiled within the
    turn of one that calls it, and never the other way round: nobody waits for ever.
    """

    def __init__(self, folder):
        self._folder = folder
        self._held = set()

    @contextmanager
    def held(self, name):
        with ExitStack() as stack:
            if name not in self._held:
                file = stack.enter_context((self._folder / name).open("a"))
                fcntl.flock(file, fcntl.LOCK_EX)
                self._held.add(name)
                stack.callback(self._held.remove, name)
            yield


def compile_by_turns(turns):
    """A compiler that waits for its turn, and then finds in the cache what others compiled."""

    def compile_or_load(self, signature):
        module = self.py_func.__module__
        if not module.startswith("poroscale."):  # numba's own are in no cache
            return COMPILE(self, signature)
        with global_compiler_lock, turns.held(f"{module}.{self.py_func.__qualname__}"):
            return COMPILE(self, signature)

    return compile_or_load
