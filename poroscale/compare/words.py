"""The verdict of a comparison in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

WORST = 4
"""Measures that are named as poor."""


def summary(numbers: Mapping[str, Any]) -> list[str]:
    """A few sentences on the quality of the match, and on where it is poor."""
    limit, (one, other) = numbers["settings"]["limit"], numbers["sides"]["words"]
    judged = [row for row in numbers["measures"] if row["passes"] is not None]
    subject = "the generated parts are" if other == "generated" else f"the {other} is"
    good = [row for row in judged if row["passes"]]
    lines = [
        _porosity(numbers),
        f"{len(good)} of {len(judged)} measures of the pores lie within {limit:g} times what two "
        f"halves of the {one} differ by"
        + (
            f", so by these {subject} about as close to the {one} as that is to itself."
            if len(good) == len(judged)
            else "."
        ),
    ]
    lines += _poor(judged, limit)
    lines += _counts(numbers)
    lines += _scattering(numbers["scattering"])
    lines += _surface(numbers["roughness"])
    return lines


def _poor(judged: Sequence[Mapping[str, Any]], limit: float) -> list[str]:
    bad = sorted((row for row in judged if not row["passes"]), key=lambda row: -row["ratio"])
    if not bad:
        return []
    named = ", ".join(f"{_name(row['words'])} ({row['ratio']:.1f} times)" for row in bad[:WORST])
    more = f", and {len(bad) - WORST} more" if len(bad) > WORST else ""
    return [f"The match is poor, beyond {limit:g} times, in {named}{more}."]


def sides_in_words(names: Sequence[Sequence[str]], *, generated: bool) -> dict[str, Any]:
    """Names of the two sides: in sentences, and in legends.

    Parameters
    ----------
    names
        Names of the volumes of either side.
    generated
        True if those of the second side were generated; otherwise nothing says that they are
        anything but two scans.
    """
    words = ["original", "generated"] if generated else ["first", "second"]
    single = all(len(side) == 1 for side in names)
    labels = [side[0] for side in names] if single and not generated else words
    return {"words": words, "labels": labels, "names": [list(side) for side in names]}


def _porosity(numbers: Mapping[str, Any]) -> str:
    found = []
    for side, word, names in zip(
        ("reference", "generated"),
        numbers["sides"]["words"],
        numbers["sides"]["names"],
        strict=True,
    ):
        rows = numbers["parts"][side]
        volume = sum(row["part_um3"] for row in rows)
        pore = sum(row["porosity"] * row["part_um3"] for row in rows)
        share = f"{100 * pore / volume:.4g} %" if volume else "no part"
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        found.append(f"{share} in the {word} ({names[0]}{more})")
    return f"Porosity: {found[0]}, {found[1]}."


def _counts(numbers: Mapping[str, Any]) -> list[str]:
    means = []
    for side in ("reference", "generated"):
        rows = [row for row in numbers["parts"][side] if row["pores_per_mm3"] > 0]
        volume = sum(row["pores"] / row["pores_per_mm3"] for row in rows)
        means.append(sum(row["pores"] for row in rows) / volume if volume else 0.0)
    if not means[0]:
        return []
    change = 100 * (means[1] / means[0] - 1)
    more = "more" if change >= 0 else "fewer"
    one, other = numbers["sides"]["words"]
    subject = "Generated parts hold" if other == "generated" else f"The {other} holds"
    return [
        f"{subject} {abs(change):.1f} % {more} pores per volume of the part than the {one} "
        f"({_plain(means[1])} against {_plain(means[0])} per mm³)."
    ]


def _plain(value: float) -> str:
    """Three digits of a number without an exponent: 3,520."""
    return f"{float(f'{value:.3g}'):,.15g}"


def _scattering(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return ["The parts are too small for pictures whose scattering could be compared."]
    bad = [row for row in rows if not row["passes"]]
    if not bad:
        return ["Scattering: S stays below 2 (P + P̂) in every view."]
    named = ", ".join(
        f"{row['view']} (S {row['S']:.2g} against {row['target']:.2g})" for row in bad
    )
    return [f"Scattering: S exceeds 2 (P + P̂) in {named}."]


def _surface(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Height and skewness, which tells valleys from peaks."""
    found = {row["name"]: row for row in rows}
    if "Sq" not in found:
        return ["No surface was compared: one of the sides has none that was unrolled."]
    sq = found["Sq"]
    line = f"The surface's Sq is {sq['generated']:.3g} µm against {sq['reference']:.3g} µm"
    if "Ssk" in found:
        skew = found["Ssk"]
        line += f", its skewness {skew['generated']:.2f} against {skew['reference']:.2f}"
    return [line.replace("-", "−") + "."]


def _name(words: str) -> str:
    """`words` within a sentence."""
    return words[0].lower() + words[1:]
