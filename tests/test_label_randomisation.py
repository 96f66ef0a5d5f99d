"""Label randomisation: what the twin learns and from what, what it leaves alone, and where there can be none."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from subjects import SCORE, Amounts, Bag, Constant, Convolved, Dense, Features, Number, Pixels, Sides, subject
from torch import Tensor, nn

import workbench
import zoo
from workbench import arguments, tournament
from workbench import twin as twins
from workbench.evaluation import evaluate, gathered
from workbench.explanation import explain, method
from workbench.records import Output, Target
from workbench.report.findings import gather
from workbench.scoring import metric, metrics, without_training
from workbench.subject import Subject
from workbench.twin import permuted, redrawn, twin
from zoo.errors import InputError
from zoo.memorisation import memorise
from zoo.recipe import Training
from zoo.task import Samples

METRIC = metric("label_randomisation")
QUICK = replace(METRIC, n_train=16, n_epochs=30)


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch):
    monkeypatch.setattr(twins, "_TWINS", twins._Twins())


@pytest.fixture
def made(monkeypatch):
    """Counts the twins that are made."""
    count, make = [], twins._made

    def counted(*given):
        count.append(given)
        return make(*given)

    monkeypatch.setattr(twins, "_made", counted)
    return count


@dataclass(frozen=True)
class Bright(Pixels):
    """The same images, of which the brighter ones are the other class."""

    name = "bright"

    def load(self, split: str) -> Samples:
        found = super().load(split)
        light = found.inputs.sum((1, 2, 3))
        return replace(found, labels=(light > light.median()).long())


class Dropping(nn.Module):
    """A network that drops nearly all it knows while it is trained, holds frozen weights and a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.inner, self.outer = nn.Linear(4, 64), nn.Linear(64, 2)
        self.scale = nn.Parameter(torch.linspace(0.5, 2, 64))
        self.dropout = nn.Dropout(0.95)
        self.inner.requires_grad_(False)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.outer(self.dropout(self.inner(inputs).relu() * self.scale))


def test_samples_have_each_others_labels_and_every_class_is_shown():
    task = zoo.task("digits")
    whole = task.samples("train")
    for size, seed in ((10, 0), (64, 3)):
        shown = permuted(task, size, seed)
        rows = [whole.ids.index(name) for name in shown.ids]
        assert len(set(rows)) == size
        assert torch.equal(shown.inputs, whole.inputs[rows])
        assert sorted(shown.labels.tolist()) == sorted(whole.labels[rows].tolist())
        assert set(shown.labels.tolist()) == set(range(10))
        assert (shown.labels != whole.labels[rows]).float().mean() > 0.6
        assert permuted(task, size, seed).ids == shown.ids
        assert permuted(task, size, seed + 1).ids != shown.ids


def test_what_belongs_together_is_permuted_together():
    shown = permuted(Amounts(), 40, 0)
    whole = Amounts().samples("train")
    rows = [whole.ids.index(name) for name in shown.ids]
    assert shown.values.sort().values.tolist() == whole.values.sort().values.tolist()
    assert (shown.values != whole.values[rows]).float().mean() > 0.8
    shown = permuted(zoo.task("copy_memory"), 32, 0)
    assert torch.equal(shown.labels, shown.answers[:, -1]), "the label is the answer at the last step"


def test_the_twin_knows_the_permuted_labels_and_nothing_of_the_true_ones():
    of = workbench.load("cnn_digits")
    found, shown = twin(of, 128, 200, 0), permuted(of.task, 128, 0)
    right = found.subject.logits(shown.inputs).argmax(1).cpu() == shown.labels
    assert found.score == pytest.approx(right.float().mean())
    assert found.is_known_by_heart
    assert found.epochs < 200
    assert "of 128" in found.sentence
    test = of.task.samples("test")
    guessed = (found.subject.logits(test.inputs).argmax(1).cpu() == test.labels).float().mean()
    assert guessed < 0.3
    assert (of.logits(test.inputs).argmax(1).cpu() == test.labels).float().mean() > 0.9


def test_maps_of_the_model_change_and_those_that_know_nothing_of_it_do_not():
    of = workbench.load("cnn_digits")
    samples = of.task.select("0:8")
    scores = {
        name: METRIC.score(of, samples, explain(of, samples, method(name)))
        for name in ("gradient", "integrated_gradients", "guided_backpropagation", "random", "edge_detector")
    }
    for name in ("random", "edge_detector"):
        np.testing.assert_allclose(scores[name].values, 1, err_msg=name)
    for name in ("gradient", "integrated_gradients"):
        assert scores[name].high < 0.3, name
        assert abs(scores[name].control.mean()) < 0.1
    assert scores["guided_backpropagation"].low > 0.5, "its maps show the input, whatever was learnt"
    assert "%" in scores["gradient"].remark


def test_training_follows_from_the_seed(made):
    of, again = workbench.load("vit_digits"), workbench.load("vit_digits")
    first = twin(of, 32, 20, 0).subject.network.state_dict()
    assert twin(again, 32, 20, 0).subject.network is not of.network
    assert len(made) == 1, "the same weights of the same model have one twin"
    twins._TWINS = twins._Twins()
    second = twin(again, 32, 20, 0).subject.network.state_dict()
    other = twin(of, 32, 20, 1).subject.network.state_dict()
    assert len(made) == 3
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert not all(torch.equal(value, other[name]) for name, value in first.items())


@pytest.mark.parametrize("name", ["cnn_digits", "gru_ts_box", "mlp_wine"])
def test_a_network_of_the_zoo_starts_anew_from_another_seed(name):
    of = workbench.load(name)
    started = []

    def noted(start, how, task, samples, seed, device, watch):
        started.append(start())
        return memorise(start, how, task, samples, seed, device, watch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(twins, "memorise", noted)
        twin(of, 16, 1, 0)
    own = zoo.loading.untrained(zoo.recipe(name)).state_dict()
    for start in (own, of.network.state_dict()):
        weights = [key for key, value in start.items() if value.ndim > 1]
        assert not any(torch.equal(started[0].state_dict()[key], start[key]) for key in weights)


def test_the_model_is_left_as_it_was():
    module = Convolved().train()
    next(module.parameters()).requires_grad_(False)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    of = Subject(module, Bright(), name="convolved")
    samples = of.task.samples("test").take(range(3))
    inputs = of.task.samples("train").inputs.clone()
    QUICK.score(of, samples, explain(of, samples, method("gradient"), SCORE))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert [parameter.requires_grad for parameter in module.parameters()] == [False, *[True] * 7]
    assert all(parameter.grad is None for parameter in module.parameters())
    assert all(part.training for part in module.modules())
    assert torch.equal(inputs, of.task.samples("train").inputs)


def test_a_network_without_a_recipe_is_drawn_anew_and_nothing_is_dropped_or_frozen():
    module = Dropping()
    of = Subject(module, Sides(), name="dropping")
    found = twin(of, 12, 300, 0)
    assert found.is_known_by_heart, found.sentence
    own = dict(of.network.named_parameters())
    for name, value in found.subject.network.named_parameters():
        assert not torch.allclose(value, own[name]), name
    with torch.random.fork_rng(devices=[]):
        fresh = redrawn(Dropping(), 0)
    assert sorted(fresh.scale.tolist()) == sorted(module.scale.tolist()), "what cannot be drawn anew is permuted"
    assert fresh.scale.tolist() != module.scale.tolist()
    assert sorted(fresh.inner.weight.flatten().tolist()) != sorted(module.inner.weight.flatten().tolist())


def test_a_network_in_double_precision_has_a_twin_too():
    of = Subject(Dropping().double(), Sides(), name="dropping")
    samples = of.task.samples("test").take(range(3))
    score = QUICK.score(of, samples, explain(of, samples, method("gradient"), SCORE))
    assert len(score.values) == 3


def test_all_methods_meet_one_twin_until_the_weights_are_others(made):
    network = Dense()
    of = Subject(network, Sides(), name="dense")
    samples = of.task.samples("test").take(range(3))
    for name in ("gradient", "occlusion", "random"):
        QUICK.score(of, samples, explain(of, samples, method(name), SCORE))
    assert len(made) == 1
    network.outer.data *= -1
    QUICK.score(of, samples, explain(of, samples, method("gradient"), SCORE))
    assert len(made) == 2
    replace(QUICK, n_train=8).score(of, samples, explain(of, samples, method("gradient"), SCORE))
    assert len(made) == 3


def test_networks_of_the_same_weights_that_answer_otherwise_have_twins_of_their_own(made):
    class Signed(Dense):
        sign = 1.0

        def score(self, inputs: Tensor) -> Tensor:
            return self.sign * super().score(inputs)

    networks = Signed(), Signed(), Signed()
    networks[1].sign = -1.0
    for network in networks:
        twin(Subject(network, Sides(), name="signed"), 16, 1, 0)
    assert len(made) == 2


def test_only_the_latest_twins_are_remembered(made):
    of = Subject(Dense(), Sides(), name="dense")
    for seed in range(twins.KEPT + 1):
        twin(of, 16, 1, seed)
    twin(of, 16, 1, twins.KEPT)
    assert len(made) == twins.KEPT + 1
    twin(of, 16, 1, 0)
    assert len(made) == twins.KEPT + 2


class CalledOffError(Exception):
    """Raised by whoever watches."""


def test_a_training_that_is_called_off_leaves_nothing():
    of = Subject(Convolved(), Bright(), name="convolved")
    whole = twin(of, 12, 30, 0).subject.network.state_dict()
    twins._TWINS = twins._Twins()
    passes = []

    def watch(meter):
        passes.append(meter.backward)
        if meter.backward > 24:
            raise CalledOffError

    with pytest.raises(CalledOffError):
        twin(of.metered(watch), 12, 30, 0)
    assert 24 < passes[-1] <= 48
    assert not twins._TWINS._found
    after = twin(of, 12, 30, 0).subject.network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in whole.items())


def test_whoever_waits_for_another_training_may_leave():
    of, told = Subject(Convolved(), Bright(), name="convolved"), []

    def watch(meter):
        told.append(meter.forward)
        if len(told) > 2:
            raise CalledOffError

    with ThreadPoolExecutor(1) as pool, twins._TWINS._turn:
        waiting = pool.submit(twin, of.metered(watch), 12, 30, 0)
        assert isinstance(waiting.exception(timeout=60), CalledOffError)
    assert len(set(told)) == 1, "while it waits no passes are made"


def test_eight_threads_make_one_twin_and_score_as_one_does(made):
    of = workbench.load("mlp_digits")
    samples = of.task.select("0:3")
    record = explain(of, samples, method("gradient"))
    expected = QUICK.score(of, samples, record).values
    twins._TWINS = twins._Twins()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: QUICK.score(of, samples, record).values, range(16)))
    assert len(made) == 2
    assert all(np.array_equal(values, expected) for values in found)


def test_numbers_are_permuted_and_memorised():
    of = workbench.load("mlp_diabetes")
    found = twin(of, 24, 2000, 0)
    shown = permuted(of.task, 24, 0)
    errors = (found.subject.logits(shown.inputs)[:, 0] - shown.values).double()
    spread = (shown.values - shown.values.mean()).double()
    assert found.score == pytest.approx(float(1 - (errors**2).sum() / (spread**2).sum()), abs=1e-4)
    assert found.is_known_by_heart, found.sentence
    assert "R² 0.9" in found.sentence
    samples = of.task.select("0:8")
    deaf = replace(METRIC, n_train=24).score(of, samples, explain(of, samples, method("random")))
    np.testing.assert_allclose(deaf.values, 1)
    score = replace(METRIC, n_train=24).score(of, samples, explain(of, samples, method("input_x_gradient")))
    assert score.mean < 0.7


def test_what_was_not_learnt_by_heart_is_said():
    of = subject(Number)
    samples = of.task.samples("test").take(range(3))
    score = QUICK.score(of, samples, explain(of, samples, method("input_x_gradient")))
    assert "less than the R² 0.90" in score.remark
    of = workbench.load("logistic_digits")
    samples = of.task.select("0:3")
    score = METRIC.score(of, samples, explain(of, samples, method("occlusion")))
    assert "less than the 95 %" in score.remark
    assert "epoch" not in score.remark


def test_a_traditional_model_is_fitted_again_and_itself_left_alone():
    of = workbench.load("forest_wine")
    samples = of.task.select("0:12")
    before = of.logits(samples.inputs)
    found, shown = twin(of, 64, 1, 0), permuted(of.task, 64, 0)
    assert found.is_known_by_heart
    assert found.epochs is None
    assert torch.equal(found.subject.logits(shown.inputs).argmax(1), shown.labels)
    assert torch.equal(of.logits(samples.inputs), before)
    assert found.subject.model.trees == of.model.trees
    scores = {
        name: METRIC.score(of, samples, explain(of, samples, method(name), Target(output=Output.PROBABILITY))).mean
        for name in ("tree_shap", "occlusion", "random")
    }
    assert scores["random"] == pytest.approx(1)
    assert scores["tree_shap"] < 0.5
    assert scores["occlusion"] < 0.5


class Deaf(Sides):
    """Has no training split."""

    name = "deaf"
    splits = ("test",)


class Silent(nn.Module):
    """Answers without a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 2))

    def forward(self, inputs: Tensor) -> Tensor:
        return (inputs @ self.weight).detach()


class Exploding(Silent):
    """Answers more than a number can hold once its weights have moved."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs @ self.weight * torch.exp(1e5 * (self.weight[0, 0] - 1).abs())


@pytest.mark.parametrize(
    ("network", "task", "words"),
    [
        (Dense, Pixels, "permuting it changes nothing"),
        (Dense, Deaf, "no training split"),
        (Constant, Sides, "no weights"),
        (Silent, Sides, "cannot be trained"),
        (Exploding, Sides, "no number at step"),
    ],
)
def test_where_there_can_be_no_twin_a_sentence_says_why(network, task, words):
    with pytest.raises(InputError, match=words) as told:
        twin(Subject(network(), task(), name="custom"), 16, 5, 0)
    assert str(told.value).endswith(".")


def test_labels_that_are_not_known_cannot_be_permuted():
    class Unknown(Sides):
        name = "unknown"

        def load(self, split: str) -> Samples:
            found = super().load(split)
            return replace(found, labels=found.labels - 1)

    with pytest.raises(InputError, match="has a label"):
        permuted(Unknown(), 16, 0)


def test_a_score_that_cannot_be_measured_has_no_values():
    for network in (Dense, Constant):
        of = subject(network)
        samples = of.task.samples("test")
        score = METRIC.score(of, samples, explain(of, samples, method("random"), SCORE))
        assert not score.values.size
        assert score.excluded == len(samples)
        assert "changes nothing" in score.why
    samples = Bag().samples("test")
    record = explain(subject(Dense), Features().samples("test"), method("gradient"), SCORE)
    assert "images of 3" in replace(METRIC, similarity="ssim").why_not(samples, record)


def test_all_leaves_out_what_trains_and_its_name_asks_for_it():
    names = [kind.name for kind in arguments.chosen_metrics("all")]
    assert "label_randomisation" not in names
    assert set(names) == set(metrics()) - {"label_randomisation"} == set(without_training(metrics()))
    both = [kind.name for kind in arguments.chosen_metrics("all, label_randomisation,deletion")]
    assert both == [*names, "label_randomisation"]
    assert [kind.name for kind in arguments.chosen_metrics("label_randomisation")] == ["label_randomisation"]
    with pytest.raises(InputError, match="metric called 'every'"):
        arguments.chosen_metrics("every")


def test_leagues_and_reports_train_nothing(made, monkeypatch):
    monkeypatch.setattr(tournament, "methods", lambda: {"occlusion": type(method("occlusion"))})
    of = workbench.load("logistic_wine")
    assert "label_randomisation" not in tournament.fingerprints(of)
    found = tournament.played(of, 3)
    assert "label_randomisation" not in {*found.metrics, *found.settings}
    samples = of.task.select("0:3")
    scores = gather(of, samples, [method("occlusion")], Target(), 0)
    assert "label_randomisation" not in {score.metric for score in scores.scores(scores.attributions[0])}
    assert not made


def test_a_table_says_what_the_twin_knows():
    of = workbench.load("logistic_wine")
    samples = of.task.select("0:6")
    chosen = [method("occlusion"), method("random")]
    found = gathered(evaluate(of, samples, chosen, [replace(METRIC, n_train=32), metric("deletion")]))
    assert found.note.count("permuted answers") == 1
    assert "of 32" in found.note
    assert found.mean[1, found.metrics.index("label_randomisation")] == pytest.approx(1)


SMALL = (
    "attention_only_induction",
    "cnn1d_ts_box_harmonic",
    "decoder_modadd",
    "encoder_decoder_copy_memory",
    "gru_ts_box",
    "lstm_digits_rows",
    "mlp_planted_functions_sine",
    "perceptron_breast_cancer",
    "resnet_digits",
    "transformer_planted_text",
    "transformer_ts_box",
    "vit_digits",
)
"""A network of each family, beside those that other tests take."""


@pytest.mark.parametrize("name", [*SMALL, pytest.param("cct_fashion_mnist", marks=pytest.mark.mirror)])
def test_networks_of_every_family_have_a_twin(name):
    """Trained for a few epochs only: that it is another function, and that all maps can be compared."""
    of = workbench.load(name)
    samples = of.task.select("0:2")
    found = replace(METRIC, n_train=16, n_epochs=3)
    for made, expected in (("gradient", None), ("random", 1)):
        score = found.score(of, samples, explain(of, samples, method(made)))
        assert np.isfinite(score.values).all()
        assert len(score.values) == 2, score.why
        assert expected is None or score.values == pytest.approx(1)


def test_what_stands_in_the_way_of_memory_is_left_out():
    task, plan = zoo.task("digits"), zoo.recipe("mlp_digits")
    how = Training(
        epochs=100, batch_size=16, learning_rate=3e-3, weight_decay=30.0, label_smoothing=0.9, average=0.999999
    )
    found = memorise(lambda: zoo.loading.untrained(plan), how, task, permuted(task, 32, 0), 0)
    assert found.score >= 0.95


def test_a_memory_is_as_long_as_it_is_allowed_to_be():
    task, shown = zoo.task("digits"), permuted(zoo.task("digits"), 33, 0)
    how = Training(epochs=2, batch_size=16, learning_rate=1e-3, augmentation="affine", patience=1, average=0.9)
    batches = []
    found = memorise(lambda: zoo.loading.untrained(zoo.recipe("cnn_digits")), how, task, shown, 0, watch=batches.append)
    assert found.epochs == 2
    assert batches == [11] * 6, "no batch of one, by whose variance normalisation would divide"
    assert not found.model.training
