"""Modular addition: every pair once, the right sums, and a network that can add in a circle."""

import pytest
import torch

import zoo
from zoo.errors import InputError
from zoo.tasks.modadd import PRIME, Modadd

TASK = zoo.task("modadd")


def test_every_pair_is_in_one_split_and_has_its_sum():
    train, test = (TASK.samples(split).inputs for split in TASK.splits)
    pairs = torch.cat((train, test))[:, [0, 2]] - 2
    assert len(pairs) == PRIME**2
    assert len(set(map(tuple, pairs.tolist()))) == PRIME**2
    assert len(train) == round(0.4 * PRIME**2)
    labels = torch.cat([TASK.samples(split).labels for split in TASK.splits])
    assert torch.equal(pairs.sum(1) % PRIME, labels)


def test_the_share_for_training_is_dialled_and_the_seed_deals():
    assert len(Modadd(share=0.3).samples("train")) == round(0.3 * PRIME**2)
    less, more = (set(Modadd(share=share).samples("train").texts) for share in (0.3, 0.4))
    assert less < more
    assert set(Modadd(seed=1).samples("train").texts) != more


def test_a_sum_that_was_typed_is_the_one_of_the_split():
    chosen = TASK.samples("test").take([7])
    typed = TASK.encode([chosen.texts[0], " 017+ 5"])
    assert torch.equal(typed.inputs[:1], chosen.inputs)
    assert typed.texts[1] == "17 + 5 ="
    assert typed.tokens[1] == ("17", "+", "5", "=")
    assert TASK.decode(typed.inputs) == list(typed.texts)


@pytest.mark.parametrize("text", ["", "17", "17 - 5", "17 + 113", "1 + 2 + 3", "a + b", "-1 + 2", "٧ + 1", "9" * 99])
def test_what_is_no_sum_is_one_sentence(text):
    with pytest.raises(InputError, match=r"^.{20,200}\.?"):
        TASK.encode([text])


def test_the_rule_in_waves_names_the_sum():
    """argmax_c Σ_k cos(2πk (a + b − c) / p) is the sum for every pair, whichever frequencies k ≠ 0 are summed over."""
    number = torch.arange(PRIME, dtype=torch.float64)
    angles = 2 * torch.pi * torch.tensor([3.0, 17.0, 40.0], dtype=torch.float64)[:, None] / PRIME
    samples = TASK.samples("test")
    total = (samples.inputs[:, 0] + samples.inputs[:, 2] - 4).double()
    waves = (angles[:, :, None] * (total[:, None] - number)[None].flatten()[None, None]).cos().sum(0)
    assert torch.equal(waves.reshape(len(samples), PRIME).argmax(1), samples.labels)
