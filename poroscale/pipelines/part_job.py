"""One YAML file, one job: from the phases of scanned parts to new parts, and how well they match.

The sections are `part` (phases, model, out, comparison), `run`, and one for each stage: `fit`,
`surface`, `roughness`, `generate`, `compare`. Paths are relative to the working directory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from poroscale.compare import CompareConfig
from poroscale.config import Config, load_sections, parse_config
from poroscale.engine import Run, connect
from poroscale.pipelines.compare import compare_parts
from poroscale.pipelines.fit import FitPartConfig, fit_part
from poroscale.pipelines.generate import GenerateConfig, generate_parts
from poroscale.pipelines.settings import RunConfig


class PartPaths(Config):
    """What is fitted, and where the results go.

    Attributes
    ----------
    phases
        Phases of scanned parts.
    model
        Folder of the part model.
    out
        The generated part; with a count OUT_0000.zarr and so on.
    comparison
        Folder of the comparison; None makes none.
    """

    phases: tuple[str, ...]
    model: str
    out: str
    comparison: str | None = None


@dataclass(frozen=True)
class PartJob:
    """Fit, generate and compare, ready to be started."""

    paths: PartPaths
    fit: FitPartConfig
    generate: GenerateConfig
    compare: CompareConfig
    run: Run

    @classmethod
    def load(cls, path: str | Path) -> PartJob:
        """The job that a YAML file describes.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            Naming an unknown section or key, a wrong value, or what is not stated.
        """
        sections = load_sections(Path(path))
        paths = parse_config(PartPaths, sections.pop("part", {}), where="part")
        run = parse_config(RunConfig, sections.pop("run", {}), where="run")
        generate = parse_config(GenerateConfig, sections.pop("generate", {}), where="generate")
        compare = parse_config(CompareConfig, sections.pop("compare", {}), where="compare")
        fit = FitPartConfig.of(sections)
        return cls(paths, fit, generate, compare, Run(**run.model_dump()))

    def start(self) -> Iterator[str]:
        """Make the calls, and say what happened, line by line."""
        with connect(self.run) as shared:
            model = fit_part(self.paths.phases, self.paths.model, config=self.fit, run=shared)
            yield from model.describe()
            made = []
            for part in generate_parts(
                self.paths.model, self.paths.out, config=self.generate, run=shared
            ):
                made.append(part.phases.path)
                yield from part.describe()
            if self.paths.comparison is not None:
                found = compare_parts(
                    self.paths.phases,
                    made,
                    self.paths.comparison,
                    model=self.paths.model,
                    config=self.compare,
                    run=shared,
                )
                yield from found.describe()
