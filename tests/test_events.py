"""What a job says on its way."""

import logging
from dataclasses import dataclass

import pytest

from poroscale.cli.talk import script, told
from poroscale.events import Described, Event, under_name


def test_a_name_is_put_before_those_of_the_events_of_a_part():
    found = []
    tell = under_name(under_name(found.append, "unet"), "fold 1")
    tell(Event("epoch", "", 1, 3, {"loss": 0.5}))
    assert found == [Event("epoch", "unet fold 1", 1, 3, {"loss": 0.5})]
    assert under_name(None, "unet") is None


def test_a_result_prints_as_its_description():
    @dataclass(frozen=True)
    class Found(Described):
        pores: int

        def describe(self):
            yield f"{self.pores} pores"
            yield "no more"

    assert str(Found(3)) == "3 pores\nno more"


def test_the_command_line_prints_what_the_loggers_say(capsys):
    log = logging.getLogger("poroscale.some.area")
    before = logging.getLogger("poroscale").level
    with told():
        log.info("scan       %s", "here")
        log.debug("not this")
        log.warning("it may be wrong")
    log.info("nobody listens")
    assert capsys.readouterr().out == "scan       here\nwarning    it may be wrong\n"
    assert logging.getLogger("poroscale").level == before


def test_a_script_ends_with_a_sentence():
    with pytest.raises(SystemExit, match=r"^table: `edge` must be positive$"), script("table"):
        raise ValueError("`edge` must be positive")
    with pytest.raises(KeyError), script("table"):  # what no user can mend
        raise KeyError("edge")
