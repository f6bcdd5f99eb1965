"""What a comparison of micrographs comes to: trends over the settings, and a few sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.micrographs.particles import LARGE
from poroscale.micrographs.conditions import MicrographCondition

FAR = 1.5
"""Times the distance of two halves up to which a distance counts as that of the same images."""


def trends(
    conditions: Sequence[MicrographCondition],
    codes: NDArray[np.float64],
    rows: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Rank correlations of particles over the settings: with real ones, and with scalars.

    Of each measure: "agreement", that of generated with real values over all settings; and by
    scalar condition that of either side with its value, for each combination of the others.
    """
    found: list[dict[str, Any]] = []
    for measure in ("density", "area"):
        values = {
            side: np.array([row["particles"][side][measure][0] for row in rows])
            for side in ("real", "generated")
        }
        if len(rows) > 2:
            rank = rank_correlation(values["real"], values["generated"])
            found.append({"measure": measure, "with": "real", "rank": rank})
        for k, condition in enumerate(conditions):
            if condition.kind == "category":
                continue
            others = np.delete(codes, k, axis=1)
            for other in np.unique(others, axis=0):
                own = (others == other).all(axis=1)
                if own.sum() < 3:
                    continue
                ranks = {
                    side: rank_correlation(codes[own, k], one[own]) for side, one in values.items()
                }
                words = ", ".join(
                    each.in_words(float(code))
                    for each, code in zip(
                        [c for j, c in enumerate(conditions) if j != k], other, strict=True
                    )
                )
                found.append({"measure": measure, "with": condition.name, "where": words, **ranks})
    return found


def rank_correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    """Spearman's; None where one side does not vary."""
    from scipy.stats import spearmanr

    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(spearmanr(a, b).statistic)


def summary_of(numbers: Mapping[str, Any]) -> Iterator[str]:
    """The verdict in a few sentences."""
    rows = [row for setting in numbers["settings"] for row in setting["distances"]]
    near = sum(row["ratio"] <= FAR for row in rows)
    yield (
        f"{near} of {len(rows)} distances lie within {FAR:g} times that of two halves of the real "
        f"images, over {len(numbers['settings'])} settings."
    )
    averages = [row["ratio"] for row in rows if row["name"] == "average"]
    yield (
        f"Average persistence images are {np.median(averages):.3g} times as far from the real ones "
        "as halves of these are from each other (median of the settings)."
    )
    for read in numbers["readers"]:
        if not read["levels"]:
            yield (
                f"A reader of {read['name']} errs by {read['generated']:.3g} of the span on "
                f"generated chips, {read['real']:.3g} on real ones, {read['chance']:.3g} by chance."
            )
        else:
            yield (
                f"A reader tells {read['name']} of {100 * read['generated']:.0f} % of the "
                f"generated chips, of {100 * read['real']:.0f} % of real ones, of "
                f"{100 * read['chance']:.0f} % by chance."
            )
    for trend in numbers["trends"]:
        if trend["with"] == "real" and trend["rank"] is not None:
            yield (
                f"Rank correlation of the particles' {trend['measure']} with that of real images "
                f"over the settings: {trend['rank']:.2f}."
            )
    large = {
        side: sum(each["particles"][side]["large"][0] for each in numbers["settings"])
        for side in ("real", "generated")
    }
    if large["real"]:
        yield (
            f"Large particles, which hold a disc of radius {LARGE:g} pixels, are "
            f"{large['generated'] / large['real']:.2g} times as frequent as in real images, over "
            "all settings."
        )
    for row in numbers["between_images"]:
        if row["real"] is not None and row["generated"] is not None:
            yield (
                f"{100 * row['generated']:.2g} % of the variance of the chips' {row['measure']} of "
                f"particles lies between images of one setting, {100 * row['real']:.2g} % of real "
                "ones."
            )
    if numbers["without_real"]:
        yield f"Without real images: {'; '.join(numbers['without_real'])}."
    yield from numbers["left_out"]
