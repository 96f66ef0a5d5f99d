"""Every task: what its samples look like, how they are named and grouped, and that planted evidence is what it says."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from shelf import LARGE

import zoo
from zoo import drawing, tokenizer
from zoo.errors import InputError
from zoo.task import Ablatable, Kind, TextTask
from zoo.tasks.shapes import SIZE, Shapes

MIRRORED = {"sst2", "imdb", "fashion_mnist", "cifar10", "characters"}
SPLITS = [
    pytest.param(
        name,
        split,
        marks=[
            *([pytest.mark.mirror] if name in MIRRORED and split != "examples" else []),
            *([pytest.mark.xdist_group(name)] if name in LARGE else []),
        ],
    )
    for name, task in zoo.tasks().items()
    for split in task.splits
    if split in (task.scored, "examples") or (name not in LARGE and task == type(task).variants()[0])
]
"""The split that is scored of every task; the others of one variant of each, since one file makes them all."""
SST2 = zoo.task("sst2")
SMALL = Shapes(train=40, validation=30, test=60)


@pytest.mark.parametrize(("name", "split"), SPLITS)
def test_samples_are_well_formed(name, split):
    task, samples = zoo.task(name), zoo.task(name).samples(split)
    assert samples.inputs.ndim == 1 + len(task.axes)
    assert len(samples) == len(samples.inputs) == len(samples.labels) > 0
    assert samples.ids == tuple(f"{split}:{i}" for i in range(len(samples)))
    assert samples.labels.dtype == torch.long
    assert set(samples.labels.tolist()) == set(range(len(task.classes)))
    if task.kind is Kind.IMAGE:
        assert samples.inputs.dtype == torch.float32
        assert 0 <= samples.inputs.min() < samples.inputs.max() <= 1
    if isinstance(task, TextTask):
        assert samples.inputs.dtype == torch.long
        assert len(samples.texts) == len(samples.tokens) == len(samples.words) == len(samples)
    assert (samples.evidence is not None) == task.planted


@pytest.mark.parametrize(("name", "split"), SPLITS)
def test_a_split_is_the_same_whenever_it_is_loaded(name, split):
    first, second = zoo.task(name).samples(split), zoo.task(name).load(split)
    for entry in fields(first):
        one, other = getattr(first, entry.name), getattr(second, entry.name)
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other, entry.name


@pytest.mark.parametrize(("name", "split"), SPLITS)
def test_groups_cover_every_entry_and_nothing_of_the_padding(name, split):
    task, samples = zoo.task(name), zoo.task(name).samples(split).take(range(12))
    groups = task.groups(samples.inputs)
    assert groups.shape == samples.inputs.shape
    for row, inputs in zip(groups, samples.inputs, strict=True):
        present = sorted(set(row.flatten().tolist()) - {-1})
        assert present == list(range(len(present)))
        assert len(present) > 1
        padding = inputs == task.padding if isinstance(task, TextTask) else torch.zeros_like(inputs, dtype=torch.bool)
        assert torch.equal(row == -1, padding)


def test_patches_are_squares_over_all_channels():
    digits = zoo.task("digits").groups(torch.zeros(1, 1, 8, 8))[0, 0]
    assert digits.unique().numel() == 16
    assert digits[2:4, 6:8].unique().tolist() == [7]
    shapes = zoo.task("shapes").groups(torch.zeros(2, 3, 32, 32))
    assert shapes.unique().numel() == 64
    assert torch.equal(shapes[:, 0], shapes[:, 2])
    assert all((shapes[0, 0] == group).sum() == 16 for group in range(64))


@pytest.mark.parametrize("name", ["digits", "shapes"])
def test_no_image_is_in_two_splits(name):
    seen: set[bytes] = set()
    for split in zoo.task(name).splits:
        images = {image.numpy().tobytes() for image in zoo.task(name).samples(split).inputs}
        assert not images & seen
        seen |= images


def test_digits_are_the_unshuffled_halves():
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    train, test = (zoo.task("digits").samples(split) for split in ("train", "test"))
    assert (len(train), len(test)) == (898, 899)
    both = torch.cat((train.inputs, test.inputs)).flatten(1).numpy() * 16
    np.testing.assert_array_equal(both, images)
    np.testing.assert_array_equal(torch.cat((train.labels, test.labels)), labels)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("7", ["test:7"]),
        ("test:7", ["test:7"]),
        ("0:3", ["test:0", "test:1", "test:2"]),
        ("train:2:4", ["train:2", "train:3"]),
        ("7,12", ["test:7", "test:12"]),
        ("train:5,1", ["train:5", "train:1"]),
    ],
)
def test_references_name_samples(reference, expected):
    samples = zoo.task("digits").select(reference)
    assert list(samples.ids) == expected
    split, index = expected[-1].split(":")
    assert torch.equal(samples.inputs[-1], zoo.task("digits").samples(split).inputs[int(index)])


@pytest.mark.parametrize(
    "reference",
    [
        *("", " ", "x", "test", "test:", "3:1", "2:2", "-1", "test:-1", "899", "0:900", "nosuch:1", "1:2:3", "1.5"),
        *("1_0", "+7", "٧", "²", "7:", ",", "7,,8", "0:99999999999999999999", "0:999999999999", "999999999999:0"),
        *("9" * 5000, "0," * 899 + "0", "0,899", "899,0"),
    ],
)
def test_a_reference_that_names_nothing_is_one_sentence(reference):
    with pytest.raises(InputError, match=r"^.{20,200}\.$"):
        zoo.task("digits").select(reference)


def test_a_list_may_name_as_many_samples_as_there_are():
    assert len(zoo.task("digits").select(",".join("7" * 899))) == 899
    assert zoo.task("digits").select("7, 12").ids == ("test:7", "test:12")


def test_an_unknown_task_or_split_names_those_there_are():
    with pytest.raises(InputError, match=r"task called 'digit'.*Did you mean 'digits'"):
        zoo.task("digit")
    with pytest.raises(InputError, match="train"):
        zoo.task("digits").samples("tests")


# Planted evidence ------------------------------------------------------------------------------------------------


def test_the_evidence_is_exactly_where_the_shape_was_painted():
    task = zoo.task("shapes")
    assert isinstance(task, Ablatable)
    whole, without = task.samples("test"), task.without_evidence("test")
    assert torch.equal((whole.inputs != without.inputs).any(1), whole.evidence)
    assert whole.evidence.flatten(1).sum(1).min() > 20


def test_exchanging_the_rest_keeps_the_shape_and_changes_what_is_around_it():
    whole, other = SMALL.samples("test"), SMALL.with_other_rest("test")
    parts = next(SMALL.paintings("test"))
    inside = torch.from_numpy(parts.covered == 1)[:, None].expand_as(whole.inputs)
    outside = ~whole.evidence[:, None].expand_as(whole.inputs)
    assert torch.equal(whole.inputs[inside], other.inputs[inside])
    assert (whole.inputs[outside] != other.inputs[outside]).float().mean() > 0.9
    assert torch.equal(whole.labels, other.labels)


def test_shapes_depend_on_their_seed_and_a_larger_split_begins_with_the_smaller():
    assert torch.equal(Shapes(test=10).load("test").inputs, SMALL.samples("test").inputs[:10])
    assert not torch.equal(Shapes(test=10, seed=1).load("test").inputs, Shapes(test=10).load("test").inputs)
    first, second = Shapes(test=1000).load("test").inputs.split(500)  # from generators of their own
    assert not (first == second).flatten(1).all(1).any()


def test_place_size_and_colour_say_nothing_of_the_class():
    """Class means of each factor differ by no more than chance: |z| < 4.5 over 5 classes × 6 factors."""
    parts = list(Shapes(train=6000).paintings("train"))
    labels = np.concatenate([p.labels for p in parts])
    colour = np.concatenate([p.paint[:, 0, 0] for p in parts])
    around = np.concatenate([p.rest.mean((1, 2)) for p in parts])
    factors = np.concatenate((colour, around), axis=1)
    for label in range(5):
        rows = factors[labels == label]
        z = (rows.mean(0) - factors.mean(0)) / (factors.std(0) / np.sqrt(len(rows)))
        assert np.abs(z).max() < 4.5
    assert np.bincount(labels).min() > 0.17 * len(labels)


@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("circle", np.pi * 0.95**2),
        ("square", 4 * 0.85**2),
        ("triangle", 3 * np.sqrt(3) * 0.62**2),
        ("cross", 2 * 4 * 1.1 * 0.36 - 4 * 0.36**2),
        ("star", 5 * 1.25 * 0.52 * np.sin(np.pi / 5)),
    ],
)
def test_a_drawn_shape_has_the_area_of_its_outline(name, area):
    radius, angle = np.full(20, 7.0), np.linspace(0, 6, 20)
    middle = SIZE / 2 + np.linspace(-1, 1, 20)
    u, v = drawing.local_coordinates(SIZE, middle, middle, angle)
    drawn = drawing.coverage(drawing.SHAPES[name](u, v, radius)).sum((1, 2))
    np.testing.assert_allclose(drawn, area * 49, rtol=0.02)


# Sentences -------------------------------------------------------------------------------------------------------


def _joined(pieces):
    return "".join("".join(pieces).split())


@pytest.mark.mirror
@pytest.mark.parametrize("split", ["train", "validation"])
def test_pieces_make_up_the_text_and_words_follow_from_the_ids_alone(split):
    samples = SST2.samples(split)
    assert all(_joined(t) == _joined(x) for t, x in zip(samples.tokens, samples.texts, strict=True))
    assert tuple(tuple(row) for row in SST2.groups(samples.inputs).tolist()) == samples.words
    assert samples.inputs.shape[1] < 128


@pytest.mark.mirror
def test_the_tokenizer_can_be_learnt_again():
    assert SST2.learn_tokenizer().to_json() == SST2.tokenizer().to_json()


@given(st.text(min_size=1, max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused(text):
    if not text.strip():
        with pytest.raises(InputError):
            SST2.encode([text])
        return
    samples = SST2.encode([text])
    assert 1 < int(samples.inputs.max()) < len(SST2.tokenizer())
    assert tuple(SST2.groups(samples.inputs)[0].tolist()) == samples.words[0]
    assert samples.labels.tolist() == [-1]


def test_words_are_cut_as_in_the_treebank():
    (typed,) = SST2.decode(SST2.encode(["The film doesn’t work — it's “great” (not!) …"]).inputs)
    assert typed == "the film does n't work — it 's \" great \" ( not ! ) ..."
    same = SST2.encode(["the film does n't work", "The film doesn't work"])
    assert torch.equal(same.inputs[0], same.inputs[1])


def test_an_emoji_is_a_word_and_a_mark_that_was_typed_is_text():
    samples = SST2.encode(["😀 👨‍👩‍👧👍🏽", "[MASK] good [PAD]"])
    assert max(samples.words[0]) == 2
    assert _joined(samples.tokens[0]) == "😀👨‍👩‍👧👍🏽"
    assert not (samples.inputs[1] == SST2.missing).any()
    assert SST2.decode(samples.inputs)[1] == "[ mask ] good [ pad ]"


def test_missing_tokens_and_padding_vanish_from_the_text():
    inputs = SST2.encode(["not a bad film", "dull"]).inputs
    inputs[0, 1] = SST2.missing
    assert SST2.decode(inputs) == ["not bad film", "dull"]


def test_a_long_text_is_cut_at_a_words_end_and_says_so():
    samples = SST2.encode(["extraordinarily unmemorable " * 60, "short"])
    assert samples.inputs.shape[1] <= 128
    assert samples.texts[0].endswith((" […]",))
    read = samples.texts[0].removesuffix(" […]")
    assert read.split()[-1] in ("extraordinarily", "unmemorable")
    assert _joined(samples.tokens[0]) == _joined(read)
    assert samples.texts[1] == "short"
    assert len(SST2.encode(["x" * 5000]).inputs[0]) == 128


@pytest.mark.parametrize(
    ("texts", "match"),
    [([], "No text"), ([""], "empty"), (["fine", " \n\t"], "empty"), (["x" * 100_000], "100,000 characters")],
)
def test_a_text_that_cannot_be_read_is_one_sentence(texts, match):
    with pytest.raises(InputError, match=match):
        SST2.encode(texts)


def test_halves_spell_the_same_text():
    halves = SST2.halves()
    pieces = SST2.tokenizer()
    merged = (halves[:, 0] > 0).nonzero()[:, 0][::37].tolist()
    assert len(merged) > 50
    assert pieces.decode([[i] for i in merged]) == pieces.decode(halves[merged].tolist())


def test_a_missing_or_broken_tokenizer_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="missing"):
        tokenizer.read(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(InputError, match="not a tokenizer"):
        tokenizer.read(tmp_path / "bad.json")
