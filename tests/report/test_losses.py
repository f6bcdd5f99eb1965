"""The picture of a search for a loss."""

import pytest

from poroscale.report.figures.losses import search
from poroscale.report.style import house_style, png_of

NAMES = {"average_precision": "average precision", "dice": "Dice", "dice_at_half": "Dice at 0.5"}


def row(alpha, beta, gamma, *, value, folds=1, collapsed=0):
    ends = {"low": value - 0.1, "high": value + 0.1} if folds > 1 else {"low": None, "high": None}
    mean = {"count": folds, "mean": value, **ends}
    means = dict.fromkeys(NAMES, mean)
    return {"alpha": alpha, "beta": beta, "gamma": gamma, "means": means, "collapsed": collapsed}


def result(pairs, gammas):
    best = {"alpha": 0.9, "beta": 0.1, "gamma": 1.0}
    return {"pairs": pairs, "gammas": gammas, "best": best, "measure": "dice"}


def drawn(axes):
    return {each.get_text(): each.xy for each in axes.texts}


@pytest.mark.parametrize(
    ("folds", "collapsed", "said"),
    [(1, 0, "0.250"), (1, 1, "0.250\ncollapsed"), (5, 2, "0.250\n2 of 5 collapsed")],
)
def test_a_cell_says_its_mean_and_what_collapsed(folds, collapsed, said):
    pairs = [
        row(0.9, 0.1, 0.5, value=0.75, folds=folds),
        row(0.1, 0.4, 0.5, value=0.25, folds=folds, collapsed=collapsed),
    ]
    with house_style():
        pair_map, _ = search(result(pairs, pairs[:1]), NAMES).axes
    assert drawn(pair_map) == {"0.750": (0, 1), said: (1, 0)}
    frame = pair_map.patches[0]
    assert (round(frame.get_x()), round(frame.get_y())) == (0, 1)


def test_the_curve_runs_over_rising_exponents():
    gammas = [row(0.9, 0.1, gamma, value=gamma / 3, folds=2) for gamma in (2, 0.5, 1)]
    with house_style():
        _, curve = search(result(gammas[:1], gammas), NAMES).axes
    assert list(curve.lines[0].get_xdata()) == [0.5, 1, 2]


def test_the_same_search_is_the_same_bytes():
    rows = [row(0.9, 0.1, 1.0, value=0.5)]
    with house_style():
        first, second = (png_of(search(result(rows, rows), NAMES)) for _ in range(2))
    assert first == second
