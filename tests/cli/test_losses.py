"""The search for a loss: every step from one file, what collapsed, and what cannot be searched."""

import json

import numpy as np
import pytest
import yaml

from poroscale.kernels.learning.ranking import Ranking
from poroscale.studies.loss_config import GAMMAS, PAIRS, Loss, LossesConfig
from poroscale.studies.losses import LossSearch, compare_losses, has_collapsed, losses_in_markdown
from tests.studies.test_study import PHANTOM
from tests.test_examples import ROOT


@pytest.fixture
def written(tmp_path):
    """A search of a few seconds; sections are changed key by key."""

    def write(**changes):
        sections = {
            "losses": {
                "out": str(tmp_path / "losses"),
                "pairs": [[0.633, 0.1], [0.1, 0.9]],
                "gammas": [0.5, 1],
            },
            "phantoms": {
                "training": [{**PHANTOM, "seed": 1}, {**PHANTOM, "seed": 2, "noise": 0.1}],
                "noisy": [{**PHANTOM, "seed": 3, "noise": 0.15}],
            },
            "run": {"memory": "4GiB", "workers": 1},
            "network": {"width": 0.125, "edge": 16},
            "patches": {"batch": 2, "steps": 2, "validation": 2},
            "training": {"epochs": 1, "folds": 2, "threads": 1},
        }
        for name, values in changes.items():
            sections[name] = {**sections.get(name, {}), **values}
        path = tmp_path / "losses.yaml"
        path.write_text(yaml.safe_dump(sections))
        return path

    return write


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_defaults_are_the_papers():
    config = LossesConfig(out="losses")
    assert (len(PAIRS), len(GAMMAS)) == (16, 8)
    assert all(loss.gamma == 0.5 for loss in config.of_pairs())
    assert Loss(0.633, 0.1, 1.0) in config.of_gammas(Loss(0.633, 0.1, 0.5))


def test_the_file_of_the_repository_states_the_defaults():
    search = LossSearch.load(ROOT / "configs" / "losses.yaml")
    assert search.config == LossesConfig(out="losses")
    assert search.settings.network.entropy == 0.1


def test_a_file_describes_the_whole_search(poroscale, written, tmp_path):
    path, out = written(), tmp_path / "losses"
    code, said, err = poroscale("compare", "losses", path)
    assert (code, err) == (0, "")
    result = json.loads((out / "losses.json").read_text())
    assert [row["gamma"] for row in result["pairs"]] == [0.5, 0.5]
    best = max(result["pairs"], key=lambda row: row["means"]["dice_at_half"]["mean"])
    assert [(row["alpha"], row["gamma"]) for row in result["gammas"]] == [
        (best["alpha"], 0.5),
        (best["alpha"], 1),
    ]
    assert best in result["gammas"], "the loss that both searches have is trained once"
    assert len(list((out / "models").iterdir())) == 3
    for row in (*result["pairs"], *result["gammas"]):
        assert all(0 <= mean["mean"] <= 1 for mean in row["means"].values())
    before = contents(out)
    assert sorted(before) == ["losses.json", "losses.md", "losses.png"]
    assert before["losses.png"].startswith(b"\x89PNG")
    assert poroscale("compare", "losses", path) == (0, said, "")
    assert contents(out) == before


@pytest.mark.slow
def test_a_search_over_all_folds_has_intervals(written, tmp_path):
    compare_losses(written(training={"fold": "all"}, network={"entropy": 0}))
    result = json.loads((tmp_path / "losses" / "losses.json").read_text())
    assert result["training"]["network"]["entropy"] == 0
    for row in result["pairs"]:
        assert len(row["folds"]["dice"]) == 2
        assert row["means"]["dice"]["low"] is not None
    assert " ± " in (tmp_path / "losses" / "losses.md").read_text()


def test_a_training_that_collapses_is_shown_as_such(written, tmp_path, caplog):
    """Where false pores cost nothing, everything becomes one."""
    path = written(
        losses={"pairs": [[1, 0]], "gammas": [0.5]},
        network={"entropy": 0},
        patches={"steps": 8},
        training={"learning_rate": 0.1},
    )
    told = []
    with caplog.at_level("INFO", "poroscale.studies"):
        result = compare_losses(path, progress=told.append)
    assert caplog.messages[1].endswith(", collapsed")
    assert result.best == Loss(1, 0, 0.5)
    assert result.pairs[0]["collapsed"] == 1
    assert result.picture.exists()
    (tried,) = [event for event in told if event.kind == "loss"]
    assert (tried.done, tried.total, tried.values["collapsed"]) == (1, 1, 1)
    assert "| collapsed |" in (tmp_path / "losses" / "losses.md").read_text()


def test_one_score_for_all_is_a_collapse():
    values = np.array([0.0, 1.0])
    assert has_collapsed(Ranking(values, np.array([5, 995]), np.array([0, 50])))
    assert has_collapsed(Ranking(values[1:], np.array([1000]), np.array([50])))
    assert not has_collapsed(Ranking(values, np.array([995, 5]), np.array([5, 45])))


def test_tables_count_the_folds_that_collapsed():
    mean = {"count": 2, "mean": 0.5, "low": 0.4, "high": 0.6}
    names = ("average_precision", "dice", "precision", "recall", "dice_at_half")
    row = {"alpha": 0.1, "beta": 0.9, "gamma": 0.5, "means": dict.fromkeys(names, mean)}
    best = {"alpha": 0.1, "beta": 0.9, "gamma": 0.5}
    pairs = [{**row, "collapsed": 1}]
    table = losses_in_markdown(
        {"best": best, "measure": "dice_at_half", "pairs": pairs, "gammas": pairs}
    )
    assert table.startswith("Best by Dice at 0.5: alpha 0.1, beta 0.9, gamma 0.5.")
    assert "| 0.1 | 0.9 | 0.5 | 0.500 ± 0.100 |" in table
    assert "| 1 of 2 folds collapsed |" in table


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"losses": {"pairs": [[-1, 0.5]]}},
            "losses: alpha -1, beta 0.5, gamma 0.5: `alpha` must be ",
        ),
        ({"losses": {"pairs": [[0, 0]]}}, "must not both be 0"),
        ({"losses": {"pairs": [[0.5]]}}, "losses: `pairs.0.1` must be given"),
        ({"losses": {"pairs": []}}, "losses: pairs: "),
        ({"losses": {"gammas": []}}, "losses: gammas: "),
        ({"losses": {"gammas": [0]}}, "gamma` must be greater than 0, got 0.0"),
        ({"losses": {"alphas": [1]}}, "losses: unknown key 'alphas'"),
        ({"losses": {"measure": "beauty"}}, "losses: `measure` must be "),
        ({"network": {"gamma": 1}}, "network: gamma is searched for"),
        ({"network": {"model": "vae"}}, "model must be a supervised one, got 'vae'"),
        ({"network": {"model": "resnet"}}, "model must be one of unet"),
        ({"netwerk": {}}, "unknown section 'netwerk'; known: losses, phantoms, run, network"),
        ({"phantoms": {"noisy": [{"shape": [4]}]}}, "phantoms: noisy: "),
        ({"training": {"fold": 7}}, "fold must be one of 0 to 1, got 7"),
    ],
)
def test_what_cannot_be_searched_costs_one_sentence(changes, message, poroscale, written, tmp_path):
    code, _, err = poroscale("compare", "losses", written(**changes))
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "losses").exists()


def test_without_held_out_phantoms_nothing_can_be_judged(poroscale, written):
    path = written()
    sections = yaml.safe_load(path.read_text())
    del sections["phantoms"]["noisy"]
    path.write_text(yaml.safe_dump(sections))
    code, _, err = poroscale("compare", "losses", path)
    assert (code, err) == (
        2,
        "poroscale: phantoms must have a set training and at least one to test on\n",
    )
