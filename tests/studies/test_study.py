"""Comparison of models: one file, every step, and the same again from what is there."""

import json

import pytest
import yaml
from scipy.stats import ttest_ind

from poroscale.statistics.samples.uncertainty import fold_table
from poroscale.studies.study import Study, compare_models, studies_in_markdown

PHANTOM = {"shape": [24, 32, 32], "voxel_size": 10, "porosity": 0.02, "pore_diameter": 60}


def written(folder, **changes):
    sections = {
        "study": {
            "out": str(folder / "study"),
            "models": ["otsu", "unet", "vae", "unet on otsu", "unet on vae"],
        },
        "phantoms": {
            "training": [{**PHANTOM, "seed": 1}, {**PHANTOM, "seed": 2, "noise": 0.1}],
            "noisy": [{**PHANTOM, "seed": 3, "noise": 0.15}],
        },
        "run": {"memory": "4GiB", "workers": 2},
        "network": {"width": 0.125, "edge": 16},
        "patches": {"batch": 2, "steps": 2, "validation": 2},
        "training": {"epochs": 1, "folds": 2, "fold": "all", "threads": 1},
        "models": {
            "vae": {"training": {"epochs": 2}},
            "unet on otsu": {"network": {"model": "unet"}, "labels": "otsu"},
            "unet on vae": {"network": {"model": "unet"}, "labels": "vae"},
        },
        **changes,
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(sections))
    return path


@pytest.mark.slow
def test_a_file_describes_the_whole_study(tmp_path, caplog):
    study = Study.load(written(tmp_path))
    assert study.training["vae"].settings.training.epochs == 2
    assert study.training["unet"].settings.training.epochs == 1
    told = []
    with caplog.at_level("INFO", "poroscale"):
        result = compare_models(study, progress=told.append)
    said = caplog.messages
    found = json.loads((tmp_path / "study" / "study.json").read_text())
    alone = ["otsu", "grey", "grey, smoothed"]
    shown = [*alone, "unet", "vae", "vae post-processed", "unet on otsu", "unet on vae"]
    assert list(found["values"]["noisy"]) == sorted(shown)
    for name in shown:
        precision = found["values"]["noisy"][name]["average_precision"]
        assert len(precision) == (1 if name in alone else 2)
        assert all(0 < value <= 1 for value in precision)
    table = (tmp_path / "study" / "study.md").read_text()
    assert "| vae post-processed | 2 |" in table
    assert "| scans | otsu | grey | grey, smoothed | unet |" in table
    assert "| grey, smoothed | 1 |" in table
    assert (result.values, result.table.read_text()) == (found["values"], table)
    epochs = [event for event in told if event.kind == "epoch"]
    assert {each.name for each in epochs} >= {"unet fold 0", "unet on vae fold 1"}
    models = [event for event in told if event.kind == "model"]
    assert [(each.name, each.done, each.total) for each in models[::3]] == [
        ("unet", 1, 4),
        ("unet on vae", 4, 4),
    ]
    assert set(models[0].values) == {"noisy"}
    caplog.clear()
    with caplog.at_level("INFO", "poroscale"):
        compare_models(written(tmp_path))
    assert caplog.messages == said
    assert (tmp_path / "study" / "study.md").read_text() == table


def test_models_of_an_earlier_study_are_not_judged(tmp_path):
    few = {"study": {"out": str(tmp_path / "study"), "models": ["unet"]}, "models": {}}
    compare_models(written(tmp_path, **few))
    training = {"epochs": 1, "folds": 2, "fold": 0, "threads": 1, "learning_rate": 0.01}
    compare_models(written(tmp_path, training=training, **few))
    found = json.loads((tmp_path / "study" / "study.json").read_text())
    assert len(found["values"]["noisy"]["unet"]["average_precision"]) == 1


def test_differences_from_the_best_are_shown():
    folds = {"otsu": [0.2], "unet": [0.5, 0.6, 0.7], "vae": [0.3, 0.35, 0.4]}
    measures = ("average_precision", "roc_auc", "dice")
    values = {model: dict.fromkeys(measures, each) for model, each in folds.items()}
    table = studies_in_markdown({"hard": fold_table(values)})
    assert "| average precision below that of unet |" in table
    (row,) = (line for line in table.splitlines() if line.startswith("| vae | 0."))
    found = ttest_ind(folds["unet"], folds["vae"], equal_var=False)
    half = 0.25 - found.confidence_interval().low
    assert row == f"| vae | 0.250 ± {half:.3f} | {found.pvalue:.2g} | {found.pvalue:.2g} |"


def test_intervals_are_shown_where_there_are_folds():
    row = {"model": "unet", "count": 2, "mean": 0.5, "low": 0.4, "high": 0.6}
    lone = {"model": "otsu", "count": 1, "mean": 0.25, "low": None, "high": None}
    means = [
        {**each, "measure": measure}
        for each in (row, lone)
        for measure in ("average_precision", "roc_auc", "dice")
    ]
    table = studies_in_markdown({"ordinary": {"means": means, "pairs": []}})
    assert "| unet | 2 | 0.500 ± 0.100 |" in table
    assert "| otsu | 1 | 0.250 |" in table
    assert "| scans | unet | otsu |" in table
    assert "| ordinary | 0.500 ± 0.100 | 0.250 |" in table


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"study": {"out": "x", "models": ["grey"]}, "models": {}}, "must not be called 'grey'"),
        ({"phantoms": {"training": [PHANTOM]}}, "at least one to test on"),
        ({"models": {"unet++": {}}}, "none of those that are compared"),
        ({"models": {"unet": {"labels": "vae"}}}, "labels must be one of truth, otsu, got 'vae'"),
        ({"netwerk": {}}, "unknown section 'netwerk'"),
        ({"models": {"vae": {"optimiser": {}}}}, "models: vae: unknown section 'optimiser'"),
        ({"study": {"out": "x", "models": ["unet"], "seed": 1}}, "study"),
        ({"phantoms": {"training": [{"shape": [4]}], "noisy": []}}, "phantoms: training"),
    ],
)
def test_what_is_no_study_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        Study.load(written(tmp_path, **changes))
