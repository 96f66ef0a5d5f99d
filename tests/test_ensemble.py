"""Many networks at once: each is what it would have been alone."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

import zoo
from zoo.ensemble import Member, Schedule, noisy, train_together
from zoo.errors import InputError
from zoo.model import initialise
from zoo.models.cnn import Cnn
from zoo.models.mlp import Mlp
from zoo.models.rnn import Rnn

SAMPLES = zoo.task("digits").samples("train").take(range(100))
OTHERS = zoo.task("digits").samples("test").take(range(60))
OPTIONS = {"features": 64, "classes": 10, "widths": (16, 12)}
SCHEDULE = Schedule(epochs=3, batch_size=32, weight_decay=0.1)
MEMBERS = [
    Member(seed=3, learning_rate=1e-2),
    Member(seed=4, learning_rate=3e-3, label_noise=0.4),
    Member(seed=5, learning_rate=1e-2, options={"widths": (7, 12)}),
    Member(seed=6, learning_rate=1e-2, options={"widths": (9, 5)}),
]


def alone(member: Member, schedule: Schedule) -> tuple[torch.nn.Module, list[float]]:
    """The same network by itself, with torch's own optimiser."""
    model = initialise(Mlp, {**OPTIONS, **member.options}, member.seed)
    matrices = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim == 1]
    decay = schedule.weight_decay if schedule.optimiser == "adamw" else 0.0
    groups = [{"params": matrices, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]
    optimiser = {
        "adamw": lambda: torch.optim.AdamW(groups, lr=member.learning_rate),
        "momentum": lambda: torch.optim.SGD(groups, lr=member.learning_rate, momentum=0.9),
        "sgd": lambda: torch.optim.SGD(groups, lr=member.learning_rate),
    }[schedule.optimiser]()
    labels = noisy(SAMPLES.labels, member, 10)
    order = torch.Generator().manual_seed(member.seed)
    history = []
    for _ in range(schedule.epochs):
        rows = torch.randperm(len(SAMPLES), generator=order)[:96]
        losses = []
        for batch in rows.split(schedule.batch_size):
            loss = functional.cross_entropy(model(SAMPLES.inputs[batch]), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        history.append(sum(losses) / len(losses))
    return model, history


@pytest.mark.parametrize("optimiser", ["sgd", "momentum", "adamw"])
def test_every_member_is_what_it_would_have_been_alone(optimiser):
    schedule = replace(SCHEDULE, optimiser=optimiser, weight_decay=0.1 if optimiser == "adamw" else 0.0)
    made = train_together(Mlp, OPTIONS, MEMBERS, SAMPLES, schedule, OTHERS)
    assert made.together
    for row, member in enumerate(MEMBERS):
        model, history = alone(member, schedule)
        torch.testing.assert_close(made.loss[row], torch.tensor(history), rtol=0, atol=1e-4)
        torch.testing.assert_close(made.models[row](OTHERS.inputs), model(OTHERS.inputs), rtol=1e-3, atol=1e-3)
        right = (model(OTHERS.inputs).argmax(1) == OTHERS.labels).float().mean()
        assert made.held_out[row, -1] == pytest.approx(right.item(), abs=0.02)


def test_units_that_a_narrow_member_lacks_stay_nought_whatever_the_activation():
    """A sigmoid of nought is a half: without a mask its padded units would begin to learn."""
    members = [replace(member, options={**member.options, "activation": "sigmoid"}) for member in MEMBERS]
    made = train_together(Mlp, OPTIONS, members, SAMPLES, SCHEDULE)
    _, history = alone(members[2], SCHEDULE)
    torch.testing.assert_close(made.loss[2], torch.tensor(history), rtol=0, atol=1e-4)


def test_wrong_labels_are_the_share_that_was_asked_for_and_never_right():
    labels = torch.arange(1000) % 10
    for share in (0.0, 0.25, 1.0):
        replaced = noisy(labels, Member(seed=1, label_noise=share), 10)
        assert int((replaced != labels).sum()) == round(1000 * share)
    wrong = noisy(labels, Member(seed=1, label_noise=1.0), 10)
    assert torch.bincount((wrong - labels) % 10, minlength=10)[1:].min() > 70


def test_recurrent_networks_are_trained_one_after_the_other():
    rows = replace(SAMPLES, inputs=SAMPLES.inputs[:, 0])
    options = {"features": 8, "classes": 10, "cell": "gru", "state": 8}
    made = train_together(Rnn, options, MEMBERS[:2], rows, replace(SCHEDULE, epochs=2))
    assert not made.together
    assert (made.loss[:, -1] < made.loss[:, 0]).all()


@pytest.mark.parametrize(
    ("members", "schedule", "options", "match"),
    [
        ([], SCHEDULE, OPTIONS, "at least one member"),
        (MEMBERS, replace(SCHEDULE, optimiser="lion"), OPTIONS, "optimiser of an ensemble"),
        (MEMBERS, replace(SCHEDULE, batch_size=101), OPTIONS, "cannot be cut from 100 samples"),
        (MEMBERS, SCHEDULE, {**OPTIONS, "dropout": 0.5}, "has dropout"),
        ([Member(options={"widths": (9, 4)}), Member(options={"widths": (4, 9)})], SCHEDULE, OPTIONS, "do not fit"),
        ([Member(options={"activation": "tanh"}), Member()], SCHEDULE, OPTIONS, "the same activation"),
        ([Member(label_noise=1.5)], SCHEDULE, OPTIONS, "between 0 and 1"),
        ([Member(learning_rate=1e30)] * 2, replace(SCHEDULE, optimiser="sgd"), OPTIONS, "not a number in epoch"),
    ],
)
def test_what_cannot_be_trained_together_is_one_sentence(members, schedule, options, match):
    with pytest.raises(InputError, match=match):
        train_together(Mlp, options, members, SAMPLES, schedule)


def test_running_statistics_are_refused():
    with pytest.raises(InputError, match="running statistics"):
        train_together(Cnn, {"channels": 1, "classes": 10, "widths": (4,)}, [Member()], SAMPLES, SCHEDULE)
