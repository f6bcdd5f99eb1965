"""The search for the parameters of the focal Tversky loss (Iuso et al. 2024, section 4.3).

1. Generate the scans to train on and those that are held out, with their truths.
2. Train with every pair of weights (alpha, beta) at one gamma, and judge on what is held out.
3. Train with every gamma at the pair that was best, and judge likewise.

The paper chose by Dice's coefficient, averaged over folds, and does not say at which threshold. All
steps resume: what is finished is left alone. One YAML file has all settings; its defaults for the
loss are the paper's.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.config import load_sections, parse_config
from poroscale.engine import Run, connect
from poroscale.events import Event, Progress, under_name
from poroscale.kernels.learning.ranking import Ranking
from poroscale.manifest import canonical_json, write_durably
from poroscale.phantoms import PhantomConfig
from poroscale.pipelines.settings import run_section
from poroscale.pipelines.train import segmenter_config
from poroscale.report.figures import losses as figures
from poroscale.report.style import house_style, png_of
from poroscale.segmentation import evaluate_scores
from poroscale.segmentation.evaluation.evaluate import EvaluateConfig
from poroscale.segmentation.training.config import NetworkConfig, SegmenterConfig
from poroscale.statistics.samples.uncertainty import mean_of_folds
from poroscale.studies.loss_config import MEASURES, Loss, LossesConfig
from poroscale.studies.phantoms import TRAINING_SET, phantom_scans, phantom_sets
from poroscale.studies.tables import mean_cell
from poroscale.verb import verb
from poroscale.volume import Volume

log = logging.getLogger("poroscale.studies")

ONE_SCORE = 0.99
"""Share of the pore and of the solid voxels that have one and the same score after a collapse."""
RESULT, TABLE, PICTURE = "losses.json", "losses.md", "losses.png"

Scans = Sequence[tuple[Volume, Volume]]


Found = dict[Loss, dict[str, list[float]]]
"""Values of the folds by measure, of every loss that was tried."""


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
        Memory, workers and cluster.
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
        run = run_section(sections, given)
        searched = sorted(sections.get("network", {}).keys() & set(Loss._fields))
        if searched:
            raise ValueError(f"network: {searched[0]} is searched for; give it in section losses")
        settings = segmenter_config(sections, known=("losses", "phantoms", "run"))
        search = cls(config, phantoms, settings, run)
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

    def start(self, *, progress: Progress | None = None) -> LossResult:
        """Train and judge; see `compare_losses`."""
        found: Found = {}
        with connect(self.run) as run:
            training, held_out = self._scans(run)
            log.info("scans      %d to train on, %d held out", len(training), len(held_out))
            pairs = self.config.of_pairs()
            self._try(pairs, training, held_out, found=found, run=run, progress=progress)
            gammas = self.config.of_gammas(self._best(pairs, found))
            self._try(gammas, training, held_out, found=found, run=run, progress=progress)
        best = self._best(gammas, found)
        log.info("best       %s, by %s", best, MEASURES[self.config.measure])
        rows = [[_row(loss, found[loss]) for loss in losses] for losses in (pairs, gammas)]
        return self._written(best, *rows)

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
        *,
        found: Found,
        run: Run,
        progress: Progress | None,
    ) -> None:
        """Train with and judge the losses that are not in `found`, and add them to it."""
        from poroscale.segmentation.training.data import LabelledScan
        from poroscale.segmentation.training.train import train_segmenter

        labelled = [LabelledScan(scan, truth) for scan, truth in training]
        total = len({*found, *losses, *self.config.of_gammas(losses[0])})
        for loss in losses:
            if loss in found:  # a gamma of the second search may be that of the first
                continue
            folder, told = self.out / "models" / loss.folder, under_name(progress, str(loss))
            settings = self._training(loss)
            folds = train_segmenter(labelled, folder, config=settings, run=run, progress=told)
            judged = [self._judge(fold.model, held_out, run) for fold in folds]
            found[loss] = {name: [fold[name] for fold in judged] for name in judged[0]}
            log.info("%s", _Line(loss, found[loss]))
            if progress is not None:
                means = {name: float(np.mean(values)) for name, values in found[loss].items()}
                progress(Event("loss", str(loss), len(found), total, means))

    def _judge(self, model: Any, held_out: Scans, run: Run) -> dict[str, float]:
        """Measures of one model, means over the held-out scans; "collapsed" is 1 or 0."""
        from poroscale.segmentation.network.by_network import segment_by_network

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

    def _written(
        self, best: Loss, pairs: list[dict[str, Any]], gammas: list[dict[str, Any]]
    ) -> LossResult:
        settings = self.settings.model_dump(mode="json", exclude={"network": set(Loss._fields)})
        measure = self.config.measure
        result = {"pairs": pairs, "gammas": gammas, "best": best._asdict(), "measure": measure}
        files = table, picture, numbers = [self.out / each for each in (TABLE, PICTURE, RESULT)]
        write_durably(numbers, canonical_json({**result, "training": settings}).encode())
        write_durably(table, losses_in_markdown(result).encode())
        with house_style():
            write_durably(picture, png_of(figures.search(result, MEASURES)))
        log.info("results    %s, %s, %s", *files)
        return LossResult(best, measure, tuple(pairs), tuple(gammas), table, picture, numbers)


@dataclass(frozen=True)
class LossResult:
    """Comparison of networks that were trained with each of the losses.

    Attributes
    ----------
    best
        The loss of the largest `measure` among the second search.
    measure
        Measure by which the best was chosen.
    pairs, gammas
        A row for each loss of the first and of the second search: its parameters, the values of
        its "folds", their "means" with intervals, and how many folds "collapsed".
    table, picture, numbers
        Files: the tables as Markdown, a figure as PNG, and everything as JSON.
    """

    best: Loss
    measure: str
    pairs: tuple[Mapping[str, Any], ...]
    gammas: tuple[Mapping[str, Any], ...]
    table: Path
    picture: Path
    numbers: Path


@verb("compare_losses")
def compare_losses(
    config: str | Path | LossSearch,
    *,
    memory: int | str | None = None,
    cluster: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> LossResult:
    """Search for the focal Tversky loss that trains best, as a YAML file says.

    Parameters
    ----------
    config
        The file, or the search that was loaded of it.
    progress
        Called after each epoch of each fold, and after each loss with its measures, the means over
        folds and held-out scans.
    memory
        Budget of the job, as "4GiB", in place of that of the section `run`.
    cluster
        Cluster, as of `poroscale.Run`, in place of that of the section `run`.
    workers
        Tasks at a time, in place of those of the section `run`.

    Returns
    -------
    LossResult
        The best loss, and the measures of all.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        Naming an unknown section, key or model, a wrong value, or a loss that cannot be.
    """
    given = {"memory": memory, "cluster": cluster, "workers": workers}
    search = config if isinstance(config, LossSearch) else LossSearch.load(config, **given)
    return search.start(progress=progress)


def has_collapsed(ranking: Ranking) -> bool:
    """True if nearly all voxels, pore or solid, have one and the same score."""
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


@dataclass(frozen=True)
class _Line:
    """Result of one loss, put into words only if somebody reads them."""

    loss: Loss
    values: Mapping[str, Sequence[float]]

    def __str__(self) -> str:
        values = self.values
        precision, dice = (np.mean(values[name]) for name in ("average_precision", "dice_at_half"))
        collapsed = _collapse(int(sum(values["collapsed"])), len(values["collapsed"]))
        said = f"{self.loss!s:38} average precision {precision:.3f}, Dice at 0.5 {dice:.3f}"
        return f"{said}, {collapsed}" if collapsed else said


def _collapse(count: int, folds: int) -> str:
    """Number of the folds that collapsed, in words; nothing if none did."""
    if not count:
        return ""
    return "collapsed" if folds == 1 else f"{count} of {folds} folds collapsed"


def losses_in_markdown(result: Mapping[str, Any]) -> str:
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
