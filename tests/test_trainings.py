"""Training from the app: begun, followed, called off, gone on with; one at a time, and nothing shipped is touched."""

import time

import pytest

import zoo
from pages.ui import trainings
from pages.ui.trainings import Board, curve, kept, plan_of, run_of
from zoo import storage
from zoo.errors import InputError


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path))
    return tmp_path


def wait_for(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def test_a_training_is_followed_to_its_end_and_measured():
    before = {path.name: path.stat().st_mtime_ns for path in storage.WEIGHTS.iterdir()}
    plan = plan_of("cnn_digits", 1, epochs=2, batch_size=256)
    made = Board().begin(plan, resume=False)
    assert made.over.wait(120)
    assert made.problem == ""
    assert [each.epoch for each in made.progress] == [1, 2]
    assert 0 < made.metrics.score <= 1
    assert curve(made).y.shape == (2, 2)
    assert not kept(plan), "there is nothing to go on with"
    assert {path.name: path.stat().st_mtime_ns for path in storage.WEIGHTS.iterdir()} == before


def test_a_training_that_was_called_off_goes_on_where_it_was():
    plan = plan_of("cnn_digits", 1, epochs=40, batch_size=256)
    board = Board()
    made = board.begin(plan, resume=False)
    wait_for(lambda: made.epoch >= 2)
    made.called_off.set()
    assert made.over.wait(60)
    assert "Called off" in made.problem
    assert kept(plan)
    done = made.epoch
    again = board.begin(plan, resume=True)
    wait_for(lambda: again.epoch > done)
    again.called_off.set()
    assert again.over.wait(60)
    assert again.progress[0].epoch == done + 1


def test_one_training_at_a_time_and_whoever_asks_for_the_same_follows_it():
    board = Board()
    plan, other = plan_of("cnn_digits", 1, epochs=40), plan_of("cnn_digits", 2, epochs=40)
    made = board.begin(plan, resume=False)
    assert board.begin(plan_of("cnn_digits", 1, epochs=40), resume=False) is made
    assert board.find(other) is None
    with pytest.raises(InputError, match="Wait until it is over"):
        board.begin(other, resume=False)
    made.called_off.set()
    assert made.over.wait(60)
    assert board.busy() is None


def test_a_training_that_fails_says_so_in_a_sentence():
    made = Board().begin(plan_of("cnn_digits", 1, epochs=2, learning_rate=1e30, average=None), resume=False)
    assert made.over.wait(60)
    assert "not a number" in made.problem
    assert made.metrics is None


def test_each_setting_has_a_run_of_its_own():
    first, second = plan_of("cnn_digits", 1, epochs=2), plan_of("cnn_digits", 1, epochs=3)
    assert run_of(first).folder != run_of(second).folder
    assert plan_of("gru_sst2", 0).training.distillation is None


def test_traditional_models_are_not_trained():
    assert "svm_digits" not in trainings.networks("digits")
    with pytest.raises(InputError, match="fitted and not trained"):
        plan_of("svm_digits", 0)
    assert zoo.recipe("cnn_digits").training is not None
