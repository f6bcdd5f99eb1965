"""A line a minute where standard error is no terminal."""

import re
import threading
import time

import pytest

from poroscale.engine.workers import progress as module
from poroscale.engine.workers.progress import progress


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(module, "EVERY", 0.05)
    monkeypatch.setattr(module, "_CLOCK", module._Clock())


def heard(capsys):
    """Lines that were written, once there is one: a busy machine lets the writer wait."""
    text, begun = "", time.monotonic()
    while not text and time.monotonic() - begun < 60:
        time.sleep(0.01)
        text = capsys.readouterr().err
    return text


def test_long_work_tells_how_far_it_is(quick, capsys):
    with progress("labels", total=40, done=10, show=None) as advance:
        for _ in range(6):
            advance()
        capsys.readouterr()
        lines = heard(capsys).splitlines()
    assert lines
    assert all(line.startswith("poroscale: labels: 16 of 40, ") for line in lines)
    assert all(line.endswith(" to go") for line in lines)


def test_a_block_that_takes_long_is_not_silent(quick, capsys):
    with progress("windows", total=2, done=0, show=None):
        assert re.match(r"poroscale: windows: 0 of 2, \d+ s\n", heard(capsys))


def test_stages_that_are_short_add_up_to_a_line(quick, capsys):
    begun, text = time.monotonic(), ""
    while text.count("\n") < 2 and time.monotonic() - begun < 60:
        with progress("stage", total=1, done=0, show=None):
            time.sleep(0.012)
        text += capsys.readouterr().err
    assert 2 <= text.count("\n") <= (time.monotonic() - begun) / module.EVERY


def test_short_work_and_quiet_work_say_nothing(capsys, monkeypatch):
    monkeypatch.setattr(module, "EVERY", 60.0)
    with progress("short", total=2, done=0, show=None) as advance:
        advance()
    monkeypatch.setattr(module, "EVERY", 0.01)
    with progress("quiet", total=2, done=0, show=False) as advance:
        time.sleep(0.05)
        advance()
    assert capsys.readouterr().err == ""
    assert not [each for each in threading.enumerate() if each.name == "poroscale-progress"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (59, "59 s"), (61, "1 min"), (9000, "2.5 h")]
)
def test_times_in_words(seconds, words):
    assert module._minutes(seconds) == words
