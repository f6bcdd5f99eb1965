"""One YAML file, one job: from the phases of scanned parts to new parts, and how well they match.

The sections are `part` (phases, model, out, comparison), `run`, and one for each stage: `fit`,
`surface`, `roughness`, `generate`, `compare`. Paths are relative to the working directory.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from poroscale.compare import CompareConfig, Comparison
from poroscale.config import Config, load_sections, parse_config
from poroscale.engine import Run, connect
from poroscale.events import Progress
from poroscale.parts.generate import GeneratedPart
from poroscale.parts.model import PartModel
from poroscale.pipelines.compare import compare_parts
from poroscale.pipelines.fit import FitPartConfig, fit_part
from poroscale.pipelines.generate import GenerateConfig, generate_part
from poroscale.pipelines.settings import run_section
from poroscale.volume import Volume

log = logging.getLogger("poroscale.parts")


class PartPaths(Config):
    """Inputs of the fit, and folders of the results.

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
        run = run_section(sections)
        generate = parse_config(GenerateConfig, sections.pop("generate", {}), where="generate")
        compare = parse_config(CompareConfig, sections.pop("compare", {}), where="compare")
        fit = FitPartConfig.of(sections)
        return cls(paths, fit, generate, compare, run)

    def start(self, *, progress: Progress | None = None) -> FittedParts:
        """Make the calls.

        Parameters
        ----------
        progress
            Called after each generated part.
        """
        with connect(self.run, job="generate") as shared:
            phases = [Volume.open(path) for path in self.paths.phases]
            model = fit_part(phases, self.paths.model, config=self.fit, run=shared)
            log.info("%s", model)
            made = generate_part(
                self.paths.model,
                self.paths.out,
                config=self.generate,
                run=shared,
                progress=progress,
            )
            found = None
            if self.paths.comparison is not None:
                found = self._compared(self.paths.comparison, phases, made, shared)
        return FittedParts(model, tuple(made), found)

    def _compared(
        self, folder: str, phases: list[Volume], made: list[GeneratedPart], run: Run
    ) -> Comparison:
        found = compare_parts(
            phases,
            [part.phases for part in made],
            folder,
            model=self.paths.model,
            config=self.compare,
            run=run,
        )
        log.info("%s", found)
        return found


@dataclass(frozen=True)
class FittedParts:
    """A part model, the parts that were generated from it, and how well they match.

    Attributes
    ----------
    model
        The fitted model.
    parts
        The generated parts, at least one.
    comparison
        Of the generated parts with the scanned ones; None if none was asked for.
    """

    model: PartModel
    parts: tuple[GeneratedPart, ...]
    comparison: Comparison | None
