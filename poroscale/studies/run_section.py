"""The section `run` of a study's file, and what a call gives in its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poroscale.config import parse_config
from poroscale.engine import Run
from poroscale.pipelines.settings import RunConfig


def run_section(sections: dict[str, dict[str, Any]], given: Mapping[str, Any]) -> Run:
    """Settings of the run; the section is taken out of `sections`.

    Parameters
    ----------
    sections
        Entries of the file by section.
    given
        Entries that take precedence over those of the file; None leaves the file's.

    Raises
    ------
    ValueError
        Naming an unknown entry or a wrong value.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    how = parse_config(RunConfig, sections.pop("run", {}) | chosen, where="run")
    return Run(**how.model_dump())
