"""Leagues: what is told apart, what beats the controls, what the evidence allows, and what is kept and recommended."""

import json
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import record_examples
import torch
from subjects import Corner, Features, Pixels, Scalar, subject
from torch import nn

import workbench
import zoo
from workbench import archive, standings, tournament
from workbench.ablation import Ablation, ablation
from workbench.commands import league as league_command
from workbench.evaluation import evaluate, gathered
from workbench.explanation import method, methods
from workbench.methods.input_x_gradient import InputXGradient
from workbench.methods.random import Random
from workbench.metrics.deletion import Deletion
from workbench.metrics.max_sensitivity import MaxSensitivity
from workbench.metrics.pointing_game import PointingGame
from workbench.metrics.relevance_mass import RelevanceMass
from workbench.ranking import RESAMPLES, _drawn, against_controls, against_draws, clearly_better, ranks
from workbench.recommendation import Budget, budget, count_of, recommend, to_json
from workbench.records import League, Table, Target
from workbench.scoring import metrics
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.task import Samples

ROOT = Path(__file__).resolve().parent.parent
MOST_BYTES = 6 * 2**20


class Elsewhere(Scalar):
    """f = the sum of what is not evidence."""

    def score(self, inputs: torch.Tensor) -> torch.Tensor:
        rest = torch.ones(6, 6)
        rest[:3, :3] = 0
        return (inputs * rest).flatten(1).sum(1)


class Positive(Pixels):
    """Images of positive pixels, so that both networks are right about all of them."""

    def load(self, split: str) -> Samples:
        found = super().load(split)
        return replace(found, inputs=found.inputs.abs() + 0.1)


class Rendered(Positive):
    """The same images, which can be drawn without their evidence, and with another rest."""

    def without_evidence(self, split: str) -> Samples:
        whole = self.samples(split)
        return replace(whole, inputs=whole.inputs * ~whole.evidence[:, None])

    def with_other_rest(self, split: str) -> Samples:
        whole = self.samples(split)
        return replace(whole, inputs=torch.where(whole.evidence[:, None], whole.inputs, whole.inputs.roll(1, 0)))


def test_a_constant_difference_is_told_apart_where_the_intervals_of_the_means_overlap():
    spread = np.linspace(-10, 10, 20)
    found = clearly_better(np.stack([spread + 0.01, spread]), higher_is_better=True)
    assert found.tolist() == [[False, True], [False, False]]
    assert clearly_better(np.stack([spread + 0.01, spread]), higher_is_better=False).tolist() == found.T.tolist()


def test_what_differs_by_rounding_or_to_both_sides_is_not_told_apart():
    values = np.random.default_rng(0).uniform(1, 2, 20)
    swaying = values + np.tile([0.5, -0.5], 10)
    found = clearly_better(np.stack([values, values * (1 + 1e-8), swaying]), higher_is_better=True)
    assert not found.any()


def test_pairs_are_compared_on_the_samples_that_both_were_scored_on():
    nan = np.nan
    values = np.array([[1.0, 2, 3, 4, 100], [0.5, 1.5, 2.5, 3.5, nan], [nan, nan, nan, nan, 7]])
    found = clearly_better(values, higher_is_better=True)
    assert found.tolist() == [[False, True, False], [False] * 3, [False] * 3], "one sample tells nothing"


def test_clearly_better_equals_the_loop():
    """One pair after another, one resample after another, with the percentiles of their sorted means."""
    chance = np.random.default_rng(3)
    values = chance.normal(size=(7, 1)) / 2 + chance.normal(size=(7, 12))
    picked = np.random.default_rng(0).integers(12, size=(RESAMPLES, 12))
    wanted = np.zeros((7, 7), dtype=bool)
    for a in range(7):
        for b in range(7):
            means = sorted(float(np.mean([values[a, i] - values[b, i] for i in row])) for row in picked)
            wanted[a, b] = means[int(0.025 * RESAMPLES) - 1] > 0
    assert 5 < wanted.sum() < 21, "some pairs are told apart, and some are not"
    np.testing.assert_array_equal(clearly_better(values, higher_is_better=True), wanted)


def test_ranks_and_controls_on_paper():
    """A beats all, B and C cannot be told apart, B beats the control D and C does not, E was not measured."""
    better = np.zeros((5, 5), dtype=bool)
    better[0, 1:4] = True
    better[1, 3] = True
    measured = np.array([True] * 4 + [False])
    assert ranks(better, measured).tolist() == [1, 2, 2, 3, 0]
    controls = np.array([False, False, False, True, False])
    assert against_controls(better, measured, controls).tolist() == [1, 1, 0, 0, 0]
    better[3, 2] = True
    assert against_controls(better, measured, controls).tolist() == [1, 1, -1, 0, 0]
    assert against_controls(better, measured, np.zeros(5, bool)).tolist() == [0] * 5


def test_every_control_must_be_beaten():
    better = np.zeros((3, 3), dtype=bool)
    better[0, 1] = True
    controls = np.array([False, True, True])
    assert against_controls(better, np.ones(3, bool), controls)[0] == 0


def test_draws_stand_in_for_a_control_that_was_not_measured():
    draws = np.full((10, 4), 0.5)
    assert against_draws(np.full(10, 0.6), draws, higher_is_better=True) == 1
    assert against_draws(np.full(10, 0.6), draws, higher_is_better=False) == -1
    assert against_draws(0.5 + np.tile([0.1, -0.1], 5), draws, higher_is_better=True) == 0
    assert against_draws(np.zeros(0), np.zeros((0, 0)), higher_is_better=True) == 0


def test_what_cannot_be_computed_costs_nobody_else_a_score():
    """A propagation that has no rule, and a metric that asks a method again where it has no answer."""

    class Cumulated(nn.Module):
        def forward(self, x):
            return torch.where(x.detach().abs().amax() > 3, torch.nan, x.cumprod(1)[:, :2])

    of = Subject(Cumulated(), Features())
    samples = of.task.samples("test")
    asked = [method("lrp"), method("gradient"), method("random")]
    scores = evaluate(of, samples, asked, [Deletion(), MaxSensitivity(radius=10)])
    why = {(one.method, one.metric): one.why for one in scores if not one.values.size}
    assert "no rule for the operation cumprod" in why["lrp", "deletion"]
    assert "not finite" in why["gradient", "max_sensitivity"]
    assert {("gradient", "deletion"), ("random", "deletion")}.isdisjoint(why)
    with pytest.raises(InputError, match="Target 7 is not a class"):
        evaluate(of, samples, asked, [Deletion()], Target(of=7))


def test_scores_become_a_league_with_intervals_and_ranks():
    of = subject(Corner)
    samples = of.task.samples("test")
    scores = evaluate(of, samples, [Random(), InputXGradient()], [PointingGame(), Deletion()])
    found = gathered(scores)
    assert found.methods == ("input_x_gradient", "random"), "controls are last"
    assert found.metrics == ("deletion", "pointing_game"), "faithfulness stands before localisation"
    assert found.rank[:, 0].tolist() == [1, 2]
    assert found.against[:, 0].tolist() == [1, 0]
    for row, name in enumerate(found.methods):
        for column, metric in enumerate(found.metrics):
            score = next(score for score in scores if (score.method, score.metric) == (name, metric))
            assert (found.mean[row, column], found.low[row, column]) == (score.mean, score.low)
    drawn = standings.table(found)
    assert drawn.ranks[0, 1:3].tolist() == found.rank[0].tolist()
    assert drawn.ranks[:, [0, 3, 4]].max() == 0


@pytest.mark.parametrize("network", [Corner, Elsewhere])
@pytest.mark.parametrize("task", [Positive, Rendered])
def test_localisation_is_scored_where_the_model_uses_the_evidence(network, task):
    of = replace(subject(network), task=task())
    samples = of.task.samples("test")
    found = ablation(of, samples)
    assert found.score == 1
    assert found.passes == (network is Corner)
    scores = evaluate(of, samples, [InputXGradient()], [RelevanceMass(), Deletion()])
    assert bool(scores[0].values.size) == (network is Corner)
    assert scores[1].values.size == len(samples)
    if network is Elsewhere:
        assert "does not rest on the planted evidence: its score is 1.00" in standings.table(gathered(scores)).note


def test_an_ablation_passes_by_its_three_numbers():
    def judged(score: float, without: float, rest: float) -> bool:
        return Ablation(score=score, without_evidence=without, without_rest=rest, chance=0.2, how="").passes

    assert judged(1.0, 0.2, 0.95)
    assert not judged(1.0, 0.8, 0.95), "the answer is not lost without the evidence"
    assert not judged(1.0, 0.2, 0.4), "it is lost without the rest"
    assert not judged(0.22, 0.2, 0.22), "there is nothing above chance"


def test_the_card_says_whether_a_model_uses_the_evidence():
    of = workbench.load("mlp_gauss_local")
    found = ablation(of, of.task.select("0:2"))
    assert found.without_evidence == zoo.card("mlp_gauss_local").evidence_used["without_evidence"]
    assert found.passes
    assert ablation(subject(Corner), replace(Pixels().samples("test"), evidence=None)) is None


def test_standing_is_the_share_of_methods_that_are_clearly_better_a_vote_a_category():
    found = record_examples.league()
    np.testing.assert_allclose(standings.standing(found), [[0, np.nan], [0.25, 1], [0.5, 0]], atol=1e-12)
    np.testing.assert_allclose(
        standings.over_all(standings.standing(found)), [0.25, 0.625, 0.25], err_msg="what is missing counts as half"
    )
    overview = standings.overview(found)
    assert [row[0] for row in overview.rows] == ["Integrated gradients", "Occlusion", "Random (control)"]
    assert overview.rows[0][4] == "1 of 2"
    assert overview.rows[2][4] is None
    assert [len(part.rows) for part in standings.tables(found)] == [3]
    only = standings.table(found, "complexity")
    assert [column.title for column in only.columns] == ["Method", "Sparseness", "Time", "Passes"]


def test_a_standing_is_over_the_metrics_that_a_method_was_measured_on():
    found = record_examples.league(rank=np.array([[1, 1, 0], [3, 0, 0], [2, 2, 0]]))
    np.testing.assert_allclose(standings.standing(found)[:, 0], [0, 1, (0.5 + 1) / 2])
    nowhere = record_examples.league(rank=np.array([[0, 0, 0], [1, 1, 1], [2, 2, 2]]))
    rows = standings.overview(nowhere).rows
    assert [row[0] for row in rows] == ["Occlusion", "Integrated gradients", "Random (control)"]
    assert rows[0][-2:] == (20.0, 50.0), "time, then passes"


def test_another_seed_draws_other_resamples():
    first, same, other = (_drawn(12, seed) for seed in (0, 0, 1))
    np.testing.assert_allclose(first.sum(0), 1)
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_part_of_a_table_keeps_its_intervals_and_ranks():
    whole = standings.table(record_examples.league())
    part = whole.part(rows=[1, 0], columns=[0, 2])
    assert part.rows == (("Occlusion", 0.7), ("Integrated gradients", 0.8))
    assert part.low[0, 1] == whole.low[1, 2]
    assert part.ranks.tolist() == [[0, 1], [0, 1]]
    assert Table(columns=whole.columns, rows=whole.rows).part([0]).low is None


def test_a_method_is_recommended_with_numbers_and_never_a_control():
    found = recommend([record_examples.league()])
    assert found.best.method == "integrated_gradients"
    assert "random" not in {one.method for one in found.candidates}
    assert "25 % of the methods are clearly better, before Occlusion with 62 %" in found.sentences[0]
    assert "on 1 of 2 metrics" in found.sentences[1]
    assert "64 passes and 3.0 ms" in found.sentences[2]
    assert any("could not be measured in complexity" in sentence for sentence in found.sentences)
    assert to_json(found)["best"] == "integrated_gradients"


def test_a_budget_leaves_out_what_costs_more():
    league = record_examples.league()
    assert recommend([league], Budget(passes=60)).best.method == "occlusion"
    assert recommend([league], Budget(milliseconds=10)).best.method == "integrated_gradients"
    nothing = recommend([league], Budget(passes=1))
    assert nothing.best is None
    assert "No method can be recommended" in nothing.sentences[0]
    assert "64 passes per sample, more than 1" in nothing.refusals[0]
    assert len(nothing.sentences) == 1


def test_where_a_control_is_best_it_is_named():
    """Of two others none and one are clearly better than the first control, two and none than the second."""
    beaten = record_examples.league(
        methods=("integrated_gradients", "edge_detector", "random"),
        controls=(False, True, True),
        rank=np.array([[2, 3, 0], [1, 2, 2], [3, 1, 1]]),
        against=np.array([[-1, -1, 0], [0, 0, 0], [0, 0, 0]]),
    )
    found = recommend([beaten])
    assert found.best is None
    assert "'edge detector' stands highest by faithfulness and localisation: 25 % of all" in found.sentences[1]


def test_what_does_not_beat_the_controls_or_ignores_the_weights_is_refused():
    best_but_random = record_examples.league(against=np.array([[0, 0, 1], [1, 0, 0], [0, 0, 0]]))
    found = recommend([best_but_random])
    assert found.best.method == "occlusion"
    assert "only 0 of 2 metrics of faithfulness and localisation" in found.refusals[0]
    blind = record_examples.league(
        categories=("faithfulness", "faithfulness", "randomisation"),
        rank=np.array([[1, 1, 2], [2, 1, 1], [3, 1, 2]]),
        against=np.array([[1, 0, 0], [1, 0, 1], [0, 0, 0]]),
    )
    found = recommend([blind])
    assert found.best.method == "occlusion"
    assert "randomisation" in found.refusals[0]


def test_leagues_of_several_models_are_weighed_together():
    first = record_examples.league()
    second = record_examples.league(against=np.zeros((3, 3), int), rank=np.array([[3, 3, 0], [1, 1, 1], [2, 2, 2]]))
    third = record_examples.league(against=np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]]))
    found = recommend([first, second, third], where="image")
    assert found.best.method == "occlusion", "two of three leagues refuse the other"
    assert "of 3 models" in found.sentences[1]
    assert "2 of 3 leagues refuse it" in found.refusals[0]
    with pytest.raises(InputError, match="no league"):
        recommend([])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [(None, Budget()), ("", Budget()), ("200", Budget(passes=200)), ("2.5ms", Budget(milliseconds=2.5))],
)
def test_a_budget_is_passes_or_a_time(text, wanted):
    assert budget(text) == wanted


@pytest.mark.parametrize("text", ["much", "-3", "1e9", "5 s", "ms", "1" * 20])
def test_a_budget_that_says_nothing_is_refused(text):
    with pytest.raises(InputError, match="Write 200"):
        budget(text)


def test_a_league_that_is_kept_is_not_computed_again(tmp_path):
    played = dict(tournament.play(["knn_toy2d_moons"], 4, folder=tmp_path))
    assert "kB" in played["knn_toy2d_moons"]
    kept = archive.read("knn_toy2d_moons", tmp_path)
    assert kept.kind == "table"
    assert kept.samples == "test:0:4"
    assert (kept.rank > 0).any(0).all(), "what could not be measured of any method is left out"
    assert "planted evidence" in kept.note
    assert dict(tournament.play(["knn_toy2d_moons"], 4, folder=tmp_path))["knn_toy2d_moons"].startswith("kept")
    assert "kB" in dict(tournament.play(["knn_toy2d_moons"], 5, folder=tmp_path))["knn_toy2d_moons"]
    late = dict(tournament.play(["knn_toy2d_moons", "svm_toy2d_moons"], 5, seconds=-1, folder=tmp_path))
    assert set(late.values()) == {"not begun: the time is up"}
    assert archive.of("table", tmp_path)[0].subject == "knn_toy2d_moons"
    league_command(["knn_toy2d_moons"], samples=5, folder=tmp_path)


def test_what_has_changed_since_is_said():
    league = replace(record_examples.league(), digest="a", settings={"occlusion": "1", "gone_by": "2"})
    assert archive.staleness(league, "a", {"occlusion": "1", "gone_by": "2"}) == ()
    said = " ".join(archive.staleness(league, "b", {"occlusion": "3", "new_one": "4"}))
    assert "weights" in said
    assert "Occlusion is other settings now" not in said
    assert "Occlusion has other settings now" in said
    assert "Gone by is not there any more" in said
    assert "New one is new and not in it" in said


def test_a_change_of_settings_changes_the_fingerprint():
    assert tournament.fingerprint(Deletion()) != tournament.fingerprint(Deletion(n_steps=8))
    assert tournament.fingerprint(Deletion()) == tournament.fingerprint(Deletion(n_steps=16))


def test_leagues_open_without_loading_torch():
    names = archive.kept()
    assert names, "some leagues are kept with the package"
    code = (
        "import sys; from workbench import archive, standings, recommendation;"
        f"found = archive.read({names[0]!r}); standings.overview(found); recommendation.recommend([found]);"
        "print('torch' in sys.modules, type(found).__name__)"
    )
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout.split() == ["False", "League"]


def test_leagues_that_are_kept_can_be_read_and_are_small():
    for name in archive.kept():
        found = archive.read(name)
        assert isinstance(found, League)
        assert name in zoo.RECIPES
        assert found.digest == zoo.card(name).digest, f"{name} was trained again: `workbench league {name}`"
    assert sum(archive.path_of(name).stat().st_size for name in archive.kept()) <= MOST_BYTES


def test_every_model_has_a_league():
    assert set(zoo.RECIPES) == set(archive.kept())


@pytest.mark.parametrize("name", ["vit_digits", "gru_ts_box", "transformer_planted_text", "forest_wine"])
def test_leagues_are_of_the_settings_there_are(name):
    of = workbench.load(name)
    assert archive.staleness(archive.read(name), of.digest, tournament.fingerprints(of)) == ()


def test_a_file_that_is_no_league_is_refused(tmp_path):
    workbench.save_record(record_examples.table(), tmp_path / "cnn_digits.safetensors")
    for name in ("cnn_digits", "svm_digits"):
        with pytest.raises(InputError, match="workbench league"):
            archive.read(name, tmp_path)
    with pytest.raises(InputError, match="kind series"):
        archive.of("series", tmp_path / "empty")


def test_a_control_that_was_not_measured_is_no_rival_and_one_control_may_beat_another():
    better = np.zeros((4, 4), dtype=bool)
    better[0, 2] = better[2, 1] = better[2, 3] = True
    controls = np.array([False, False, True, True])
    measured = np.array([True, True, True, False])
    assert against_controls(better, measured, controls).tolist() == [1, -1, 0, 0]
    assert against_controls(better, np.ones(4, bool), controls).tolist() == [0, -1, 0, 0], "worse than one is worse"


def test_draws_that_are_not_known_one_sample_and_rounding_tell_nothing():
    draws = np.full((10, 4), 0.5)
    draws[3] = np.nan
    assert against_draws(np.full(10, 0.6), draws, higher_is_better=True) == 1
    assert against_draws(np.full(1, 0.6), draws[:1], higher_is_better=True) == 0
    assert against_draws(np.full(10, 0.5 * (1 + 1e-8)), np.full((10, 4), 0.5), higher_is_better=True) == 0


def test_an_interval_that_ends_at_zero_does_not_leave_it_out():
    assert not clearly_better(np.array([[0.0, 1.0], [0.0, 0.0]]), higher_is_better=True).any()


def test_of_methods_that_stand_alike_the_cheaper_is_first_and_what_was_not_measured_last():
    alike = record_examples.league(
        rank=np.array([[1, 1, 0], [1, 1, 0], [3, 3, 0]]), against=np.eye(3, dtype=int)[[0, 0, 2]]
    )
    assert [one.method for one in recommend([alike]).candidates] == ["occlusion", "integrated_gradients"]
    unknown = record_examples.league(rank=np.array([[0, 0, 0], [1, 1, 2], [1, 1, 1]]), against=np.zeros((3, 3), int))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for leagues in ([unknown], [unknown, unknown]):
            assert [one.method for one in recommend(leagues).candidates] == ["occlusion", "integrated_gradients"]
    assert "none of its maps could be held to the model" in recommend([unknown]).refusals[1]
    assert json.loads(json.dumps(to_json(recommend([unknown])), allow_nan=False))["methods"][1]["standing"] is None


def test_half_of_the_randomisation_metrics_are_enough_and_localisation_alone_holds_a_map_to_the_truth():
    half = record_examples.league(
        categories=("faithfulness", "randomisation", "randomisation"),
        rank=np.ones((3, 3), int),
        against=np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0]]),
    )
    found = recommend([half])
    assert found.best.method == "integrated_gradients"
    assert [one.method for one in found.candidates if one.refused] == ["occlusion"]
    assert not any("was not measured here" in sentence for sentence in found.sentences)
    located = record_examples.league(categories=("localisation", "localisation", "complexity"))
    assert recommend([located]).best.method == "integrated_gradients"
    assert any("was not measured here" in sentence for sentence in recommend([located]).sentences)


def test_the_whole_budget_may_be_spent_and_a_much_cheaper_method_is_named():
    league = record_examples.league()
    assert recommend([league], Budget(passes=64)).best.method == "integrated_gradients"
    assert not any("Occlusion takes" in sentence for sentence in recommend([league]).sentences)
    cheap = record_examples.league(passes=np.array([64.0, 16.0, 0.0]))
    assert any("Occlusion takes 16 passes" in sentence for sentence in recommend([cheap]).sentences)
    assert [count_of(value) for value in (5.0, 2.5, 12.4)] == ["5", "2.5", "12"]


def test_over_several_leagues_wins_add_up_costs_are_the_median_and_half_may_refuse():
    one, other = record_examples.league(), record_examples.league(passes=np.array([10.0, 50.0, 0.0]))
    third = record_examples.league(passes=np.array([1000.0, 50.0, 0.0]))
    best = recommend([one, other, third]).best
    assert (best.method, best.won, best.count, best.passes) == ("integrated_gradients", 3, 6, 64)
    refusing = record_examples.league(against=np.array([[0, 0, 0], [1, 1, 0], [0, 0, 0]]))
    assert "integrated_gradients" in {one.method for one in recommend([one, refusing]).candidates if not one.refused}


def test_of_one_category_none_is_called_the_best():
    only = record_examples.league(categories=("faithfulness",) * 3)
    assert not any("Its best category" in sentence for sentence in recommend([only]).sentences)
    assert any(
        "Its best category" in sentence
        for sentence in recommend([record_examples.league()], Budget(passes=60)).sentences
    )


def test_one_method_that_was_measured_stands_first():
    alone = record_examples.league(rank=np.array([[1, 1, 0], [2, 1, 2], [3, 1, 0]]) * [[1, 1, 1], [1, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(standings.standing(alone)[0], [0])


def test_every_method_and_metric_has_a_fingerprint_of_its_own():
    kinds = [*methods().values(), *metrics().values()]
    assert len({tournament.fingerprint(kind()) for kind in kinds}) == len(kinds)


def test_what_is_kept_is_what_was_measured(monkeypatch):
    """A batch that is larger than the split, a seed, and the means themselves."""
    monkeypatch.setattr(tournament, "methods", lambda: {"input_x_gradient": InputXGradient, "random": Random})
    monkeypatch.setattr(tournament, "metrics", lambda: {"deletion": Deletion, "pointing_game": PointingGame})
    of = subject(Corner)
    samples = of.task.samples("test")
    found = tournament.played(of, 1000, seed=3)
    wanted = gathered(evaluate(of, samples, [InputXGradient(), Random()], [Deletion(), PointingGame()], seed=3))
    np.testing.assert_array_equal(found.mean, wanted.mean.astype(np.float32))
    for name in ("low", "high", "rank", "against", "counts"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-6, err_msg=name)
    np.testing.assert_array_equal(found.passes, wanted.passes)
    assert found.digest == of.digest
    assert found.settings == {
        config.name: tournament.fingerprint(config)
        for config in (InputXGradient(), Random(), Deletion(), PointingGame())
    }
    other = gathered(evaluate(of, samples, [InputXGradient(), Random()], [Deletion(), PointingGame()], seed=0))
    assert (other.mean != wanted.mean).any()
    assert (found.kind, found.samples, found.seed) == ("image", f"test:0:{len(samples)}", 3)


def test_a_league_is_computed_again_when_asked_or_when_settings_changed_and_trouble_stops_nobody(monkeypatch, tmp_path):
    def computed(of, count, **_):
        return record_examples.league(
            subject=of.name, digest=of.digest, samples=f"test:0:{count}", settings=tournament.fingerprints(of)
        )

    def became(*names, **how):
        return dict(tournament.play(names, 4, folder=tmp_path, **how))

    monkeypatch.setattr(tournament, "played", computed)
    name = "knn_toy2d_moons"
    assert "kB" in became(name)[name]
    assert became(name)[name].startswith("kept")
    assert "kB" in became(name, again=True)[name]
    monkeypatch.setattr(tournament, "fingerprint", lambda _: "other")
    assert "kB" in became(name)[name]

    def missing(model):
        raise InputError(f"{model} is damaged.")

    monkeypatch.setattr(tournament, "load", missing)
    both = ("svm_toy2d_moons", name)
    assert became(*both) == {one: f"not computed: {one} is damaged." for one in both}
    monkeypatch.setattr(zoo.task("toy2d_moons").__class__, "unavailable", lambda _: "The data are away.")
    assert became(name)[name] == "not computed: The data are away."


def test_leagues_are_found_by_kind_and_under_their_own_name_only(tmp_path):
    for model, kind in (("knn_wine", "table"), ("cnn_digits", "image")):
        workbench.save_record(record_examples.league(subject=model, kind=kind), archive.path_of(model, tmp_path))
    assert [league.subject for league in archive.of("table", tmp_path)] == ["knn_wine"]
    workbench.save_record(record_examples.league(subject="knn_wine"), archive.path_of("svm_wine", tmp_path))
    with pytest.raises(InputError, match="not the league of svm_wine"):
        archive.read("svm_wine", tmp_path)


def test_several_changes_are_counted_in_one_sentence():
    old = {"deletion": "1", "insertion": "1"}
    league = replace(record_examples.league(), digest="a", settings=old)
    new = dict.fromkeys(("deletion", "insertion", *"vwxyz"), "2")
    changed, added = archive.staleness(league, "a", new)
    assert changed == "Deletion, insertion have other settings now."
    assert added == "V, w, x and 2 more are new and not in it."
