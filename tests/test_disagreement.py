"""Disagreement: measures of two maps with answers known on paper, by sample and by feature."""

from dataclasses import replace

import numpy as np
import pytest
import record_examples
from scipy.stats import rankdata

from workbench.agreement import agreement, named
from workbench.disagreement import by_feature, by_sample, disputed, rank_agreement, sign_agreement, top_overlap
from zoo.errors import InputError

RAMP = np.arange(1.0, 11.0)


def test_measures_on_paper():
    assert rank_agreement(RAMP, RAMP**3) == pytest.approx(1)
    assert rank_agreement(RAMP, -RAMP) == pytest.approx(-1)
    assert np.isnan(rank_agreement(RAMP, np.ones(10)))
    assert top_overlap(RAMP, -RAMP, top=0.2) == 1, "the sign does not decide what leads"
    assert top_overlap(RAMP, RAMP[::-1], top=0.2) == 0
    assert top_overlap(RAMP, np.roll(RAMP, 1), top=0.2) == 0.5
    assert sign_agreement(RAMP, -RAMP) == 0
    assert sign_agreement(RAMP, RAMP[::-1]) == 1
    mixed = RAMP.copy()
    mixed[-1] = -10
    assert sign_agreement(RAMP, mixed, top=0.2) == 0.5, "of the two places that lead, one"


def test_equal_values_share_the_top_and_the_order_of_places_does_not_decide():
    flat = np.ones(10)
    assert top_overlap(flat, RAMP, top=0.2) == pytest.approx(0.2)
    assert top_overlap(flat, RAMP[::-1], top=0.2) == pytest.approx(0.2)
    assert top_overlap(flat, flat, top=0.2) == pytest.approx(1)


def test_random_maps_share_the_top_as_often_as_its_size_says():
    chance = np.random.default_rng(0)
    found = [top_overlap(*chance.normal(size=(2, 100))) for _ in range(400)]
    assert np.mean(found) == pytest.approx(0.1, abs=0.02)


def _pair():
    """Two records of two rows of a table: they agree on the first, and contradict each other on the second."""
    first = np.array([[4.0, 3, 2, 1], [4.0, 3, 2, 1]])
    second = np.array([[8.0, 6, 4, 2], [1.0, 2, 3, 4]])
    common = {"inputs": first, "axes": ("sample", "feature"), "feature_names": ("heat", "dose", "smoke", "ratio")}
    return [
        record_examples.tabular(**(record_examples.described(2) | common | {"values": values}))
        for values in (first, second)
    ]


def test_the_sample_with_the_most_disagreement_is_first():
    found = by_sample(_pair(), ("One", "Two"))
    assert [row[0] for row in found.rows] == ["test:1", "test:0"]
    assert found.rows[1][1:4] == pytest.approx((1, 1, 1))
    assert found.rows[0][1:4] == pytest.approx((-1, 0, 1))
    assert found.rows[0][4] == "One and Two"


def test_of_three_methods_every_pair_has_one_vote():
    """Two are alike; the third leads elsewhere and has the other sign in both places that lead: of three pairs one."""
    (row,) = by_sample(_table([4, 3, 2, 1], [4, 3, 2, 1], [-1, -2, -3, -4]), ("One", "Two", "Three")).rows
    assert row[1:4] == pytest.approx(((1 + 1 + 1) / 3, 1 / 3, 1 / 3))


def test_agreement_is_of_the_ranks_of_one_sample():
    first, second = _pair()
    bent = record_examples.tabular(
        **(record_examples.described(2) | {"values": first.values**3, "inputs": first.values, "axes": first.axes})
    )
    for index, sign in ((0, 1), (1, -1)):
        found = agreement([first, second, bent], ("One", "Two", "Three"), index)
        np.testing.assert_allclose(found.values, [[1, sign, 1], [sign, 1, sign], [1, sign, 1]])


def test_a_place_of_a_table_or_a_series_is_called_by_its_feature_and_step():
    table = _pair()[0]
    assert [named(table, place) for place in range(4)] == ["heat", "dose", "smoke", "ratio"]
    inputs = np.zeros((1, 5, 3))
    series = record_examples.series(inputs=inputs, values=inputs, axes=("sample", "time", "feature"))
    for names, wanted in (
        (("a", "b", "c"), ["a at step 0", "b at step 2"]),
        (None, ["number 0 at step 0", "number 1 at step 2"]),
    ):
        record = replace(series, feature_names=names)
        assert [named(record, place) for place in (0, 7)] == wanted


def test_features_are_apart_by_the_spread_of_their_ranks():
    """Ranks of magnitudes 4, 3, 2, 1 against 1, 2, 3, 4 of 4: a standard deviation of 1.5, 0.5, 0.5, 1.5 quarters."""
    found = by_feature(_pair())
    np.testing.assert_allclose(found.values, [[0] * 4, [0.375, 0.125, 0.125, 0.375]])
    rows = disputed(_pair(), ("One", "Two"), index=1, most=2).rows
    assert rows == (("heat", 37.5, 1.0, 4.0), ("ratio", 37.5, 4.0, 1.0))


def test_words_and_padding():
    record = record_examples.text()
    other = record_examples.text(values=-record.values[:, ::-1].copy())
    found = by_feature([record, other])
    assert found.values[0, -1] == 0, "padding"
    assert found.values.max() > 0
    names = {row[0] for row in disputed([record, other], ("One", "Two"), most=20).rows}
    assert "film" in names, "pieces are merged into words"
    assert len(by_sample([record, other], ("One", "Two")).rows) == 1


def test_images_are_summed_over_channels():
    record = record_examples.image(channels=3)
    assert by_feature([record, record]).values.shape == (2, 8, 8)
    assert not by_feature([record, record]).values.any()
    turned = replace(record, values=record.values[..., ::-1].copy())
    names = [row[0] for row in disputed([record, turned], ("One", "Two"), most=64).rows]
    assert set(names) <= {f"height {i} width {j}" for i in range(8) for j in range(8)}
    assert len(names) > 32


def test_one_method_or_other_samples_are_refused():
    record = record_examples.text()
    with pytest.raises(InputError, match="two methods"):
        by_sample([record], ("One",))
    with pytest.raises(InputError, match="different samples"):
        by_feature([record, record_examples.image(count=1, sample_ids=("test:9",))])


def _table(*maps):
    """A record for each map of one sample or more of a table of four features."""
    common = {"axes": ("sample", "feature"), "feature_names": ("heat", "dose", "smoke", "ratio")}
    values = [np.atleast_2d(np.array(one, dtype=float)) for one in maps]
    return [
        record_examples.tabular(**(record_examples.described(len(v)) | common | {"values": v, "inputs": v}))
        for v in values
    ]


def test_two_places_have_ranks_and_one_place_is_a_top():
    assert rank_agreement(RAMP[:2], RAMP[:2]) == pytest.approx(1)
    first, second = np.array([5.0, 4, 1, 1, 1]), np.array([4.0, 5, 1, 1, 1])
    assert top_overlap(first, second) == 0, "a tenth of five places is one place"


def test_a_map_that_ranks_nothing_is_left_out_of_means_and_of_the_pair_that_is_named():
    ramp, flat = [4, 3, 2, 1], [1, 1, 1, 1]
    titles = ("Flat", "One", "Two", "Three")
    (row,) = by_sample(_table(flat, ramp, ramp, [1, 2, 3, 4]), titles).rows
    assert row[1] == pytest.approx(-1 / 3), "of 1, -1 and -1"
    assert row[4] == "One and Three"
    found = by_sample(_table([flat, ramp], [flat, ramp]), titles[:2])
    assert [row[1] for row in found.rows] == [pytest.approx(1), None], "what is not known comes last"


def test_ranks_are_of_magnitudes():
    alike = _table([4, -3, 2, -1], [-8, 6, -4, 2])
    assert not by_feature(alike).values.any()
    assert not disputed(alike, ("One", "Two")).rows, "what all rank alike is not disputed"


def test_ranks_are_shares_of_the_places_that_are_not_padding():
    record = record_examples.text()
    other = record_examples.text(values=record.values[:, ::-1].copy())
    inside = np.array(record.words[0]) >= 0
    ranks = [rankdata(np.abs(one.values[0][inside])) / inside.sum() for one in (record, other)]
    np.testing.assert_allclose(by_feature([record, other]).values[0][inside], np.std(ranks, axis=0))
    assert not inside.all()
