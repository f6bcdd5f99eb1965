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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from poroscale.config import Config, load_sections, parse_config
from poroscale.engine import Run, connect
from poroscale.manifest import canonical_json, write_durably
from poroscale.phantom import PhantomConfig, phantom
from poroscale.pipelines.settings import RunConfig
from poroscale.pipelines.train import segmenter_config
from poroscale.segment import evaluate_scores, segment_otsu
from poroscale.segment.evaluation.evaluate import EvaluateConfig
from poroscale.segment.evaluation.grey_scores import SIGMAS, grey_baselines
from poroscale.segment.training.config import SegmenterConfig
from poroscale.statistics.uncertainty import fold_table
from poroscale.volume import Volume

if TYPE_CHECKING:
    from poroscale.segment.network.model import SegmentationModel

OTSU, TRUTH = "otsu", "truth"
PLAIN, COMPENSATED = "", " post-processed"
MEASURES = ("average_precision", "roc_auc", "dice")
TRAINING_SET = "training"


class StudyConfig(Config):
    """What is compared, and where it goes.

    Attributes
    ----------
    out
        Folder of scans, models, scores and results. Studies that share it share what is in it.
    models
        Of `poroscale.networks.segmenters.SEGMENTERS`, "otsu", and names of the user's own, whose
        entries among the models say `network: {model: ...}`. The grey values of the scans are
        always compared.
    name
        Of the files of results.
    """

    out: str
    models: tuple[str, ...]
    name: str = "study"


@dataclass(frozen=True)
class Trainee:
    """A model that is trained and compared.

    Attributes
    ----------
    settings
        Of its training.
    labels
        What it is trained on: "truth", "otsu", or the model of the study that found the pores.
    """

    settings: SegmenterConfig
    labels: str = TRUTH


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
        How each model is trained.
    run
        How to run.
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
        chosen = {name: value for name, value in given.items() if value is not None}
        how = parse_config(RunConfig, sections.pop("run", {}) | chosen, where="run")
        unknown = sorted(own.keys() - set(config.models))
        if unknown:
            raise ValueError(f"models: {unknown[0]!r} is none of those that are compared")
        names = [name for name in config.models if name != OTSU]
        taken = sorted(SIGMAS.keys() & set(names))
        if taken:
            raise ValueError(f"models must not be called {taken[0]!r}, as the scan itself is")
        training = {name: _trainee(name, sections, own.get(name, {})) for name in names}
        _check_labels(training)
        return cls(config, phantoms, training, Run(**how.model_dump()))

    @property
    def out(self) -> Path:
        """Folder of everything."""
        return Path(self.config.out)

    def start(self) -> Iterator[str]:
        """Compare, and say what comes of it, line by line."""
        values: dict[str, dict[str, dict[str, list[float]]]] = {}
        with connect(self.run) as run:
            scans = {name: list(self._scans(name, run)) for name in self.phantoms}
            yield f"scans      {sum(map(len, scans.values()))} in {self.out / 'scans'}"
            tests = {name: each for name, each in scans.items() if name != TRAINING_SET}
            if OTSU in self.config.models:
                self._otsu(tests, values, run)
                yield _row(OTSU, values)
            self._grey(tests, values, run)
            yield from (_row(name, values) for name in SIGMAS)
            trained: dict[str, list[SegmentationModel]] = {}
            for name in self.training:
                trained[name] = self._train(name, scans[TRAINING_SET], trained, run)
                for shown in self._judge(name, trained[name], tests, values, run):
                    yield _row(shown, values)
        yield self._written(values)

    def _written(self, values: Mapping[str, Mapping[str, Any]]) -> str:
        tables = {name: fold_table(each) for name, each in values.items()}
        models = {
            name: {"labels": each.labels, **each.settings.model_dump(mode="json")}
            for name, each in self.training.items()
        }
        result = {"models": models, "values": values, "tables": tables}
        named = self.out / self.config.name
        table, numbers = named.with_suffix(".md"), named.with_suffix(".json")
        write_durably(numbers, canonical_json(result).encode())
        write_durably(table, markdown(tables).encode())
        return f"results    {table}, {numbers}"

    def _scans(self, name: str, run: Run) -> Iterator[tuple[Volume, Volume]]:
        return phantom_scans(self.out / "scans", name, self.phantoms[name], run=run)

    def _train(
        self,
        name: str,
        scans: Sequence[tuple[Volume, Volume]],
        trained: Mapping[str, Sequence[SegmentationModel]],
        run: Run,
    ) -> list[SegmentationModel]:
        """The models of all folds."""
        from poroscale.segment.training.data import LabelledScan
        from poroscale.segment.training.train import train_segmenter

        trainee = self.training[name]
        labels = self._labels(trainee.labels, scans, trained, run)
        labelled = [
            LabelledScan(scan, found) for (scan, _), found in zip(scans, labels, strict=True)
        ]
        folder = self.out / "models" / name
        folds = train_segmenter(labelled, folder, config=trainee.settings, run=run)
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
        values: dict[str, dict[str, dict[str, list[float]]]],
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
        values: dict[str, dict[str, dict[str, list[float]]]],
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
        values: dict[str, dict[str, dict[str, list[float]]]],
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
        from poroscale.segment.network.by_network import ByNetworkConfig, segment_by_network
        from poroscale.segment.network.windows import WindowsConfig

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


def phantom_scans(
    folder: Path, name: str, configs: Sequence[PhantomConfig], *, run: Run
) -> Iterator[tuple[Volume, Volume]]:
    """Scans and truths of the set `name`, made in `folder` unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, config in enumerate(configs):
        made = phantom(folder / f"{name}_{number}.zarr", config=config, run=run)
        yield made.scan, made.truth


def phantom_sets(given: Mapping[str, Any]) -> dict[str, list[PhantomConfig]]:
    """Phantoms by set, from the section `phantoms`.

    Raises
    ------
    ValueError
        If there is no set "training" or none besides, or naming what no phantom can be.
    """
    if TRAINING_SET not in given or len(given) < 2:
        raise ValueError("phantoms must have a set training and at least one to test on")
    return {
        name: [parse_config(PhantomConfig, dict(each), where=f"phantoms: {name}") for each in scans]
        for name, scans in given.items()
    }


def _trainee(
    name: str, sections: Mapping[str, Mapping[str, Any]], own: Mapping[str, Any]
) -> Trainee:
    """How one model is trained: as all are, with what its own entry changes."""
    own = dict(own)
    labels = own.pop("labels", TRUTH)
    stages = {
        stage: {**sections.get(stage, {}), **own.get(stage, {})} for stage in {*sections, *own}
    }
    model = own.get("network", {}).get("model", name)
    stages["network"] = {**stages.get("network", {}), "model": model}
    try:
        return Trainee(segmenter_config(stages, known=()), labels)
    except ValueError as error:
        raise ValueError(f"models: {name}: {error}") from None


def _check_labels(training: Mapping[str, Trainee]) -> None:
    known = [TRUTH, OTSU]
    for name, trainee in training.items():
        if trainee.labels not in known:
            raise ValueError(
                f"models: {name}: labels must be one of {', '.join(known)}, got {trainee.labels!r}"
            )
        known.append(name)


def _judged(scores: Volume, truth: Volume, run: Run) -> dict[str, float]:
    ranking = evaluate_scores(scores, truth, config=EvaluateConfig(pores=False), run=run).ranking
    return {
        "average_precision": ranking.average_precision,
        "roc_auc": ranking.roc_auc,
        "dice": ranking.at(ranking.best_threshold)["dice"],
    }


def _add(
    values: dict[str, dict[str, dict[str, list[float]]]],
    chosen: str,
    shown: str,
    found: Sequence[Sequence[Mapping[str, float]]],
) -> None:
    """Values of every fold, each the mean over the scans of the set."""
    values.setdefault(chosen, {})[shown] = {
        measure: [float(np.mean([scan[measure] for scan in fold])) for fold in found]
        for measure in MEASURES
    }


def _row(shown: str, values: Mapping[str, Mapping[str, Mapping[str, list[float]]]]) -> str:
    said = ", ".join(
        f"{name} {np.mean(each[shown]['average_precision']):.3f}" for name, each in values.items()
    )
    return f"{shown:24} average precision: {said}"


def markdown(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Tables of all sets: mean and 95 % interval over folds, and Welch's test against the best."""
    lines = _overview(tables)
    for name, table in tables.items():
        lines += [f"## {name}", "", "| model | folds | average precision | ROC-AUC | Dice |"]
        lines += ["|---|---|---|---|---|"]
        means = {(row["model"], row["measure"]): row for row in table["means"]}
        for model in dict.fromkeys(row["model"] for row in table["means"]):
            cells = [mean_cell(means[model, measure]) for measure in MEASURES]
            folds = means[model, MEASURES[0]]["count"]
            lines.append(f"| {model} | {folds} | {' | '.join(cells)} |")
        lines += ["", *_against_the_best(table)]
    return "\n".join(lines)


def _overview(tables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Average precision of every model on every set."""
    means = {
        (name, row["model"]): row
        for name, table in tables.items()
        for row in table["means"]
        if row["measure"] == MEASURES[0]
    }
    models = list(dict.fromkeys(model for _, model in means))
    lines = ["## Average precision", "", f"| scans | {' | '.join(models)} |"]
    lines.append("|---" * (len(models) + 1) + "|")
    for name in tables:
        cells = [mean_cell(means[name, model]) for model in models]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, ""]


def _against_the_best(table: Mapping[str, Any]) -> list[str]:
    """Differences in average precision by Welch's test, of all models that have folds."""
    measure = MEASURES[0]
    folded = [row for row in table["means"] if row["measure"] == measure and row["count"] > 1]
    if len(folded) < 2:
        return []
    best = max(folded, key=lambda row: float(row["mean"]))["model"]
    lines = [f"| average precision below that of {best} | difference | p (Welch) | p (Holm) |"]
    lines += ["|---|---|---|---|"]
    for row in table["pairs"]:
        if row["measure"] != measure or best not in (row["first"], row["second"]):
            continue
        other = row["second"] if row["first"] == best else row["first"]
        half = (row["high"] - row["low"]) / 2
        odds = ["" if row[name] is None else f"{row[name]:.2g}" for name in ("p", "p_holm")]
        lines.append(
            f"| {other} | {abs(row['difference']):.3f} ± {half:.3f} | {' | '.join(odds)} |"
        )
    return [*lines, ""]


def mean_cell(row: Mapping[str, Any]) -> str:
    """A mean over folds (`Mean` as a mapping), with half its 95 % interval where it has one."""
    if row["low"] is None:
        return f"{row['mean']:.3f}"
    return f"{row['mean']:.3f} ± {(row['high'] - row['low']) / 2:.3f}"
