"""Training: the same seed gives the same weights, what is interrupted leaves no trace, and each part does its sum."""

import math
import os
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import zoo
from zoo import checkpoint, loading, storage
from zoo.__main__ import app
from zoo.card import weights_path
from zoo.course import Course
from zoo.errors import InputError
from zoo.loading import untrained
from zoo.optimisers import schedule
from zoo.recipe import Recipe, Training
from zoo.recipes import RECIPES
from zoo.release import release, remeasure
from zoo.stopping import has_stopped, hold_out, is_best
from zoo.terminal import interrupted
from zoo.training import Cancelled, train
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


@pytest.mark.parametrize(
    "changes",
    [
        {"optimiser": "lion"},
        {"augmentation": "word_dropout"},
        {"augmentation": "none"},
        {"precision": "int8"},
        {"schedule": "stairs", "warm_up": 0.0},
        {"initialisation": "zero"},
        {"embedding_start": "cooccurrence"},
    ],
)
def test_a_recipe_that_asks_for_what_there_is_not_is_one_sentence(changes):
    with pytest.raises(InputError, match="Choose one of"):
        train(short("cnn_digits", **changes), DIGITS, DIGITS.samples("train").take(range(50)))


# Watching and stopping --------------------------------------------------------------------------------------------


def regression(**changes) -> Recipe:
    training = Training(epochs=6, batch_size=64, learning_rate=1e-2, **changes)
    options = {"features": 10, "classes": 1, "widths": (8,)}
    return replace(RECIPES["cnn_digits"], family="mlp", task="diabetes", options=options, training=training)


def test_held_out_samples_are_a_share_of_every_class_and_depend_on_the_seed():
    whole = DIGITS.samples("train")
    shown, held = hold_out(whole, 0.2, 0)
    assert sorted(shown.ids + held.ids) == sorted(whole.ids)
    for label in range(10):
        count = int((whole.labels == label).sum())
        assert int((held.labels == label).sum()) == round(0.2 * count)
    assert hold_out(whole, 0.2, 0)[1].ids == held.ids != hold_out(whole, 0.2, 1)[1].ids
    rows = {name: row for row, name in enumerate(whole.ids)}
    assert [rows[name] for name in shown.ids] == sorted(rows[name] for name in shown.ids)


def test_a_class_of_one_sample_is_learnt_from():
    whole = DIGITS.samples("train").take(range(40))
    labels = whole.labels.clone().clamp(max=1)
    labels[7] = 9
    shown, _ = hold_out(replace(whole, labels=labels), 0.9, 0)
    assert 9 in shown.labels
    assert {0, 1} <= set(shown.labels.tolist())


@pytest.mark.parametrize(
    ("share", "word"), [(0.0, "between 0 and 1"), (1.0, "between 0 and 1"), (0.001, "Raise the share")]
)
def test_a_share_that_holds_nothing_out_is_one_sentence(share, word):
    with pytest.raises(InputError, match=word):
        train(short("cnn_digits", patience=1, held_out=share), DIGITS, DIGITS.samples("train").take(range(100)))


def test_training_stops_when_patience_ends_and_keeps_the_best_weights():
    """A learning rate that soon does harm: what is kept is what a training of as many epochs as were best ends with."""
    samples = DIGITS.samples("train").take(range(200))
    settings = {"learning_rate": 0.3, "average": None, "schedule": "constant", "warm_up": 0.0}
    plan = short("cnn_digits", **settings, patience=3, held_out=0.3)
    plan = replace(plan, training=replace(plan.training, epochs=60))
    made = train(plan, DIGITS, samples)
    losses = made.history["held_out_loss"]
    best = losses.index(min(losses))
    assert len(losses) == len(made.history["loss"]) == best + 1 + 3 < 60
    again = train(replace(plan, training=replace(plan.training, epochs=best + 1)), DIGITS, samples)
    ours, theirs = made.model.state_dict(), again.model.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    _, held = hold_out(samples, 0.3, 0)
    hits = (made.model(held.inputs).argmax(1) == held.labels).float().mean()
    assert made.history["held_out_accuracy"][best] == pytest.approx(hits.item())


def test_stopping_rules_are_what_they_say():
    assert [is_best(losses) for losses in ([3.0], [3.0, 2.0], [3.0, 3.0], [1.0, 2.0])] == [True, True, False, False]
    assert not has_stopped([], 1)
    assert not has_stopped([3.0, 2.0, 4.0], 2)
    assert has_stopped([3.0, 2.0, 4.0, 2.0], 2)


def test_a_regression_has_r_squared_in_its_history_and_can_be_stopped():
    task = zoo.task("diabetes")
    samples = task.samples("train")
    made = train(regression(), task, samples)
    assert set(made.history) == {"loss", "r_squared"}
    variance = samples.values.double().var(unbiased=False).item()
    for loss, score in zip(made.history["loss"], made.history["r_squared"], strict=True):
        assert score == pytest.approx(1 - loss / variance, abs=1e-4)
    stopped = train(regression(patience=2, held_out=0.2), task, samples)
    assert set(stopped.history) == {"loss", "r_squared", "held_out_loss", "held_out_r_squared"}


def test_whoever_watches_is_told_how_it_stands():
    told, samples = [], DIGITS.samples("train").take(range(128))
    plan = short("cnn_digits", patience=5, held_out=0.25)
    made = train(plan, DIGITS, samples, watch=told.append, called="it")
    assert [(now.called, now.epoch, now.epochs, now.trouble) for now in told] == [
        ("it", 1, 2, None),
        ("it", 2, 2, None),
    ]
    for name, key in (
        ("loss", "loss"),
        ("score", "accuracy"),
        ("held_out_loss", "held_out_loss"),
        ("held_out_score", "held_out_accuracy"),
    ):
        assert tuple(getattr(now, name) for now in told) == made.history[key]
    assert told[0].learning_rate == pytest.approx(0.01 * schedule(1, 4, 0.1))
    assert 0 < told[0].seconds < told[1].seconds < made.seconds


def test_bfloat16_learns_the_same_but_for_rounding():
    samples = DIGITS.samples("train").take(range(128))
    exact, short_numbers = (
        train(short("cnn_digits", precision=precision), DIGITS, samples).history["loss"]
        for precision in ("float32", "bfloat16")
    )
    assert exact != short_numbers
    np.testing.assert_allclose(exact, short_numbers, rtol=0.05)


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


def test_a_training_interrupted_at_the_terminal_says_how_to_go_on_and_goes_on(folder, monkeypatch, tmp_path_factory):
    monkeypatch.setenv(checkpoint.VARIABLE, str(tmp_path_factory.mktemp("runs")))
    monkeypatch.setitem(RECIPES, "cnn_digits", replace(RECIPES["cnn_digits"], seeds=2))
    digest = release(RECIPES["cnn_digits"]).digest
    before, runner, real = contents(folder), CliRunner(), Course.progress
    command = ["train", "cnn_digits", "--device", "cpu", "--threads", str(torch.get_num_threads())]
    refused = runner.invoke(app, [*command, "--resume"])
    assert "nothing to resume" in str(refused.exception)

    def interrupt(course, called, trouble):
        if called.endswith("seed 2 of 2") and course.epoch == 1:
            raise KeyboardInterrupt
        return real(course, called, trouble)

    monkeypatch.setattr(Course, "progress", interrupt)
    stopped = runner.invoke(app, command)
    assert stopped.exit_code == 130
    assert "after epoch 1 of 2 (seed 1) is kept: `python -m zoo train cnn_digits --resume`" in stopped.output
    assert contents(folder) == before
    seen = []
    monkeypatch.setattr(Course, "progress", lambda *rest: seen.append(rest[1]) or real(*rest))
    gone_on = runner.invoke(app, [*command, "--resume"])
    assert gone_on.exit_code == 0, gone_on.exception
    assert seen == ["cnn_digits, seed 2 of 2"]
    described = zoo.card("cnn_digits")
    assert described.digest == digest
    assert (described.energy_joules, described.energy_how[:12]) == (None, "not measured")
    assert not checkpoint.standing(RECIPES["cnn_digits"])


def test_an_interruption_before_anything_was_learnt_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv(checkpoint.VARIABLE, str(tmp_path))
    assert "nothing is kept" in interrupted(RECIPES["cnn_digits"])


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


def test_trainings_of_one_process_wait_for_each_other_and_keep_their_bits():
    """Dropout draws from torch's one global generator; two threads at once would take each other's numbers."""
    plan, samples, found = short("cnn_digits"), DIGITS.samples("train").take(range(100)), []
    alone = weights_of(plan, samples)
    threads = [threading.Thread(target=lambda: found.append(weights_of(plan, samples))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(weights[key], alone[key]) for weights in found for key in alone)
    assert len(found) == 2


def test_a_training_that_waits_for_its_turn_can_be_called_off():
    plan, samples, errors = short("cnn_digits"), DIGITS.samples("train").take(range(100)), []

    def second() -> None:
        with pytest.raises(Cancelled, match="before its turn"):
            train(plan, DIGITS, samples, cancelled=lambda: True)
        errors.append("called off")

    def watch(_) -> None:
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()

    train(plan, DIGITS, samples, watch=watch)
    assert errors == ["called off", "called off"]
