"""The training loop: resumed bit for bit, validated, ended early, with the best weights kept."""

import json
import sys

import pytest
import torch
from torch import nn

from poroscale.training import EarlyStopping, Schedule, Validation, best_weights, train
from poroscale.training.loop import CHECKPOINTS
from poroscale.training.metrics import METRICS, Metrics


class Line:
    """A line through noisy points, with dropout so that steps are random."""

    def __init__(self):
        torch.manual_seed(0)
        self.module = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.2), nn.Linear(8, 1))
        self.modules = {"line": self.module}
        self.optimisers = {"line": torch.optim.Adam(self.module.parameters(), lr=1e-2)}

    def loss(self, batch):
        return ((self.module(batch) - batch.sum(dim=1, keepdim=True)) ** 2).mean()

    def step(self, batch):
        self.module.train()
        loss = self.loss(batch)
        self.optimisers["line"].zero_grad()
        loss.backward()
        self.optimisers["line"].step()
        return {"loss": float(loss.detach())}

    def judge(self, batch):
        self.module.eval()
        with torch.inference_mode():
            return {"loss": float(self.loss(batch))}


class Interrupted(BaseException):
    pass


def batches(epoch, until=None):
    for step in range(3):
        if until == (epoch, step):
            raise Interrupted
        yield torch.randn(4, 3, generator=torch.Generator().manual_seed(7 * epoch + step))


def run(folder, epochs=6, *, stopping=None, until=None, recipe=None):
    task = Line()
    history = train(
        task,
        lambda epoch: batches(epoch, until),
        folder,
        schedule=Schedule(epochs, 1, stopping),
        recipe=recipe or {"a": 1},
        validation=Validation(lambda: batches(99), task.judge),
    )
    return task.module.state_dict(), history


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("until", [(0, 1), (3, 0), (4, 2)])
def test_a_killed_training_comes_to_the_same_weights(tmp_path, until):
    whole, history = run(tmp_path / "whole", stopping=EarlyStopping("validation.loss"))
    with pytest.raises(Interrupted):
        run(tmp_path / "killed", stopping=EarlyStopping("validation.loss"), until=until)
    again, resumed = run(tmp_path / "killed", stopping=EarlyStopping("validation.loss"))
    assert same(whole, again)
    assert history == resumed
    lines = [(tmp_path / name / METRICS).read_text() for name in ("whole", "killed")]
    assert lines[0] == lines[1]
    best = [best_weights(tmp_path / name, "line", {"a": 1}) for name in ("whole", "killed")]
    assert same(*best)


def test_a_kill_between_a_checkpoint_and_its_card_costs_one_epoch(tmp_path):
    whole, _ = run(tmp_path / "whole")
    run(tmp_path / "killed", 4)
    torn = tmp_path / "killed" / CHECKPOINTS[3 % 2]
    torn.write_bytes(torn.read_bytes()[:-1])
    assert same(whole, run(tmp_path / "killed")[0])
    for name in CHECKPOINTS:
        (tmp_path / "killed" / name).write_bytes(b"no weights")
    with pytest.raises(OSError, match="is damaged: it does not match its card"):
        run(tmp_path / "killed")


def test_validation_stands_beside_the_losses(tmp_path):
    _, history = run(tmp_path, 3)
    assert set(history[0]) == {"loss", "validation.loss"}
    lines = [json.loads(line) for line in (tmp_path / METRICS).read_text().splitlines()]
    assert lines == [{"epoch": epoch, **each} for epoch, each in enumerate(history)]


def test_training_ends_without_gain(tmp_path):
    losses = [1.0, 0.5, 0.49995, 0.6, 0.4999]
    history = [{"v": value} for value in losses]
    stopping = EarlyStopping("v", gain=1e-4, patience=3)
    assert [stopping.stalled(history[: n + 1]) for n in range(5)] == [0, 0, 1, 2, 3]
    assert not stopping.ends(history[:4])
    assert stopping.ends(history)
    assert stopping.best_epoch(history) == 4
    assert not EarlyStopping("v", patience=None).ends(history * 50)
    # A gain that no loss can have: training ends as soon as patience does.
    _, found = run(tmp_path, 50, stopping=EarlyStopping("validation.loss", gain=1e9, patience=2))
    assert len(found) == 3
    _, again = run(tmp_path, 50, stopping=EarlyStopping("validation.loss", gain=1e9, patience=2))
    assert again == found


def test_best_weights_are_those_of_the_lowest_loss(tmp_path):
    stopping = EarlyStopping("validation.loss", patience=None)
    _, history = run(tmp_path / "long", 12, stopping=stopping)
    best = stopping.best_epoch(history)
    until, _ = run(tmp_path / "short", best + 1)
    assert same(until, best_weights(tmp_path / "long", "line", {"a": 1}))
    with pytest.raises(ValueError, match="trained on other data or with other settings"):
        best_weights(tmp_path / "long", "line", {"a": 2})


def test_another_recipe_is_refused(tmp_path):
    run(tmp_path, 1)
    with pytest.raises(ValueError, match="trained on other data or with other settings"):
        run(tmp_path, 2, recipe={"a": 2})


def test_losses_must_be_finite(tmp_path):
    task = Line()
    with torch.no_grad():
        task.module[0].weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match=r"not finite in epoch 1: loss; lower"):
        train(task, batches, tmp_path, schedule=Schedule(1), recipe={})


def test_fewer_epochs_than_were_trained_are_said(tmp_path, caplog):
    run(tmp_path, 3)
    with caplog.at_level("WARNING", "poroscale.training"):
        _, history = run(tmp_path, 2)
    assert len(history) == 3
    assert "trained for 3 epochs before, more than the 2 asked for" in caplog.text


def test_tensorboard_must_be_installed_where_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ValueError, match="tensorboard must be installed"):
        Metrics(tmp_path, [], tensorboard=True)


def test_a_measure_may_be_smoothed():
    history = [{"v": value} for value in (4.0, 1.0, 3.0, 2.0, 0.9)]
    assert EarlyStopping("v").best_epoch(history) == 4
    smooth = EarlyStopping("v", gain=0.0, patience=1, window=3)
    assert smooth._values(history) == pytest.approx([4, 2.5, 8 / 3, 2, 5.9 / 3])
    assert smooth.stalled(history[:3]) == 1
    assert smooth.ends(history[:3])
    assert not EarlyStopping("v", gain=0.0, patience=2, window=3).ends(history)
