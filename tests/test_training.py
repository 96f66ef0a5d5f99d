"""Training: the same seed gives the same weights, what is interrupted leaves no trace, and each part does its sum."""

import math
import os
from dataclasses import replace

import numpy as np
import pytest
import torch

import zoo
from zoo import loading, storage
from zoo.card import weights_path
from zoo.errors import InputError
from zoo.loading import untrained
from zoo.optimisers import schedule
from zoo.recipe import Recipe
from zoo.recipes import RECIPES
from zoo.release import release, remeasure
from zoo.training import train
from zoo.verification import verify

SST2, DIGITS = zoo.task("sst2"), zoo.task("digits")
SENTENCES = SST2.samples("examples")


def short(name: str, **changes) -> Recipe:
    """A recipe that is over in a moment."""
    plan = RECIPES[name]
    return replace(plan, training=replace(plan.training, epochs=2, distillation=None, **changes))


def weights_of(plan: Recipe, samples) -> dict[str, torch.Tensor]:
    return train(plan, zoo.task(plan.task), samples).model.state_dict()


PLANS = [
    pytest.param(short("cnn_digits"), DIGITS.samples("train").take(range(100)), id="image"),
    pytest.param(short("gru_sst2"), SENTENCES, id="recurrent"),
    pytest.param(short("transformer_sst2"), SENTENCES, id="attention"),
]


@pytest.mark.parametrize(("plan", "samples"), PLANS)
def test_the_same_seed_gives_the_same_weights_to_the_bit(plan, samples):
    one, same = weights_of(plan, samples), weights_of(plan, samples)
    other = weights_of(replace(plan, seed=1), samples)
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize(("plan", "samples"), PLANS)
def test_training_learns_what_it_is_shown(plan, samples):
    made = train(replace(plan, training=replace(plan.training, epochs=12, average=None)), zoo.task(plan.task), samples)
    assert len(made.history["loss"]) == len(made.history["accuracy"]) == 12
    assert made.history["loss"][-1] < 0.9 * made.history["loss"][0]
    assert not made.model.training


def test_a_loss_that_is_not_a_number_ends_training_with_one_sentence():
    plan = short("cnn_digits", learning_rate=1e30, clip_norm=None)
    with pytest.raises(InputError, match="Lower its learning rate"):
        train(plan, DIGITS, DIGITS.samples("train").take(range(100)))


def test_the_averaged_weights_are_the_mean_that_is_written_down():
    """One step from w₀ to w₁: the decay is min(d, 1 / 11), so what is kept is w₁ + (w₀ − w₁) min(d, 1/11)."""
    samples = DIGITS.samples("train").take(range(20))
    plan = short("cnn_digits", batch_size=20, augmentation=None)
    plan = replace(plan, training=replace(plan.training, epochs=1), options={**plan.options, "dropout": 0.0})
    start = untrained(plan).state_dict()
    last = weights_of(replace(plan, training=replace(plan.training, average=None)), samples)
    for average, decay in ((0.99, 1 / 11), (0.05, 0.05)):
        kept = weights_of(replace(plan, training=replace(plan.training, average=average)), samples)
        key = "classify.weight"
        torch.testing.assert_close(kept[key], (1 - decay) * last[key] + decay * start[key])


def test_the_learning_rate_rises_along_a_line_and_falls_along_a_cosine():
    rates = [schedule(step, 100, 0.1) for step in range(100)]
    np.testing.assert_allclose(rates[:10], np.arange(1, 11) / 10)
    np.testing.assert_allclose(rates[10:], [0.5 * (1 + math.cos(math.pi * i / 90)) for i in range(90)])
    assert schedule(0, 10, 0.0) == 1


@pytest.mark.parametrize("changes", [{"optimiser": "lion"}, {"augmentation": "word_dropout"}, {"augmentation": "none"}])
def test_a_recipe_that_asks_for_what_there_is_not_is_one_sentence(changes):
    with pytest.raises(InputError, match="Choose one of"):
        train(short("cnn_digits", **changes), DIGITS, DIGITS.samples("train").take(range(50)))


# Writing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Recipes of a moment, and a folder of their own to write to."""
    monkeypatch.setattr(storage, "WEIGHTS", tmp_path)
    for name in ("cnn_digits", "logistic_digits"):
        plan = short(name) if RECIPES[name].training else RECIPES[name]
        monkeypatch.setitem(RECIPES, name, plan)
    loading._models.forget()
    yield tmp_path
    loading._models.forget()


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_release_can_be_loaded_and_verified(folder):
    for name in ("logistic_digits", "cnn_digits"):
        described = release(RECIPES[name])
        assert described.to_json() == zoo.card(name).to_json()
        assert verify(name).problems == []
    assert zoo.card("cnn_digits").best_traditional == "logistic_digits"
    assert zoo.card("cnn_digits").weights_bytes == weights_path("cnn_digits").stat().st_size
    assert sorted(contents(folder)) == ["cnn_digits.json", "cnn_digits.safetensors", "logistic_digits.json"]


@pytest.mark.usefixtures("folder")
def test_a_card_can_be_written_again_after_words_have_changed(monkeypatch):
    release(RECIPES["cnn_digits"])
    monkeypatch.setitem(RECIPES, "cnn_digits", replace(RECIPES["cnn_digits"], limits="Other words."))
    assert any("limits" in problem for problem in verify("cnn_digits").problems)
    remeasure("cnn_digits")
    assert verify("cnn_digits").problems == []
    monkeypatch.setitem(RECIPES, "cnn_digits", short("cnn_digits", learning_rate=0.5))
    assert any("train it again" in problem for problem in verify("cnn_digits").problems)
    with pytest.raises(InputError, match="train cnn_digits"):
        remeasure("cnn_digits")


def test_an_interrupted_training_leaves_everything_as_it_was(folder):
    release(RECIPES["cnn_digits"])
    before = contents(folder)

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        release(replace(RECIPES["cnn_digits"], seed=5), watch=interrupt)
    assert contents(folder) == before


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("failing_call", [1, 2])
def test_an_interrupted_write_leaves_everything_as_it_was(tmp_path, monkeypatch, step, failing_call):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"before")
    real, calls = getattr(os, step), []

    def fail(*arguments):
        calls.append(arguments)
        if len(calls) == failing_call:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(KeyboardInterrupt):
        storage.write_atomically({old: b"after", new: b"also"})
    assert contents(tmp_path) == {"old": b"before"}


def test_a_write_replaces_whole_files(tmp_path):
    storage.write_atomically({tmp_path / "a": b"1", tmp_path / "deep" / "b": b"2"})
    storage.write_atomically({tmp_path / "a": b"3"})
    assert (tmp_path / "a").read_bytes() == b"3"
    assert (tmp_path / "deep" / "b").read_bytes() == b"2"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_card_from_before_a_setting_existed_means_its_default():
    card = zoo.card("transformer_sst2").recipe
    said = {**card, "training": {k: v for k, v in card["training"].items() if k != "optimiser"}}
    assert Recipe.from_dict(said).is_made_like(RECIPES["transformer_sst2"])
    said["training"]["epochs"] += 1
    assert not Recipe.from_dict(said).is_made_like(RECIPES["transformer_sst2"])
