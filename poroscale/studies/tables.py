"""Tables of a study as Markdown: means over folds with intervals, and tests against the best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MEASURES = ("average_precision", "roc_auc", "dice")


def studies_in_markdown(tables: Mapping[str, Mapping[str, Any]]) -> str:
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
