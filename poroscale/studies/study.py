"""The comparison of segmentation models on phantoms (Iuso et al. 2024, sections 4.4 to 4.6).

1. Generate the scans of the training and of every test set, with their truths.
2. Train each model on every fold of the training scans: supervised ones on the truth, on what
   Otsu's thresholds find, or on what another model of the study finds, which needs no truth.
3. Segment every test scan with every fold of every model, unsupervised ones also without what the
   surface adds to their scores, and by Otsu's thresholds. The scan's own grey values, plain and
   smoothed, are scores beside them: what takes no training at all.
4. Average precision and area under the ROC curve, with 95 % intervals over folds.

All steps resume: what is finished is left alone. One YAML file has all settings; scaled up it is
the paper's study.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from poroscale.config import load_sections, parse_config
from poroscale.engine import Run, connect
from poroscale.events import Event, Progress, under_name
from poroscale.manifest import canonical_json, write_durably
from poroscale.phantoms import PhantomConfig
from poroscale.pipelines.settings import run_section
from poroscale.segmentation import evaluate_scores, segment_otsu
from poroscale.segmentation.evaluation.evaluate import EvaluateConfig
from poroscale.segmentation.evaluation.grey_scores import SIGMAS, grey_baselines
from poroscale.statistics.samples.uncertainty import fold_table
from poroscale.studies.phantoms import TRAINING_SET, phantom_scans, phantom_sets
from poroscale.studies.study_config import (
    OTSU,
    TRUTH,
    StudyConfig,
    Trainee,
    check_labels,
    trainee_of,
)
from poroscale.studies.tables import MEASURES, studies_in_markdown
from poroscale.verb import verb
from poroscale.volume import Volume

if TYPE_CHECKING:
    from poroscale.segmentation.network.model import SegmentationModel

log = logging.getLogger("poroscale.studies")

PLAIN, COMPENSATED = "", " post-processed"
Values = dict[str, dict[str, dict[str, list[float]]]]
"""Values of the folds by test set, model and measure."""


@dataclass(frozen=True)
class Study:
    """A comparison of models, ready to be started.

    Attributes
    ----------
    config
        Models and folder.
    phantoms
        Scans by set; the set "training" is trained on, the others are for testing.
    training
        Settings for training each model.
    run
        Memory, workers and cluster.
    """

    config: StudyConfig
    phantoms: Mapping[str, Sequence[PhantomConfig]]
    training: Mapping[str, Trainee]
    run: Run

    @classmethod
    def load(cls, path: str | Path, **given: Any) -> Study:
        """The study that a YAML file describes.

        The sections are `study`, `phantoms` (sets of lists; an entry has the keys of `poroscale
        phantom`), `run`, the stages of a training, and `models` with stages that differ for one
        and its `labels`.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            Naming an unknown section, key, model or set, or a wrong value.
        """
        sections = load_sections(Path(path))
        config = parse_config(StudyConfig, sections.pop("study", {}), where="study")
        phantoms = phantom_sets(sections.pop("phantoms", {}))
        own = sections.pop("models", {})
        run = run_section(sections, given)
        unknown = sorted(own.keys() - set(config.models))
        if unknown:
            raise ValueError(f"models: {unknown[0]!r} is none of those that are compared")
        names = [name for name in config.models if name != OTSU]
        taken = sorted(SIGMAS.keys() & set(names))
        if taken:
            raise ValueError(f"models must not be called {taken[0]!r}, as the scan itself is")
        training = {name: trainee_of(name, sections, own.get(name, {})) for name in names}
        check_labels(training)
        return cls(config, phantoms, training, run)

    @property
    def out(self) -> Path:
        """Folder of everything."""
        return Path(self.config.out)

    def start(self, *, progress: Progress | None = None) -> StudyResult:
        """Train and compare; see `compare_models`."""
        values: Values = {}
        with connect(self.run) as run:
            scans = {name: list(self._scans(name, run)) for name in self.phantoms}
            log.info("scans      %d in %s", sum(map(len, scans.values())), self.out / "scans")
            tests = {name: each for name, each in scans.items() if name != TRAINING_SET}
            if OTSU in self.config.models:
                self._otsu(tests, values, run)
                log.info("%s", _Row(OTSU, values))
            self._grey(tests, values, run)
            for name in SIGMAS:
                log.info("%s", _Row(name, values))
            trained: dict[str, list[SegmentationModel]] = {}
            for name in self.training:
                trained[name] = self._train(name, scans[TRAINING_SET], trained, run, progress)
                for shown in self._judge(name, trained[name], tests, values, run):
                    log.info("%s", _Row(shown, values))
                if progress is not None:
                    found = _precisions(name, values)
                    progress(Event("model", name, len(trained), len(self.training), found))
        return self._written(values)

    def _written(self, values: Values) -> StudyResult:
        tables = {name: fold_table(each) for name, each in values.items()}
        models = {
            name: {"labels": each.labels, **each.settings.model_dump(mode="json")}
            for name, each in self.training.items()
        }
        result = {"models": models, "values": values, "tables": tables}
        named = self.out / self.config.name
        table, numbers = named.with_suffix(".md"), named.with_suffix(".json")
        write_durably(numbers, canonical_json(result).encode())
        write_durably(table, studies_in_markdown(tables).encode())
        log.info("results    %s, %s", table, numbers)
        return StudyResult(values, tables, table, numbers)

    def _scans(self, name: str, run: Run) -> Iterator[tuple[Volume, Volume]]:
        return phantom_scans(self.out / "scans", name, self.phantoms[name], run=run)

    def _train(
        self,
        name: str,
        scans: Sequence[tuple[Volume, Volume]],
        trained: Mapping[str, Sequence[SegmentationModel]],
        run: Run,
        progress: Progress | None,
    ) -> list[SegmentationModel]:
        """The models of all folds."""
        from poroscale.segmentation.training.data import LabelledScan
        from poroscale.segmentation.training.train import train_segmenter

        trainee = self.training[name]
        labels = self._labels(trainee.labels, scans, trained, run)
        labelled = [
            LabelledScan(scan, found) for (scan, _), found in zip(scans, labels, strict=True)
        ]
        folder = self.out / "models" / name
        folds = train_segmenter(
            labelled, folder, config=trainee.settings, run=run, progress=under_name(progress, name)
        )
        return [each.model for each in folds]

    def _labels(
        self,
        source: str,
        scans: Sequence[tuple[Volume, Volume]],
        trained: Mapping[str, Sequence[SegmentationModel]],
        run: Run,
    ) -> list[Volume]:
        """Phases to train on; of several folds those of the one that did not see the scan."""
        if source == TRUTH:
            return [truth for _, truth in scans]
        names = [f"{TRAINING_SET}_{number}" for number in range(len(scans))]
        if source == OTSU:
            return [
                segment_otsu(scan, self._place(OTSU, f"{name}.zarr"), run=run)
                for (scan, _), name in zip(scans, names, strict=True)
            ]
        folds = trained[source]
        kind = PLAIN if folds[0].card.supervised else COMPENSATED
        return [
            self._segmented(folds[i % len(folds)], kind, scan, names[i], run)[0]
            for i, (scan, _) in enumerate(scans)
        ]

    def _otsu(
        self,
        tests: Mapping[str, Sequence[tuple[Volume, Volume]]],
        values: Values,
        run: Run,
    ) -> None:
        for name, scans in tests.items():
            found = []
            for number, (scan, truth) in enumerate(scans):
                out = self._place(OTSU, f"{name}_{number}.zarr")
                found.append(_judged(segment_otsu(scan, out, run=run), truth, run))
            _add(values, name, OTSU, [found])

    def _grey(
        self,
        tests: Mapping[str, Sequence[tuple[Volume, Volume]]],
        values: Values,
        run: Run,
    ) -> None:
        """The scans themselves as scores."""
        for name, scans in tests.items():
            found: dict[str, list[dict[str, float]]] = {each: [] for each in SIGMAS}
            for number, (scan, truth) in enumerate(scans):
                scores = grey_baselines(scan, self._place("grey", f"{name}_{number}"), run=run)
                for each, volume in scores.items():
                    found[each].append(_judged(volume, truth, run))
            for each, judged in found.items():
                _add(values, name, each, [judged])

    def _judge(
        self,
        name: str,
        folds: Sequence[SegmentationModel],
        tests: Mapping[str, Sequence[tuple[Volume, Volume]]],
        values: Values,
        run: Run,
    ) -> list[str]:
        """Scores of all folds on all sets; the names under which they are shown."""
        kinds = [PLAIN] if folds[0].card.supervised else [PLAIN, COMPENSATED]
        for kind in kinds:
            for chosen, scans in tests.items():
                found = [
                    [
                        _judged(
                            self._segmented(model, kind, scan, f"{chosen}_{i}", run)[1], truth, run
                        )
                        for i, (scan, truth) in enumerate(scans)
                    ]
                    for model in folds
                ]
                _add(values, chosen, name + kind, found)
        return [name + kind for kind in kinds]

    def _segmented(
        self, model: SegmentationModel, kind: str, scan: Volume, name: str, run: Run
    ) -> tuple[Volume, Volume]:
        """Phases and scores; a model that was trained on has others."""
        from poroscale.segmentation.network.by_network import segment_by_network
        from poroscale.segmentation.network.config import ByNetworkConfig, WindowsConfig

        weights = model.folder.relative_to(self.out / "models") / model.card.sha256[:8]
        place = self._place(weights, name + kind)
        config = ByNetworkConfig(windows=WindowsConfig(postprocess=kind == COMPENSATED))
        scores = place.with_name(f"{place.name}.scores.zarr")
        out = place.with_name(f"{place.name}.zarr")
        phases = segment_by_network(scan, out, model=model, scores=scores, config=config, run=run)
        return phases, Volume.open(scores)

    def _place(self, model: str | Path, name: str) -> Path:
        folder = self.out / "segmented" / model
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name.replace(" ", "-")


@dataclass(frozen=True)
class StudyResult:
    """Comparison of how well the models of a study find pores.

    Attributes
    ----------
    values
        By test set, model and measure ("average_precision", "roc_auc", "dice"): one value for each
        fold, the mean over the scans of the set.
    tables
        By test set: "means" with intervals, and "pairs" with Welch's test.
    table, numbers
        Files: the tables as Markdown, and everything as JSON.
    """

    values: Values
    tables: Mapping[str, Mapping[str, Any]]
    table: Path
    numbers: Path


@verb("compare_models")
def compare_models(
    config: str | Path | Study,
    *,
    memory: int | str | None = None,
    cluster: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> StudyResult:
    """Train segmentation models on phantoms and compare them, as a YAML file says.

    Parameters
    ----------
    config
        The file, or the study that was loaded of it.
    progress
        Called after each epoch of each fold, and after each model with its average precision by
        test set.
    memory
        Budget of the job, as "4GiB", in place of that of the section `run`.
    cluster
        Cluster, as of `poroscale.Run`, in place of that of the section `run`.
    workers
        Tasks at a time, in place of those of the section `run`.

    Returns
    -------
    StudyResult
        Values of all folds on all test sets, and their tables.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        Naming an unknown section, key, model or set, or a wrong value.
    """
    given = {"memory": memory, "cluster": cluster, "workers": workers}
    study = config if isinstance(config, Study) else Study.load(config, **given)
    return study.start(progress=progress)


def _judged(scores: Volume, truth: Volume, run: Run) -> dict[str, float]:
    ranking = evaluate_scores(scores, truth, config=EvaluateConfig(pores=False), run=run).ranking
    return {
        "average_precision": ranking.average_precision,
        "roc_auc": ranking.roc_auc,
        "dice": ranking.at(ranking.best_threshold)["dice"],
    }


def _add(
    values: Values,
    chosen: str,
    shown: str,
    found: Sequence[Sequence[Mapping[str, float]]],
) -> None:
    """Values of every fold, each the mean over the scans of the set."""
    values.setdefault(chosen, {})[shown] = {
        measure: [float(np.mean([scan[measure] for scan in fold])) for fold in found]
        for measure in MEASURES
    }


@dataclass(frozen=True)
class _Row:
    """The average precisions of one model, put into words only if somebody reads them."""

    shown: str
    values: Values

    def __str__(self) -> str:
        found = _precisions(self.shown, self.values)
        said = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
        return f"{self.shown:24} average precision: {said}"


def _precisions(shown: str, values: Values) -> dict[str, float]:
    """Average precision of one model by test set, the mean over its folds."""
    return {name: float(np.mean(each[shown]["average_precision"])) for name, each in values.items()}
