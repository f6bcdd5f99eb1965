"""One YAML file, one job: what is analysed, how it is run, and the settings of every stage.

The sections are `analyse` (sources, out), `run`, and one for each stage: `ingest`, `segment`,
`pores`, `batch`. Paths are relative to the working directory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poroscale.config import Config, load_sections, parse_config
from poroscale.engine import Run
from poroscale.engine.run import DEFAULT_MEMORY
from poroscale.pipelines.analyse import AnalyseConfig, Analysis, analyse
from poroscale.volume import Shape

Sections = Mapping[str, Mapping[str, Any]]


class PathsConfig(Config):
    """What is analysed, and where the results go.

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
    """How it is run; the fields of `poroscale.engine.Run` that a file can hold."""

    memory: int | str = DEFAULT_MEMORY
    cluster: str | None = None
    workers: int | None = None
    block: Shape | None = None
    overwrite: bool = False


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
    return analyse_job(load_sections(Path(path)))


def analyse_job(sections: Sections, *, paths: Sequence[str] = (), **given: Any) -> AnalyseJob:
    """The job that the sections of a file and the options of a command describe.

    Parameters
    ----------
    sections
        Of the file; all of them may be missing.
    paths
        Sources, then the folder of the results; they take precedence over the section `analyse`.
    given
        Entries of the section `run` that take precedence; None leaves the file's.

    Raises
    ------
    ValueError
        Naming an unknown section or key, a wrong value, or what is not stated.
    """
    stages = {name: dict(values) for name, values in sections.items()}
    named = parse_config(PathsConfig, stages.pop("analyse", {}), where="analyse")
    chosen = {name: value for name, value in given.items() if value is not None}
    how = parse_config(RunConfig, stages.pop("run", {}) | chosen, where="run")
    if len(paths) == 1:
        raise ValueError(f"SRC and OUT_DIR must both be given, got {paths[0]!r} alone")
    sources, out = (paths[:-1], paths[-1]) if paths else (named.sources, named.out)
    if not sources or out is None:
        raise ValueError(
            "sources and out must be given, on the command line or in the section 'analyse'"
        )
    return AnalyseJob(tuple(sources), Path(out), AnalyseConfig.of(stages), Run(**how.model_dump()))
