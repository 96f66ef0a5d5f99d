"""Groups of features, each against what it is on paper."""

import numpy as np
import pytest
import torch
from series_subjects import waves
from subjects import Convolved, Dense, Negation, Pixels, query, subject

from workbench.groups import _numbered, feature_groups, one_hot_groups
from workbench.perturbations import fine_features
from zoo.errors import InputError
from zoo.task import Samples


def images(*inputs: torch.Tensor) -> Samples:
    return Samples(
        inputs=torch.stack(inputs), labels=torch.ones(len(inputs)).long(), ids=tuple(map(str, range(len(inputs))))
    )


def test_superpixels_do_not_cross_an_edge():
    """Two halves of different brightness, with an edge that no square patch follows."""
    image = torch.zeros(2, 24, 24)
    image[:, :, 11:] = 1.0
    other = torch.rand(2, 24, 24, generator=torch.Generator().manual_seed(0))
    asked = query(subject(Convolved), images(image, other))
    groups = feature_groups(asked, "superpixels", 8)
    left, right = groups[0, 0, :, :11].unique(), groups[0, 0, :, 11:].unique()
    assert not set(left.tolist()) & set(right.tolist())
    assert 4 <= len(left) + len(right) <= 12
    assert groups.shape == asked.inputs.shape
    for one in groups:
        assert torch.equal(one[0], one[1])
        assert one.unique().tolist() == list(range(int(one.max()) + 1))
    alone = feature_groups(query(subject(Convolved), images(other)), "superpixels", 8)
    assert torch.equal(alone[0], groups[1])


def test_superpixels_of_an_even_image_are_some_groups():
    asked = query(subject(Convolved), images(torch.full((2, 6, 6), 0.4)))
    assert int(feature_groups(asked, "superpixels").max()) >= 1


@pytest.mark.parametrize(
    ("pieces", "words", "expected"),
    [
        (["good", "film", ".", "not", "good", "!", "!", "bad"], [0, 1, 2, 3, 4, 5, 6, 7], [0, 0, 0, 1, 1, 1, 1, 2]),
        (["Ġun", "seen", "Ġ.", "Ġbad", ""], [0, 0, 1, 2, -1], [0, 0, 0, 1, -1]),
        (["a.", "b"], [0, 0], [0, 0]),
        (["a.", "b"], [0, 1], [0, 1]),
        (["Ġ…", "Ġfilm"], [0, 1], [0, 1]),
    ],
)
def test_sentences_end_after_a_mark_and_before_a_word(pieces, words, expected):
    assert _numbered(pieces, words) == expected


def test_tokens_and_sentences_of_text():
    asked = query(subject(Negation), subject(Negation).task.encode(["bad unseen film", "good"]))
    assert feature_groups(asked, "task").tolist() == [[0, 1, 1, 2], [0, -1, -1, -1]]
    assert feature_groups(asked, "tokens").tolist() == [[0, 1, 2, 3], [0, -1, -1, -1]]
    assert feature_groups(asked, "sentences").tolist() == [[0, 0, 0, 0], [0, -1, -1, -1]]


def test_stretches_of_time_and_measured_things():
    of = waves()
    asked = query(of, of.task.samples("test"))
    stretches = feature_groups(asked, "time", 4)
    assert stretches[5, :, 1].tolist() == [0, 0, 1, 2, 2, 3]
    assert feature_groups(asked, "time", 99)[0, :, 2].tolist() == list(range(6))
    assert feature_groups(asked, "columns")[3].tolist() == [[0, 1, 2]] * 6
    assert torch.equal(feature_groups(asked, "task"), of.task.groups(asked.inputs))


def test_one_hot_columns_go_together():
    chance = np.random.default_rng(0)
    three, two = chance.integers(3, size=50), chance.integers(2, size=50)
    table = np.column_stack(
        [chance.normal(size=50), *(three == i for i in range(3)), chance.integers(2, size=50), two == 0, two == 1]
    )
    expected = [0, 1, 1, 1, 2, 3, 3]
    assert one_hot_groups(torch.tensor(table)).tolist() == expected
    scaled = (table - table.mean(0)) / table.std(0)
    assert one_hot_groups(torch.tensor(scaled)).tolist() == expected
    assert one_hot_groups(torch.ones(5, 2)).tolist() == [0, 1]


def test_groups_that_do_not_fit_get_a_sentence():
    of = subject(Dense)
    asked = query(of, of.task.samples("test"))
    with pytest.raises(InputError, match="Choose one of: task, fine, columns"):
        feature_groups(asked, "superpixels")
    with pytest.raises(InputError, match="There is no kind of groups"):
        feature_groups(asked, "planets")
    fine = query(subject(Convolved), Pixels().samples("test"))
    assert torch.equal(feature_groups(fine, "fine"), fine_features(Pixels(), fine.inputs))
