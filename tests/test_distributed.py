"""Several processes: two that share every batch learn what one learns alone."""

import gc
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import zoo
from zoo import distributed
from zoo.checkpoint import FILE, Checkpoint, Run
from zoo.recipe import Recipe, Training
from zoo.recipes import RECIPES
from zoo.training import train

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = 101
"""Of batches of 50 the last has one sample, so one of two processes has none."""
TRAINING = Training(epochs=4, batch_size=50, learning_rate=1e-2, augmentation="affine", average=0.9)
PLANS = {
    "adamw": TRAINING,
    "sam": replace(TRAINING, optimiser="sam", clip_norm=1.0, patience=9, held_out=0.2),
}


def plan(training: Training) -> Recipe:
    """A network without batch normalisation and dropout."""
    options = {"features": 64, "classes": 10, "widths": (16,)}
    return replace(RECIPES["cnn_digits"], name="mlp_digits", family="mlp", options=options, training=training)


def learn(training: Training, **settings) -> dict:
    """What a training on some digits came to."""
    digits = zoo.task("digits")
    made = train(plan(training), digits, digits.samples("train").take(range(SAMPLES)), **settings)
    weights = {name: tensor.tolist() for name, tensor in made.model.state_dict().items()}
    return {"history": made.history, "weights": weights}


def stop(now) -> None:
    if now.epoch == 2:
        raise InterruptedError


def work(folder: Path) -> None:
    """What each process does: every plan, and one interrupted and resumed."""
    torch.set_num_threads(1)
    gc.disable()  # else it is luck whether what holds the group is gone when the group goes
    with distributed.joined(torch.device("cpu")):
        told = {"processes": distributed.processes()} | {name: learn(training) for name, training in PLANS.items()}
        run = Run(folder / "run")
        try:
            learn(TRAINING, run=run, watch=stop)
        except InterruptedError:
            torch.distributed.barrier()  # the first process has written its checkpoint
        told["found"] = [Checkpoint.from_file(run.file).epoch, Checkpoint.from_file(run.file).origin.processes]
        torch.distributed.barrier()
        told["resumed"] = learn(TRAINING, run=run, resume=True)
        first = distributed.rank() == 0
    told["threads"] = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    if first:
        (folder / "told.json").write_text(json.dumps(told))


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict:
    """What the first of two processes says."""
    folder = tmp_path_factory.mktemp("together")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run([*command, __file__, folder], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (folder / "run").iterdir()] == [FILE]
    return json.loads((folder / "told.json").read_text())


@pytest.mark.parametrize("name", PLANS)
def test_two_processes_have_the_losses_of_one(told, name):
    alone = learn(PLANS[name])
    assert told["processes"] == 2
    assert set(told[name]["history"]) == set(alone["history"])
    for key, series in alone["history"].items():
        np.testing.assert_allclose(told[name]["history"][key], series, atol=1e-5)
    for key, weights in alone["weights"].items():
        np.testing.assert_allclose(told[name]["weights"][key], weights, atol=1e-4)


def test_what_two_processes_began_two_go_on_with(told):
    assert told["found"] == [2, 2]
    assert told["resumed"] == told["adamw"]


def test_no_thread_of_theirs_is_left_to_abort_the_end(told):
    assert not [name for name in told["threads"] if "gloo" in name]


def test_alone_nothing_is_shared():
    inputs, targets = torch.zeros(3, 2), torch.ones(3)
    with distributed.joined(torch.device("cpu")):
        assert (distributed.processes(), distributed.rank()) == (1, 0)
        assert distributed.share(inputs, targets) == (inputs, targets, 3)
        assert distributed.total(targets) is targets
        assert distributed.agreed(targets) is targets


if __name__ == "__main__":
    work(Path(sys.argv[1]))
