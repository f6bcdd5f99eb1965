"""The command line in this process."""

import signal
import sys

import pytest

from poroscale.cli import main
from poroscale.volume import Volume


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


@pytest.fixture
def refused(poroscale):
    """One sentence on standard error, exit code 2, no traceback, nothing that opens."""

    def run(*args, out=None):
        code, _, error = poroscale(*args)
        assert code == 2, error
        assert "Traceback" not in error
        assert len(error.strip().splitlines()) == 1 or "Usage" in error
        if out is not None and out.exists():
            with pytest.raises(ValueError, match="is unfinished"):
                Volume.open(out)
        return error

    return run
