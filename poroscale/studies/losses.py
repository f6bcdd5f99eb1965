"""The search for the parameters of the focal Tversky loss (Iuso et al. 2024, section 4.3).

1. Generate the scans to train on and those that are held out, with their truths.
2. Train with every pair of weights (alpha, beta) at one gamma, and judge on what is held out.
3. Train with every gamma at the pair that was best, and judge likewise.

The paper chose by Dice's coefficient, averaged over folds, and does not say at which threshold. All
steps resume: what is finished is left alone. One YAML file has all settings; its defaults for the
loss are the paper's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from poroscale.config import Config, load_sections, parse_config
from poroscale.engine import Run, connect
from poroscale.kernels.learning.ranking import Ranking
from poroscale.manifest import canonical_json, write_durably
from poroscale.phantom import PhantomConfig
from poroscale.pipelines.settings import RunConfig
from poroscale.pipelines.train import segmenter_config
from poroscale.report.figures import losses as figures
from poroscale.report.style import house_style, png_of
from poroscale.segment import evaluate_scores
from poroscale.segment.evaluation.evaluate import EvaluateConfig
from poroscale.segment.training.config import NetworkConfig, SegmenterConfig
from poroscale.statistics.uncertainty import mean_of_folds
from poroscale.studies.study import TRAINING_SET, mean_cell, phantom_scans, phantom_sets
from poroscale.volume import Volume

WEIGHTS = (0.1, 0.367, 0.633, 0.9)
PAIRS = tuple(product(WEIGHTS, WEIGHTS))
GAMMA = 0.5
GAMMAS = (0.333, 0.5, 0.667, 1.0, 1.333, 1.5, 1.667, 2.0)
MEASURES = {
    "average_precision": "average precision",
    "dice": "best Dice",
    "precision": "precision",
    "recall": "recall",
    "dice_at_half": "Dice at 0.5",
}
ONE_SCORE = 0.99
"""Share of the pore and of the solid voxels that have one and the same score after a collapse."""
RESULT, TABLE, PICTURE = "losses.json", "losses.md", "losses.png"

Scans = Sequence[tuple[Volume, Volume]]


class Loss(NamedTuple):
    """Parameters of a focal Tversky loss."""

    alpha: float
    beta: float
    gamma: float

    def __str__(self) -> str:
        return f"alpha {self.alpha:g}, beta {self.beta:g}, gamma {self.gamma:g}"

    @property
    def folder(self) -> str:
        """Name of its folder."""
        return f"alpha_{self.alpha:g}_beta_{self.beta:g}_gamma_{self.gamma:g}"


class LossesConfig(Config):
    """Which losses are compared, and where it goes.

    Attributes
    ----------
    out
        Folder of scans, models, scores and results.
    pairs
        Weights (alpha, beta) of missed and of false pores; the paper's are the 16 of the grid of
        four steps from 0.1 to 0.9.
    gamma
        Exponent with which the pairs are compared.
    gammas
        Exponents that are compared at the best pair.
    measure
        What the best is chosen by, the mean over folds and held-out scans: "dice_at_half" is
        Dice's coefficient at one half, where probabilities become phases unless told otherwise;
        "dice" that at the best threshold, which knows the truth.
    """

    out: str
    pairs: tuple[tuple[float, float], ...] = Field(PAIRS, min_length=1)
    gamma: float = GAMMA
    gammas: tuple[float, ...] = Field(GAMMAS, min_length=1)
    measure: Literal["dice_at_half", "dice", "average_precision"] = "dice_at_half"

    def of_pairs(self) -> list[Loss]:
        """The losses of the first search."""
        return [Loss(*pair, self.gamma) for pair in self.pairs]

    def of_gammas(self, pair: Loss) -> list[Loss]:
        """The losses of the second search, with the weights of `pair`."""
        return [pair._replace(gamma=gamma) for gamma in self.gammas]


@dataclass(frozen=True)
class LossSearch:
    """A search, ready to be started.

    Attributes
    ----------
    config
        Losses and folder.
    phantoms
        Scans by set; the set "training" is trained on, all others are held out.
    settings
        Of every training, but for the loss.
    run
        How to run.
    """

    config: LossesConfig
    phantoms: Mapping[str, Sequence[PhantomConfig]]
    settings: SegmenterConfig
    run: Run

    @classmethod
    def load(cls, path: str | Path, **given: Any) -> LossSearch:
        """The search that a YAML file describes.

        The sections are `losses`, `phantoms` (as of a study), `run`, and the stages of a training.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            Naming an unknown section, key or model, a wrong value, or a loss that cannot be.
        """
        sections = load_sections(Path(path))
        config = parse_config(LossesConfig, sections.pop("losses", {}), where="losses")
        phantoms = phantom_sets(sections.pop("phantoms", {}))
        chosen = {name: value for name, value in given.items() if value is not None}
        how = parse_config(RunConfig, sections.pop("run", {}) | chosen, where="run")
        searched = sorted(sections.get("network", {}).keys() & set(Loss._fields))
        if searched:
            raise ValueError(f"network: {searched[0]} is searched for; give it in section losses")
        settings = segmenter_config(sections, known=("losses", "phantoms", "run"))
        search = cls(config, phantoms, settings, Run(**how.model_dump()))
        search._check()
        return search

    def _check(self) -> None:
        """Refuse what could not be trained, before anything is."""
        from poroscale.networks.segmenters import build_segmenter

        pairs = self.config.of_pairs()
        for loss in (*pairs, *self.config.of_gammas(pairs[0])):
            self._training(loss)
        network = self.settings.network
        if not build_segmenter(network.model, width=network.width, edge=network.edge).supervised:
            raise ValueError(
                f"network: model must be a supervised one, got {network.model!r}, which has a "
                "loss of its own"
            )

    @property
    def out(self) -> Path:
        """Folder of everything."""
        return Path(self.config.out)

    def start(self) -> Iterator[str]:
        """Search, and say what comes of it, line by line."""
        found: dict[Loss, dict[str, list[float]]] = {}
        with connect(self.run) as run:
            training, held_out = self._scans(run)
            yield f"scans      {len(training)} to train on, {len(held_out)} held out"
            pairs = self.config.of_pairs()
            yield from self._try(pairs, training, held_out, found, run)
            gammas = self.config.of_gammas(self._best(pairs, found))
            yield from self._try(gammas, training, held_out, found, run)
        best = self._best(gammas, found)
        yield f"best       {best}, by {MEASURES[self.config.measure]}"
        self._write(
            {
                "pairs": [_row(loss, found[loss]) for loss in pairs],
                "gammas": [_row(loss, found[loss]) for loss in gammas],
                "best": best._asdict(),
                "measure": self.config.measure,
            }
        )
        yield f"results    {', '.join(str(self.out / each) for each in (TABLE, PICTURE, RESULT))}"

    def _scans(self, run: Run) -> tuple[Scans, Scans]:
        """Scans with their truths: to train on, and held out."""
        folder = self.out / "scans"
        sets = {
            name: list(phantom_scans(folder, name, configs, run=run))
            for name, configs in self.phantoms.items()
        }
        training = sets.pop(TRAINING_SET)
        return training, [each for scans in sets.values() for each in scans]

    def _training(self, loss: Loss) -> SegmenterConfig:
        """Settings of the training with one loss."""
        values = self.settings.network.model_dump() | loss._asdict()
        network = parse_config(NetworkConfig, values, where=f"losses: {loss}")
        return self.settings.model_copy(update={"network": network})

    def _try(
        self,
        losses: Sequence[Loss],
        training: Scans,
        held_out: Scans,
        found: dict[Loss, dict[str, list[float]]],
        run: Run,
    ) -> Iterator[str]:
        """Train with and judge the losses that are not in `found`, and say what they gave."""
        from poroscale.segment.training.data import LabelledScan
        from poroscale.segment.training.train import train_segmenter

        labelled = [LabelledScan(scan, truth) for scan, truth in training]
        for loss in losses:
            if loss in found:  # a gamma of the second search may be that of the first
                continue
            folder = self.out / "models" / loss.folder
            folds = train_segmenter(labelled, folder, config=self._training(loss), run=run)
            judged = [self._judge(fold.model, held_out, run) for fold in folds]
            found[loss] = {name: [fold[name] for fold in judged] for name in judged[0]}
            yield _line(loss, found[loss])

    def _judge(self, model: Any, held_out: Scans, run: Run) -> dict[str, float]:
        """Measures of one model, means over the held-out scans; "collapsed" is 1 or 0."""
        from poroscale.segment.network.by_network import segment_by_network

        folder = self.out / "segmented" / model.folder.relative_to(self.out / "models")
        folder.mkdir(parents=True, exist_ok=True)
        rankings = []
        for scan, truth in held_out:
            scores = folder / f"{scan.path.stem}.scores.zarr"
            segment_by_network(scan, folder / scan.path.name, model=model, scores=scores, run=run)
            counted = EvaluateConfig(pores=False)
            evaluation = evaluate_scores(Volume.open(scores), truth, config=counted, run=run)
            rankings.append(evaluation.ranking)
        judged = [_measures(ranking) for ranking in rankings]
        means = {name: float(np.mean([each[name] for each in judged])) for name in MEASURES}
        return means | {"collapsed": float(all(map(has_collapsed, rankings)))}

    def _best(
        self, losses: Sequence[Loss], found: Mapping[Loss, Mapping[str, Sequence[float]]]
    ) -> Loss:
        """The loss of the largest mean; the first of several."""
        return max(losses, key=lambda loss: float(np.mean(found[loss][self.config.measure])))

    def _write(self, result: Mapping[str, Any]) -> None:
        settings = self.settings.model_dump(mode="json", exclude={"network": set(Loss._fields)})
        whole = {**result, "training": settings}
        write_durably(self.out / RESULT, canonical_json(whole).encode())
        write_durably(self.out / TABLE, markdown(result).encode())
        with house_style():
            write_durably(self.out / PICTURE, png_of(figures.search(result, MEASURES)))


def has_collapsed(ranking: Ranking) -> bool:
    """Whether nearly all voxels, pore or solid, have one and the same score."""
    shares = np.minimum(
        ranking.pore / ranking.pore.sum(),
        ranking.solid / ranking.solid.sum(),
    )
    return bool(shares.max() >= ONE_SCORE)


def _measures(ranking: Ranking) -> dict[str, float]:
    best = ranking.at(ranking.best_threshold)
    return {
        "average_precision": ranking.average_precision,
        **{name: best[name] for name in ("dice", "precision", "recall")},
        "dice_at_half": ranking.at(0.5)["dice"],
    }


def _row(loss: Loss, values: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """One loss as JSON: values of the folds, their means, and how many folds collapsed."""
    return {
        **loss._asdict(),
        "folds": {name: list(values[name]) for name in MEASURES},
        "means": {name: asdict(mean_of_folds(values[name])) for name in MEASURES},
        "collapsed": int(sum(values["collapsed"])),
    }


def _line(loss: Loss, values: Mapping[str, Sequence[float]]) -> str:
    precision, dice = (np.mean(values[name]) for name in ("average_precision", "dice_at_half"))
    collapsed = _collapse(int(sum(values["collapsed"])), len(values["collapsed"]))
    said = f"{loss!s:38} average precision {precision:.3f}, Dice at 0.5 {dice:.3f}"
    return f"{said}, {collapsed}" if collapsed else said


def _collapse(count: int, folds: int) -> str:
    """How many of the folds collapsed, in words; nothing if none did."""
    if not count:
        return ""
    return "collapsed" if folds == 1 else f"{count} of {folds} folds collapsed"


def markdown(result: Mapping[str, Any]) -> str:
    """Tables of both searches: mean and 95 % interval over folds."""
    best = Loss(**result["best"])
    lines = [f"Best by {MEASURES[result['measure']]}: {best}.", ""]
    for title, name in (("Pairs", "pairs"), ("Exponents at the best pair", "gammas")):
        lines += [f"## {title}", ""]
        lines += [f"| α | β | γ | {' | '.join(MEASURES.values())} | |", "|---" * 9 + "|"]
        lines += [_table_row(row) for row in result[name]]
        lines.append("")
    return "\n".join(lines)


def _table_row(row: Mapping[str, Any]) -> str:
    means = [row["means"][name] for name in MEASURES]
    cells = [f"{row[name]:g}" for name in Loss._fields] + [mean_cell(each) for each in means]
    return f"| {' | '.join((*cells, _collapse(row['collapsed'], means[0]['count'])))} |"
