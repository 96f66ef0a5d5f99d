"""The population: as many networks as it says, each what its traits say, and files that are checked."""

import json
import shutil

import numpy as np
import pytest
import torch

from zoo import storage
from zoo.ensemble import Member, Schedule, train_together
from zoo.errors import InputError
from zoo.models.mlp import Mlp
from zoo.population import OPTIONS, TRAINING, UPDATES, population, problems, training_samples

SHIPPED = population()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for suffix in ("json", "safetensors"):
        shutil.copy(storage.WEIGHTS / f"population.{suffix}", tmp_path)
    monkeypatch.setattr(storage, "WEIGHTS", tmp_path)
    population.cache_clear()
    yield tmp_path
    population.cache_clear()


def test_there_are_over_a_hundred_that_differ_in_how_they_were_trained():
    assert len(SHIPPED) >= 100
    ways = {(t.activation, t.initialisation, t.optimiser, t.batch_size, t.seed) for t in SHIPPED.traits}
    assert len(ways) == len(SHIPPED)
    accuracies = np.array([t.accuracy for t in SHIPPED.traits])
    assert accuracies.max() - accuracies.min() > 0.08, "what does not vary cannot be correlated with anything"
    assert all(t.loss[-1] < t.loss[0] for t in SHIPPED.traits)


def test_every_member_is_what_its_traits_say():
    assert problems() == []


def test_a_member_can_be_trained_again():
    trait = SHIPPED.traits[5]
    schedule = Schedule(
        epochs=UPDATES // (TRAINING // trait.batch_size), batch_size=trait.batch_size, optimiser=trait.optimiser
    )
    member = Member(seed=trait.seed, initialisation=trait.initialisation, learning_rate=trait.learning_rate)
    made = train_together(Mlp, {**OPTIONS, "activation": trait.activation}, [member], training_samples(), schedule)
    agree = (made.models[0](training_samples().inputs).argmax(1)) == SHIPPED.model(5)(training_samples().inputs).argmax(
        1
    )
    assert agree.float().mean() > 0.98


def test_figures_that_do_not_hold_are_found(folder):
    path = folder / "population.json"
    described = json.loads(path.read_text())
    described["members"][3]["accuracy"] += 0.01
    path.write_text(json.dumps(described))
    population.cache_clear()
    assert len(problems()) == 1
    assert problems()[0].startswith("member 3 says accuracy")


@pytest.mark.parametrize("damage", ["missing", "cut", "altered", "not json"])
def test_a_damaged_file_is_one_sentence(folder, damage):
    weights = folder / "population.safetensors"
    content = bytearray(weights.read_bytes())
    if damage == "missing":
        weights.unlink()
    elif damage == "cut":
        weights.write_bytes(content[:-7])
    elif damage == "altered":
        content[-3] ^= 1
        weights.write_bytes(content)
    else:
        (folder / "population.json").write_text("{")
    population.cache_clear()
    with pytest.raises(InputError, match="git checkout zoo/weights"):
        population()


def test_members_are_networks_of_their_own():
    first, second = SHIPPED.model(0), SHIPPED.model(0)
    with torch.no_grad():
        first.classify.bias.add_(1)
    assert not torch.equal(first.classify.bias, second.classify.bias)
