"""Checkpoints: whatever ends a training, it goes on to the same bits, and nothing that was kept is lost."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import zoo
from zoo import checkpoint
from zoo.checkpoint import Checkpoint, Run
from zoo.errors import InputError
from zoo.loading import untrained
from zoo.recipe import Recipe
from zoo.recipes import RECIPES
from zoo.steps import Steps
from zoo.training import Cancelled, train

ROOT = Path(__file__).resolve().parent.parent
DIGITS, SST2 = zoo.task("digits"), zoo.task("sst2")
IMAGES, SENTENCES = DIGITS.samples("train").take(range(120)), SST2.samples("examples")


def short(name: str, **changes) -> Recipe:
    """A recipe of a moment, with all that has a state: dropout, augmentation, averaging."""
    plan = RECIPES[name]
    settings = {"epochs": 5, "batch_size": 32, "distillation": None, "average": 0.9} | changes
    return replace(plan, training=replace(plan.training, **settings))


PLANS = [
    pytest.param(short("cnn_digits"), IMAGES, id="image"),
    pytest.param(short("cnn_digits", patience=3, held_out=0.3, average=None), IMAGES, id="early-stopping"),
    pytest.param(short("cnn_digits", optimiser="sam", average=None), IMAGES, id="sam"),
    pytest.param(short("cnn_digits", optimiser="rmsprop", precision="bfloat16"), IMAGES, id="bfloat16"),
    pytest.param(short("gru_sst2", patience=2, held_out=0.3), SENTENCES, id="recurrent"),
    pytest.param(short("transformer_sst2", optimiser="momentum"), SENTENCES, id="attention"),
]


class Stop(Exception):
    pass


def stop_after(epoch: int):
    def watch(now) -> None:
        if now.epoch == epoch:
            raise Stop

    return watch


def same(one, other) -> bool:
    ours, theirs = one.model.state_dict(), other.model.state_dict()
    return one.history == other.history and all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(("plan", "samples"), PLANS)
def test_what_goes_on_ends_with_the_bits_of_what_was_never_interrupted(plan, samples, tmp_path):
    task, run = zoo.task(plan.task), Run(tmp_path)
    whole = train(plan, task, samples)
    for epoch in (1, 3):
        with pytest.raises(Stop):
            train(plan, task, samples, watch=stop_after(epoch), run=run, resume=epoch > 1)
        assert run.saved == epoch
    seen = []
    made = train(plan, task, samples, watch=lambda now: seen.append(now.epoch), run=run, resume=True)
    assert same(made, whole)
    assert seen == list(range(4, 1 + len(whole.history["loss"])))


def test_a_training_called_off_between_batches_keeps_its_last_epoch(tmp_path):
    plan, asked = short("cnn_digits"), []

    def cancelled() -> bool:
        asked.append(len(asked))
        return len(asked) > 10  # 4 batches an epoch: in the third

    with pytest.raises(Cancelled, match="called off in epoch 3"):
        train(plan, DIGITS, IMAGES, run=Run(tmp_path), cancelled=cancelled)
    assert Checkpoint.from_file(tmp_path / checkpoint.FILE).epoch == 2
    assert same(train(plan, DIGITS, IMAGES, run=Run(tmp_path), resume=True), train(plan, DIGITS, IMAGES))


def test_a_killed_training_goes_on(tmp_path):
    """kill -9: nothing in the process can clean up."""
    code = f"""
        import time, torch
        torch.set_num_threads({torch.get_num_threads()})
        import zoo
        from dataclasses import replace
        from pathlib import Path
        from zoo.checkpoint import Run
        from zoo.training import train
        plan = zoo.recipe("cnn_digits")
        settings = dict(epochs=5, batch_size=32, distillation=None, average=0.9)
        plan = replace(plan, training=replace(plan.training, **settings))
        task = zoo.task("digits")
        samples = task.samples("train").take(range(120))
        def watch(now):
            if now.epoch == 2:
                print("second", flush=True)
                time.sleep(60)
        train(plan, task, samples, run=Run(Path({str(tmp_path)!r}), interval=0), watch=watch)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"second\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    (tmp_path / f".{checkpoint.FILE}.xyz.tmp").write_bytes(b"half a file")
    plan, run, seen = short("cnn_digits"), Run(tmp_path), []
    made = train(plan, DIGITS, IMAGES, run=run, resume=True, watch=lambda now: seen.append(now.epoch))
    assert seen == [3, 4, 5]
    assert same(made, train(plan, DIGITS, IMAGES))
    run.start()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [checkpoint.FILE]


def test_a_full_disk_is_told_and_neither_ends_training_nor_loses_what_was_kept(tmp_path, monkeypatch):
    plan, run = short("cnn_digits"), Run(tmp_path, interval=0)
    told = []

    def fill(*_) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def watch(now) -> None:
        told.append(now.trouble)
        if now.epoch == 2:
            monkeypatch.setattr(os, "fsync", fill)

    made = train(plan, DIGITS, IMAGES, run=run, watch=watch)
    assert told[:2] == [None, None]
    assert all("No space left on device" in each and "training goes on" in each for each in told[2:])
    assert same(made, train(plan, DIGITS, IMAGES))
    assert Checkpoint.from_file(run.file).epoch == run.saved == 2
    assert [path.name for path in tmp_path.iterdir()] == [checkpoint.FILE]
    monkeypatch.undo()
    assert same(train(plan, DIGITS, IMAGES, run=run, resume=True), made)


def test_a_disk_with_room_again_is_no_trouble_any_more(tmp_path, monkeypatch):
    run, told = Run(tmp_path, interval=0), []

    def fill(*_) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def watch(now) -> None:
        told.append(now.trouble is not None)
        if now.epoch == 1:
            monkeypatch.setattr(os, "fsync", fill)
        elif now.epoch == 3:
            monkeypatch.undo()

    train(short("cnn_digits"), DIGITS, IMAGES, run=run, watch=watch)
    assert told == [False, True, True, False, False]
    assert run.saved == 5


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    told = []
    run = Run(tmp_path / "file" / "run", interval=0)
    train(short("cnn_digits", path=2), DIGITS, IMAGES, run=run, watch=lambda now: told.append(now.trouble))
    assert all("there is none to go on from" in each for each in told)


def test_checkpoints_are_not_written_more_often_than_their_interval(tmp_path):
    written, run = [], Run(tmp_path, interval=3600)
    train(short("cnn_digits"), DIGITS, IMAGES, run=run, watch=lambda _: written.append(run.file.exists()))
    assert not any(written)
    assert Checkpoint.from_file(run.file).epoch == 5  # at the end, so that nothing is lost while the model is measured


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"recipe": short("cnn_digits", learning_rate=0.5)}, "another recipe or seed"),
        ({"recipe": replace(short("cnn_digits"), seed=7)}, "another recipe or seed"),
        ({"data": "0" * 64}, "other training data"),
        ({"torch": "1.0.0"}, "torch 1.0.0, not"),
        ({"device": "cuda"}, "device cuda, not cpu"),
        ({"threads": 64}, "CPU threads 64, not"),
        ({"processes": 4}, "processes 4, not 1"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path, changes, word):
    plan = short("cnn_digits")
    with pytest.raises(Stop):
        train(plan, DIGITS, IMAGES, run=Run(tmp_path), watch=stop_after(1))
    file = tmp_path / checkpoint.FILE
    found = Checkpoint.from_file(file)
    file.write_bytes(replace(found, origin=replace(found.origin, **changes)).to_bytes())
    before = file.read_bytes()
    with pytest.raises(InputError, match=word):
        train(plan, DIGITS, IMAGES, run=Run(tmp_path), resume=True)
    assert file.read_bytes() == before


def test_words_in_a_recipe_may_change_between_interruption_and_resumption(tmp_path):
    plan = short("cnn_digits")
    with pytest.raises(Stop):
        train(plan, DIGITS, IMAGES, run=Run(tmp_path), watch=stop_after(1))
    train(replace(plan, limits="Other words."), DIGITS, IMAGES, run=Run(tmp_path), resume=True)


@pytest.mark.parametrize("content", [b"", b"abc", b"\x08\0\0\0\0\0\0\0{}      ", "cut", "headless"])
def test_a_broken_checkpoint_is_one_sentence(tmp_path, content):
    file = tmp_path / checkpoint.FILE
    if content in ("cut", "headless"):
        with pytest.raises(Stop):
            train(short("cnn_digits"), DIGITS, IMAGES, run=Run(tmp_path), watch=stop_after(1))
        whole = file.read_bytes()
        content = whole[: len(whole) // 2] if content == "cut" else whole.replace(b"workbench", b"workbunch")
    file.write_bytes(content)
    with pytest.raises(InputError, match="is not a checkpoint"):
        train(short("cnn_digits"), DIGITS, IMAGES, run=Run(tmp_path), resume=True)


def test_resuming_where_nothing_was_kept_starts_anew(tmp_path):
    plan = short("cnn_digits")
    assert same(train(plan, DIGITS, IMAGES, run=Run(tmp_path), resume=True), train(plan, DIGITS, IMAGES))


def test_a_loss_that_is_not_a_number_keeps_the_last_good_state(tmp_path, monkeypatch):
    plan, run = short("cnn_digits", warm_up=0.0, schedule="constant"), Run(tmp_path)
    real = Steps.take

    def take(self, inputs, targets):
        if self.done == 9:  # the tenth step, of four an epoch
            torch.nn.init.constant_(self.model.classify.weight, torch.nan)
        return real(self, inputs, targets)

    monkeypatch.setattr(Steps, "take", take)
    words = rf"not a number at step 10, at a learning rate of 0.01\. .* after epoch 2 is kept in {tmp_path}"
    with pytest.raises(InputError, match=words):
        train(plan, DIGITS, IMAGES, run=run)
    monkeypatch.undo()
    assert same(train(plan, DIGITS, IMAGES, run=run, resume=True), train(plan, DIGITS, IMAGES))


def test_weights_that_are_no_numbers_are_not_kept(tmp_path, monkeypatch):
    """The last step of an epoch spoilt them: no loss has shown it yet."""
    plan, run, real = short("cnn_digits"), Run(tmp_path), Steps.take

    def take(self, inputs, targets):
        found = real(self, inputs, targets)
        if self.done == 8:
            torch.nn.init.constant_(self.model.classify.weight, torch.inf)
        return found

    monkeypatch.setattr(Steps, "take", take)
    with pytest.raises(InputError, match=r"not a number at step 8, .* after epoch 1 is kept"):
        train(plan, DIGITS, IMAGES, run=run)


def test_the_path_has_start_end_and_what_is_between(tmp_path):
    plan, run = short("cnn_digits", path=3, epochs=4), Run(tmp_path)
    made = train(plan, DIGITS, IMAGES, run=run)
    points = run.path()
    assert [point.epoch for point in points] == [0, 2, 4]
    weights = made.model.state_dict()
    assert all(torch.equal(points[-1].weights[key], weights[key]) for key in weights)
    start = untrained(plan).state_dict()
    assert all(torch.equal(points[0].weights[key], start[key]) for key in start)
    run.finish()
    assert not run.file.exists()
    assert len(run.path()) == 3
    train(short("cnn_digits", path=0), DIGITS, IMAGES, run=run)
    assert run.path() == ()


def test_an_interrupted_path_is_the_path_of_the_whole(tmp_path):
    plan, whole, parts = short("cnn_digits", path=6), Run(tmp_path / "whole"), Run(tmp_path / "parts")
    train(plan, DIGITS, IMAGES, run=whole)
    with pytest.raises(Stop):
        train(plan, DIGITS, IMAGES, run=parts, watch=stop_after(3))
    train(plan, DIGITS, IMAGES, run=parts, resume=True)
    for one, other in zip(whole.path(), parts.path(), strict=True):
        assert one.epoch == other.epoch
        assert all(torch.equal(one.weights[key], other.weights[key]) for key in one.weights)


def test_the_path_of_a_model_is_found_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv(checkpoint.VARIABLE, str(tmp_path))
    with pytest.raises(InputError, match="No path of cnn_digits"):
        checkpoint.path("cnn_digits")
    plan = short("cnn_digits", path=2, epochs=1)
    train(plan, DIGITS, IMAGES, run=checkpoint.run(plan))
    assert [point.epoch for point in checkpoint.path("cnn_digits")] == [0, 1]
    assert checkpoint.run(plan).folder == tmp_path / "cnn_digits-seed0"


def test_a_run_says_how_long_it_took_without_the_pause(tmp_path):
    plan, run = short("cnn_digits"), Run(tmp_path)
    with pytest.raises(Stop):
        train(plan, DIGITS, IMAGES, run=run, watch=stop_after(2))
    before = Checkpoint.from_file(run.file).seconds
    start = time.perf_counter()
    made = train(plan, DIGITS, IMAGES, run=run, resume=True)
    assert before < made.seconds < before + time.perf_counter() - start
