"""Release: every seed is measured, the first is shipped, stored models are read back, and nothing is half written."""

import errno
import os
from dataclasses import replace

import numpy as np
import pytest

import zoo
from zoo import loading, release, storage
from zoo.card import estimators_path
from zoo.errors import InputError
from zoo.quality import t_interval
from zoo.recipes import RECIPES
from zoo.release import SAME
from zoo.release import release as make
from zoo.verification import retrain, verify


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of weights and one of runs, and recipes that are made in a moment."""
    monkeypatch.setattr(storage, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    plan = RECIPES["cnn_digits"]
    quick = replace(plan, training=replace(plan.training, epochs=2), options={**plan.options, "widths": (4, 4)})
    monkeypatch.setitem(RECIPES, "cnn_digits", quick)
    monkeypatch.setitem(RECIPES, "svm_digits", replace(RECIPES["svm_digits"], options={"C": 1.0, "gamma": 0.01}))
    loading._models.forget()
    yield tmp_path / "weights"
    loading._models.forget()


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def test_every_seed_is_measured_and_the_first_is_shipped():
    called = []
    described = make(RECIPES["cnn_digits"], watch=lambda now: called.append(now.called))
    kept = described.spread
    assert list(dict.fromkeys(called)) == [f"cnn_digits, seed {place} of 3" for place in (1, 2, 3)]
    assert kept.seeds == (0, 1, 2)
    assert kept.scores[0] == described.metrics.score
    assert len(set(kept.scores)) > 1
    assert kept.mean == pytest.approx(np.mean(kept.scores))
    assert (kept.low, kept.high) == pytest.approx(t_interval(kept.scores))
    assert described.energy_joules > 0
    assert retrain("cnn_digits").problems == []
    assert "bit for bit" in retrain("cnn_digits").retrained


def test_one_seed_says_why():
    described = make(replace(RECIPES["cnn_digits"], seeds=1))
    assert described.spread.low is None
    assert "One seed only" in described.spread.note
    assert verify("cnn_digits").problems == []


def test_a_fit_that_does_not_depend_on_the_seed_says_so():
    described = make(RECIPES["logistic_digits"])
    assert len(described.spread.scores) == 3
    assert described.spread.note == SAME


def test_an_interruption_in_the_second_seed_leaves_nothing_half_written(folder):
    make(RECIPES["logistic_digits"])
    before = contents(folder)

    def interrupt(now):
        if "seed 2" in now.called:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(RECIPES["cnn_digits"], watch=interrupt)
    assert contents(folder) == before


def test_what_was_interrupted_goes_on_where_it_was():
    whole = make(RECIPES["cnn_digits"])

    def interrupt(now):
        if "seed 2" in now.called:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(RECIPES["cnn_digits"], watch=interrupt)
    assert make(RECIPES["cnn_digits"], resume=True).spread == whole.spread


def test_a_full_disk_is_one_sentence_and_nothing_changes(folder, monkeypatch):
    make(RECIPES["logistic_digits"])
    before = contents(folder)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"No space left on device.*Make room"):
        make(RECIPES["svm_digits"])
    assert contents(folder) == before


def test_a_better_traditional_model_is_told_to_the_networks_of_its_task():
    make(RECIPES["cnn_digits"])
    assert zoo.card("cnn_digits").best_traditional is None
    make(RECIPES["logistic_digits"])
    assert zoo.card("cnn_digits").best_traditional == "logistic_digits"
    assert verify("cnn_digits").problems == []


def test_a_model_whose_figures_are_not_numbers_is_not_written(folder, monkeypatch):
    monkeypatch.setattr(release, "predict_milliseconds", lambda *_: float("nan"))
    with pytest.raises(InputError, match="not a model card"):
        make(RECIPES["logistic_digits"])
    assert contents(folder) == {}


@pytest.fixture
def stored(monkeypatch):
    """A logistic regression that is kept in a file."""
    monkeypatch.setitem(RECIPES, "logistic_digits", replace(RECIPES["logistic_digits"], stored=True))
    return make(RECIPES["logistic_digits"])


def test_a_stored_model_is_read_and_not_fitted_again(stored, monkeypatch):
    monkeypatch.setattr(loading, "fitted", None)
    assert stored.digest == storage.sha256(estimators_path("logistic_digits").read_bytes())
    loaded = zoo.load("logistic_digits")
    assert loaded.digest == stored.digest
    assert verify("logistic_digits").problems == []
    assert "bit for bit" in retrain("logistic_digits").retrained


@pytest.mark.usefixtures("stored")
def test_a_stored_model_that_was_damaged_is_one_sentence():
    path = estimators_path("logistic_digits")
    content = path.read_bytes()
    for damaged, match in ((content[:-1], "cut short"), (content[:-1] + b"x", "sha256 differs")):
        path.write_bytes(damaged)
        assert any(match in problem for problem in verify("logistic_digits").problems)
    path.unlink()
    with pytest.raises(InputError, match=r"missing.*python -m zoo train logistic_digits"):
        zoo.load("logistic_digits")
