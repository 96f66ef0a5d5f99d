"""Models that answer with a number, through the whole workbench: explained, judged, compared, or told why not."""

import numpy as np
import pytest
import record_examples
import torch
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from subjects import Amounts, Linear, Number, subject

import zoo
from workbench import answer
from workbench.analysis import analyses, measures
from workbench.contest import table, verdict
from workbench.evaluation import evaluate, league
from workbench.evidence import evidence
from workbench.explanation import explain, methods_for
from workbench.plots import plot
from workbench.prediction import Predictions, difference
from workbench.query import Query
from workbench.records import Grade, Output, Target
from workbench.report.single import sentence
from workbench.scoring import metrics
from workbench.subject import Subject, read
from zoo.errors import InputError
from zoo.evaluation import measure
from zoo.metrics import NumberMetrics
from zoo.model import TraditionalModel
from zoo.task import Samples

TASK = Amounts()
SAMPLES = TASK.samples("test")


class Old(TraditionalModel):
    """A linear regression."""

    name = "old"

    def fit(self, samples: Samples, task: object, seed: int) -> None:
        self.fitted = LinearRegression().fit(samples.inputs[:, :2].numpy(), samples.values.numpy())

    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(self.fitted.predict(inputs[:, :2].numpy())).float()[:, None]

    def parameters(self) -> int:
        return 3


def traditional() -> Subject:
    model = Old()
    model.fit(TASK.samples("train"), TASK, 0)
    return Subject(model, TASK, name="old")


@pytest.mark.parametrize("output", list(Output))
def test_of_one_output_every_way_to_read_it_gives_the_number(output):
    values = torch.tensor([[1.5], [-200.0]])
    assert read(values, torch.zeros(2).long(), output).tolist() == [1.5, -200.0]
    asked = Query(subject(Number), SAMPLES, torch.zeros(40).long(), output)
    torch.testing.assert_close(asked.gradients(asked.points), torch.tensor([[2.0, 2.0, -3.0, 0.0]]).expand(40, -1))


@pytest.mark.parametrize("of", ["predicted", "label", 0])
def test_a_number_is_explained_like_a_logit(of):
    of_number = subject(Number)
    for name, kind in methods_for(of_number).items():
        record = explain(of_number, SAMPLES.take(range(3)), kind(), Target(of=of, output="probability"))
        assert np.isfinite(record.values).all(), name
        assert record.f_x == pytest.approx(SAMPLES.values[:3].numpy(), rel=1e-5)
        assert set(record.class_names) == {"amount, kg"}


def test_an_attribution_of_a_number_says_the_number_and_no_probability():
    record = explain(subject(Number), SAMPLES.take([0]), methods_for(subject(Number))["integrated_gradients"]())
    number = record.predicted_names[0]
    assert float(number.replace("−", "-")) == pytest.approx(float(SAMPLES.values[0]), rel=0.01)
    assert answer.is_number(record)
    assert answer.is_right(record, 0) is None
    assert answer.verdict(record, 0) == f"{number}, measured {number}"
    assert "explains amount, kg" in sentence(record, 0).replace("the amount", "amount")
    assert "nan" not in sentence(record, 0)
    assert "nan" not in plot(record).to_json()


def test_evidence_and_scores_of_a_number():
    of_number, samples = subject(Number(0.0)), SAMPLES.take(range(6))
    record = explain(of_number, samples, methods_for(of_number)["kernel_shap"]())
    found = evidence(of_number, samples, record)
    assert {one.grade for one in found} <= set(Grade)
    words = " ".join(reason.sentence for one in found for reason in one.reasons)
    assert "loses the class" not in words
    scores = evaluate(
        of_number,
        samples.take(range(2)),
        [kind() for kind in methods_for(of_number).values()],
        [kind() for kind in metrics().values()],
    )
    assert {score.unit for score in scores if score.metric in ("deletion", "insertion")} == {"output"}
    assert league(scores).rows


def test_analyses_say_why_they_do_not_fit():
    for name, kind in (analyses() | measures()).items():
        reason = kind().why_not(subject(Number))
        if name in ("calibration", "confusion", "counterfactual", "surface", "slice", "top_eigenvalue"):
            assert "number" in reason
            with pytest.raises(InputError, match="number"):
                kind().run(subject(Number), SAMPLES)
        else:
            assert reason is None, name
            kind().run(subject(Number), SAMPLES)


def predictions(of: Subject) -> Predictions:
    return Predictions(of, zoo.card("logistic_digits"), SAMPLES, 0.5, of.logits(SAMPLES.inputs)[:, 0].numpy())


def test_metrics_of_numbers_are_scikit_learns():
    model = Number(1.0)
    found = measure(model, SAMPLES)
    assert isinstance(found, NumberMetrics)
    asked, given = SAMPLES.values.numpy(), model(SAMPLES.inputs)[:, 0].detach().numpy()
    assert (found.measure, found.score, found.samples) == ("R²", found.r_squared, 40)
    assert found.r_squared == pytest.approx(r2_score(asked, given), rel=1e-6)
    assert found.rmse == pytest.approx(root_mean_squared_error(asked, given), rel=1e-6)
    assert found.mae == pytest.approx(mean_absolute_error(asked, given), rel=1e-6)
    assert found.low < found.score < found.high
    assert measure(model, SAMPLES) == found


def test_comparison_of_numbers():
    network, old = predictions(subject(Number(0.2))), predictions(traditional())
    record = table(TASK, "test", [old, network])
    assert [row[0] for row in record.rows] == ["Number", "old"]
    assert record.rows[0][2] == pytest.approx(measure(network.subject.model, SAMPLES).score)
    assert "the network is better" in record.note
    assert "amount, kg" in record.note
    worse = predictions(subject(Number(8.0)))
    assert "the traditional model is better" in verdict([worse, old])
    assert "no traditional model" in verdict([network])


def test_two_models_that_predict_alike_are_not_told_apart():
    chance = np.random.default_rng(0)
    asked = chance.normal(size=200)
    first, second = (asked + chance.normal(size=200) for _ in range(2))
    low, high = difference(first, second, asked)
    assert low < 0 < high
    assert difference(second, first, asked) == pytest.approx((-high, -low), abs=0.02)
    low, high = difference(asked, first, asked)
    assert 0 < low < high


def test_a_traditional_model_of_numbers_is_explained_too():
    record = explain(traditional(), SAMPLES.take(range(2)), methods_for(traditional())["kernel_shap"]())
    np.testing.assert_allclose(record.values[:, 2:], 0, atol=1e-5)


def test_a_network_with_two_outputs_is_no_model_of_a_number():
    with pytest.raises(InputError, match="1-class"):
        Subject(Linear(), TASK).logits(SAMPLES.inputs)


@pytest.mark.parametrize(
    ("f_x", "f_reference", "said"),
    [(3.0, 1.0, "25 %"), (2.5001, 2.5, "500,000 %"), (2.50001, 2.5, "0.50"), (2.5, 2.5, "0.50"), (2.5, np.nan, "–")],
)
def test_a_gap_is_a_share_of_what_is_shared_out_unless_there_is_nothing(f_x, f_reference, said):
    values = np.array([[0.25, 0.25 + (f_x - f_reference if np.isfinite(f_reference) else 0.0), 0.0, 0.0]])
    record = record_examples.tabular(
        **(
            record_examples.described(1)
            | {"values": values, "f_x": np.array([f_x]), "f_reference": np.array([f_reference])}
        )
    )
    assert answer.gap(record, 0) == said
