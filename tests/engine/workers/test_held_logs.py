"""A job that recovers says nothing of the workers it has lost; one that fails says all."""

import logging

import pytest

from poroscale.engine.workers.held_logs import held_logs


def fail_without_workers():
    lose_a_worker()
    raise RuntimeError("no worker is left")


@pytest.fixture
def shown():
    """What the handlers of a family of loggers were given."""
    lines = []

    class Lines(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())

    loggers = [logging.getLogger(name) for name in ("family", "family.own")]
    for logger in loggers:
        logger.handlers, logger.propagate = [Lines()], False
    yield lines
    for logger in loggers:
        logger.handlers = []


def lose_a_worker():
    logging.getLogger("family.scheduler").error("couldn't gather keys")
    logging.getLogger("family.own").error("worker died")


def test_nothing_is_shown_of_a_job_that_ends_well(shown):
    with held_logs("family"):
        lose_a_worker()
    assert shown == []


def test_all_is_shown_of_a_job_that_fails(shown):
    with pytest.raises(RuntimeError, match="no worker is left"), held_logs("family"):
        fail_without_workers()
    assert sorted(shown) == ["couldn't gather keys", "worker died"]


def test_what_is_logged_afterwards_is_shown(shown):
    with held_logs("family"):
        pass
    lose_a_worker()
    assert len(shown) == 2


def refuse():
    lose_a_worker()
    raise MemoryError("memory must be at least 4 GiB")


def test_nothing_is_shown_beside_a_refusal(shown):
    with pytest.raises(MemoryError), held_logs("family"):
        refuse()
    assert shown == []


def test_what_is_no_warning_is_dropped(shown):
    logging.getLogger("family").setLevel(logging.INFO)
    with pytest.raises(RuntimeError), held_logs("family"):
        inform_and_fail()
    assert shown == []


def inform_and_fail():
    logging.getLogger("family").info("worker registered")
    raise RuntimeError
