"""Every lesson runs, asks before it measures, and reaches a verdict that its measurement carries."""

import dataclasses
import re
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from workbench import settings
from workbench.lesson import AbstractLesson
from workbench.lessons import lesson, lesson_html, lessons, saturation
from workbench.lessons.saliency import Saliency
from workbench.records import Output
from workbench.report import blocks
from workbench.report.blocks import Block, Outcome
from zoo.errors import InputError

QUICK = {"samples": 8}
"""Settings under which a lesson is over at once."""


class Linear(nn.Module):
    """f(x) = Σ x: never full."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.sum(1, keepdim=True)


class Unsaturated(Saliency):
    """The lesson, sabotaged: its function on paper does not saturate."""

    def network(self) -> nn.Module:
        return Linear()


def run(made: AbstractLesson) -> list[Block]:
    return list(made.run())


def verdict(made: AbstractLesson) -> blocks.Verdict:
    (found,) = [block for block in made.run() if isinstance(block, blocks.Verdict)]
    return found


@pytest.fixture(params=lessons())
def chosen(request: pytest.FixtureRequest) -> AbstractLesson:
    kind = lessons()[request.param]
    known = {field.name for field in settings.fields(kind)}
    return kind(**{name: value for name, value in QUICK.items() if name in known})


def test_there_is_a_lesson_on_saliency() -> None:
    assert lessons()["saliency"].number == 38
    with pytest.raises(InputError, match="lesson"):
        lesson("salience")
    with pytest.raises(InputError, match="between"):
        lesson("saliency", level="17")
    assert lesson("saliency", level="0.2").level == 0.2  # type: ignore[attr-defined]


def test_lessons_have_a_claim_a_number_and_a_title(chosen: AbstractLesson) -> None:
    assert chosen.claim.endswith(".")
    assert chosen.title
    numbers = [kind.number for kind in lessons().values()]
    assert numbers == sorted(set(numbers))


def test_a_lesson_asks_before_it_measures(chosen: AbstractLesson) -> None:
    found = run(chosen)
    kinds = [type(block) for block in found]
    asked = kinds.index(blocks.Question)
    shown = next(i for i, block in enumerate(found) if list(block.shown()))
    decided = kinds.index(blocks.Verdict)
    assert asked < shown < decided
    assert kinds.count(blocks.Verdict) == 1
    question, reached = found[asked], found[decided]
    assert isinstance(question, blocks.Question)
    assert isinstance(reached, blocks.Verdict)
    assert len(set(question.options)) == len(question.options) >= 2
    assert reached.answer in range(len(question.options))


def test_the_question_comes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stops at the question has loaded no trained network."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} was loaded before the question was answered")

    monkeypatch.setattr("workbench.load", refuse)
    pieces: Iterator[Block] = Saliency(**QUICK).run()
    assert any(isinstance(block, blocks.Question) for block in iter(lambda: next(pieces), None) if _stop(block))


def _stop(block: Block) -> bool:
    return isinstance(block, blocks.Question)


def test_the_same_settings_give_the_same_lesson(chosen: AbstractLesson) -> None:
    first, second = lesson_html(chosen), lesson_html(chosen)
    assert first == second
    assert chosen.claim in first


@pytest.mark.parametrize(("steepness", "level", "inputs"), [(1.0, 1.0, 2), (1.0, 0.2, 2), (0.5, 3.0, 4), (5.0, 0.3, 1)])
def test_credit_is_what_it_is_on_paper(steepness: float, level: float, inputs: int) -> None:
    ramp = saturation.Ramp(steepness)
    total = steepness * inputs * level
    full = total >= 1
    f = min(1.0, total)
    without_one = min(1.0, total - steepness * level)
    paper = {
        "gradient": 0.0 if full else steepness,
        "input_x_gradient": 0.0 if full else steepness * level,
        "occlusion": f - without_one,
        "integrated_gradients": f / inputs,
        "kernel_shap": f / inputs,
    }
    for name, expected in paper.items():
        record = saturation.credit(ramp, np.array([level]), inputs, name)
        np.testing.assert_allclose(record.values, expected, atol=2e-3, err_msg=name)
        assert saturation.fair_share(record) == pytest.approx(f / inputs)


def test_the_curve_follows_the_paper() -> None:
    curve = saturation.credit_curve(saturation.Ramp(1.0), 2.0, 2)
    lines = dict(zip(curve.labels, curve.y, strict=True))
    np.testing.assert_allclose(lines["f itself"], np.minimum(1, 2 * curve.x), atol=1e-6)
    np.testing.assert_allclose(lines["Integrated gradients"], np.minimum(0.5, curve.x), atol=2e-3)
    apart = np.abs(curve.x - 0.5) > 0.02
    np.testing.assert_allclose(lines["Gradient"][apart], (curve.x < 0.5)[apart], atol=1e-6)


def test_the_ratio_is_one_for_a_linear_function_and_zero_where_it_is_full() -> None:
    for network, expected in ((Linear(), 1.0), (saturation.Ramp(1.0), 0.0)):
        local, path = (
            saturation.credit(network, np.array([1.0, 2.0]), 3, name)
            for name in ("input_x_gradient", "integrated_gradients")
        )
        np.testing.assert_allclose(saturation.ratios(local, path), expected, atol=1e-6)


def test_the_table_counts_what_has_vanished() -> None:
    table = saturation.vanished_table({"probability": np.array([0.01, 0.05, 0.2, 1.0]), "logit": np.ones(4)})
    assert table.rows[0] == ("probability", pytest.approx(0.125), 50.0)
    assert table.rows[1] == ("logit", 1.0, 0.0)
    assert table.low is not None
    assert table.high is not None
    assert table.low[0, 2] < 50 < table.high[0, 2]
    curve = saturation.distribution({"probability": np.array([0.01, 0.05, 0.2, 1.0])})
    assert curve.y[0, 0] == 0
    assert curve.y[0, -1] == 1
    assert curve.y[0][np.searchsorted(curve.x, -1)] == 0.5


def test_the_claim_fails_and_sabotage_saves_it() -> None:
    assert verdict(Saliency(**QUICK)).outcome is Outcome.FAILS
    assert verdict(Saliency(**QUICK, output=Output.LOGIT)).outcome is Outcome.CONDITION
    assert verdict(Unsaturated(**QUICK)).outcome is Outcome.CONDITION
    assert verdict(Unsaturated(**QUICK, output=Output.LOGIT)).outcome is Outcome.HOLDS


def test_the_right_answer_is_the_measured_one() -> None:
    full, rising = verdict(Saliency(**QUICK)), verdict(Saliency(**QUICK, level=0.2))
    assert (full.answer, rising.answer) == (2, 0)
    assert "credits x₁ with 0," in full.sentence
    assert "credits x₁ with 1," in rising.sentence


def test_the_verdict_carries_an_interval() -> None:
    sentence = verdict(Saliency(**QUICK)).sentence
    assert re.search(r"\d ± \d+ %|\(\d+ to \d+\) %", sentence)


def test_averaging_over_noise_steadies_the_map() -> None:
    found = [block for block in Saliency(samples=16).run() if isinstance(block, blocks.Table)]
    table = found[-1].content
    one, averaged = (float(row[1]) for row in table.rows)  # type: ignore[arg-type]
    assert one < averaged <= 1
    assert table.low is not None
    assert table.low[1, 1] > one


def test_a_steady_map_has_cosine_one() -> None:
    inputs = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    found = saturation._cosines(inputs, torch.ones_like, 0)
    np.testing.assert_allclose(found, 1, atol=1e-6)
    turned = saturation._cosines(inputs, lambda given: given - inputs + 1e-3, 0)
    assert np.abs(turned).mean() < 0.9


def test_settings_can_be_steered() -> None:
    text = "\n".join(block.text for block in Saliency(**QUICK, inputs=3, level=0.5).run() if hasattr(block, "text"))
    assert "x₁ + x₂ + x₃" in text
    assert "**0.5**" in text
    assert dataclasses.replace(Saliency(), seed=1) != Saliency()
