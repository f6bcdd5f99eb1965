"""The command line in this process."""

import signal
import sys

import pytest

from poroscale.cli import main


@pytest.fixture
def poroscale(monkeypatch, capsys):
    """Run one command in this process: (exit code, standard output, standard error)."""

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["poroscale", *map(str, args)])
        before = [(each, signal.getsignal(each)) for each in (signal.SIGINT, signal.SIGTERM)]
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        finally:
            for number, handler in before:
                signal.signal(number, handler)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run
