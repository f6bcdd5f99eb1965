"""One YAML file, one job: what is analysed, how it is run, and the settings of every stage.

The sections are `analyse` (sources, out), `run`, and one for each stage: `ingest`, `segment`,
`pores`, `batch`. Paths are relative to the working directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poroscale.config import Config, load_sections, parse_config
from poroscale.engine import Run
from poroscale.pipelines.analyse import AnalyseConfig, Analysis, analyse
from poroscale.volume import Shape


class PathsConfig(Config):
    """Scans that are analysed, and folder of the results.

    Attributes
    ----------
    sources
        Scans, anything that `ingest` reads.
    out
        Folder of the results.
    """

    sources: tuple[str, ...] = ()
    out: str | None = None


class RunConfig(Config):
    """Settings of the run: the fields of `poroscale.engine.Run` that a file can hold."""

    memory: int | str | None = None
    memory_per_worker: int | str | None = None
    cluster: str | None = None
    workers: int | None = None
    block: Shape | None = None
    overwrite: bool = False


def run_section(sections: dict[str, dict[str, Any]], given: Mapping[str, Any] | None = None) -> Run:
    """The run that the section `run` describes; the section is taken out of `sections`.

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
    chosen = {name: value for name, value in (given or {}).items() if value is not None}
    how = parse_config(RunConfig, sections.pop("run", {}) | chosen, where="run")
    return Run(**how.model_dump())


@dataclass(frozen=True)
class AnalyseJob:
    """A call of `analyse`, ready to be made."""

    sources: tuple[str, ...]
    out: Path
    config: AnalyseConfig
    run: Run

    def start(self) -> list[Analysis]:
        """Make the call."""
        return analyse(self.sources, self.out, config=self.config, run=self.run)


def load_job(path: str | Path) -> AnalyseJob:
    """The job that a YAML file describes.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        Naming an unknown section or key, a wrong value, or what is not stated.
    """
    stages = load_sections(Path(path))
    named = parse_config(PathsConfig, stages.pop("analyse", {}), where="analyse")
    run = run_section(stages)
    if not named.sources or named.out is None:
        raise ValueError(f"sources and out must be given in the section 'analyse' of {path}")
    config = AnalyseConfig.of(stages)
    return AnalyseJob(named.sources, Path(named.out), config, run)


def call_of_file(path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """The call of `analyse` that a YAML file and settings describe.

    Parameters
    ----------
    path
        The file.
    given
        Arguments and settings of `poroscale.analyse`; they take precedence over the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        Naming an unknown key or a wrong value.
    """
    stages = load_sections(path)
    named = parse_config(PathsConfig, stages.pop("analyse", {}), where="analyse")
    how = parse_config(RunConfig, stages.pop("run", {}), where="run")
    call: dict[str, Any] = {name: getattr(how, name) for name in how.model_fields_set}
    if named.sources:
        call["sources"] = named.sources
    if named.out is not None:
        call["out_dir"] = named.out
    call |= given
    if "sources" not in call or "out_dir" not in call:
        raise ValueError(
            f"sources and out must be given, as words or in the section 'analyse' of {path}"
        )
    return call | {"config": stages}
