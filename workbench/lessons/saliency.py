"""Lesson 38: does the gradient show what matters?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from torch import nn

import workbench
from workbench.lesson import AbstractLesson
from workbench.lessons import saturation
from workbench.lessons.saturation import CREDITED, DRAWS, VANISHED, Ramp
from workbench.quantity import MINUS, quantity
from workbench.records import Attribution, Column, Curve, Output, Table
from workbench.report import blocks
from workbench.report.blocks import Block, Outcome
from workbench.settings import setting
from workbench.subject import Subject
from zoo.quality import wilson
from zoo.task import Samples

TOLERATED = 0.05
"""Share of images with a vanished gradient up to which a trained network counts as not saturated."""

OPENING = """
A network looks at an image and says *nine*. Which pixels made it say so? The oldest answer is the gradient: ask how
much the output would change if a pixel changed a little, and draw that as a map. It is called a saliency map, and it is
usually read as a map of *what matters*.

Before trusting it on a network of many thousand weights, try it on a function that you can know by heart:
"""
QUESTION = "What is the gradient of f with respect to x₁ at this point? Decide before you look."
OCCLUSION = """
Occlusion takes out one input at a time, and finds that the others alone still fill f: it is blind wherever two
inputs can stand in for each other.
"""
CURVE_CAPTION = """
The gradient is the slope of f at one point. Integrated gradients average the slope over the whole way from 0 to that
point, and so remember how f got there.
"""
NETWORK = """
A probability is a function that fills up as well: it cannot rise above 1, and the more certain a network is, the
flatter its probability. So take `{model}` and {count} images that it was not trained on, and compare two maps of the
class that it predicts: the gradient at the image, and integrated gradients along the way from a black image. Multiplied
by the input, the gradient has the same unit. The table gives the sum of |input × gradient| over the sum of |integrated
gradients|: 1 says that the gradient still sees all that the path saw, 0 that it sees nothing.
"""
DISTRIBUTION_CAPTION = """
To the left of −1 the gradient sees less than a tenth. The logit is what the probability is made from, before softmax
bends it.
"""
MAPS_CAPTION = "Mind the scales: maps may look alike while one of them is a hundred times fainter."
TREMBLES = """
The gradient is local in a second way. A network of rectifiers is made of many small flat pieces, each with a gradient
of its own, and a change of the image that nobody would notice can lead to the next piece: the answer stays, the map
turns. Averaging the gradient over {draws} copies of the image with noise of {noise} added (SmoothGrad) asks a
neighbourhood instead of a point. Is its map steadier?
"""
MEASURED = """
On paper the gradient credits x₁ with {gradient}, where its share of f is {share}. In `{model}` the gradient of the
{output} sees less than a tenth of what the path sees on {percent} of the images.
"""
CONCLUSIONS = {
    Outcome.FAILS: "The gradient says how fast the output would change *here*. What the output owes to an input is "
    "another question, and where the output is full the first says nothing about the second.",
    Outcome.CONDITION: "The gradient says how fast the output would change *here*. That is what matters as long as the "
    "output is not full, and nothing in the map tells whether it is: measure it before you read the map.",
    Outcome.HOLDS: "With these settings nothing is full, and the slope at the point is the slope of the whole way. "
    "Find the settings where that ends.",
}
TRY_THIS = """
- Lower the level to 0.2. Now nothing is full, and all methods agree but one. Which, and what is it the answer to?
- Set the number of inputs to 1. Why does occlusion recover, and the gradient not?
- Explain the *logit* of the network instead of its probability. What does that say about which scalar to explain?
- Take `cnn_shapes`. Compare its recipe with that of `cnn_digits`: which of them softens its labels in training, and
what has that to do with saturation?
- Raise the noise. From where on is the averaged map a map of something else than this image?
"""
TEACHER = """
About twenty minutes. Let the class vote before anything is shown. Most vote for the slope or for the equal share, both
with a good reason; let them give it.

The word to insist on is *sensitivity*. The gradient answers the question of sensitivity correctly; it is reading
sensitivity as contribution that fails. A tap that runs into an overflowing bath no longer changes the water's level,
and yet the bath is full because of the tap.

Beware of the opposite error, that integrated gradients are *right*. Completeness makes their sum right. How the sum is
shared depends on the reference input and on the path, and both were chosen by somebody.

This is not the vanishing gradient of training: that one is with respect to weights, through many layers. Here the
network is finished, and the gradient is with respect to its input.
"""
REFERENCES = """
- Simonyan, Vedaldi and Zisserman (2014): the gradient as a saliency map. `simonyan2014deep`
- Shrikumar, Greenside and Kundaje (2017): saturation, and what to do about it. `shrikumar2017learning`
- Sundararajan, Taly and Yan (2017): integrated gradients and the axioms behind them. `sundararajan2017axiomatic`
- Smilkov, Thorat, Kim, Viégas and Wattenberg (2017): averaging over noise. `smilkov2017smoothgrad`
"""

Pairs = Mapping[str, tuple[Attribution, Attribution]]
"""Per output of the network: input × gradient, and integrated gradients."""


@dataclass(frozen=True, kw_only=True)
class Saliency(AbstractLesson):
    """Saturation, on paper and in a trained network; then noise.

    Reference: [simonyan2014deep], [shrikumar2017learning], [sundararajan2017axiomatic], [smilkov2017smoothgrad]
    """

    name = "saliency"
    title = "Does the gradient show what matters?"
    number = 38
    claim = "The gradient shows what matters."

    inputs: int = setting(2, low=1, high=8, help="How many inputs the small function adds up")
    level: float = setting(1.0, low=0.05, high=3.0, help="The value of each of them")
    steepness: float = setting(
        1.0, low=0.1, high=5.0, help="How steeply it rises; it is full at a sum of 1 / steepness"
    )
    model: str = setting("cnn_digits", choices=("cnn_digits", "cnn_shapes"), help="The trained network")
    output: str = setting("probability", choices=tuple(Output), help="Which scalar of the network is explained")
    samples: int = setting(64, low=8, high=256, help="Images of the scored split, drawn at random")
    noise: float = setting(0.1, low=0.01, high=0.5, help="Standard deviation of the noise that is averaged over")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the images and of the noise")

    def run(self) -> Iterator[Block]:
        yield from self._opening()
        here = {name: saturation.credit(self.network(), self._here, self.inputs, name) for name in CREDITED}
        yield blocks.Question(text=QUESTION, options=tuple(text for _, text in self._options(here)))
        top = max(1.5 * self.level, 2 / (self.steepness * self.inputs))
        curve = saturation.credit_curve(self.network(), top, self.inputs)
        yield from self._on_paper(here, curve)
        subject = workbench.load(self.model)
        samples = self._drawn(subject)
        outputs = dict.fromkeys((self.output, Output.LOGIT.value))
        seen = {name: saturation.both(subject, samples, Output(name)) for name in outputs}
        yield from self._in_a_network(subject, seen)
        yield from self._with_noise(subject, samples)
        yield self._verdict(here, curve, seen)
        yield from _closing()

    def network(self) -> nn.Module:
        """The small function that is known on paper."""
        return Ramp(self.steepness)

    @property
    def _here(self) -> np.ndarray:
        return np.array([self.level])

    def _opening(self) -> Iterator[Block]:
        terms = " + ".join(f"x{'₁₂₃₄₅₆₇₈'[i]}" for i in range(self.inputs))
        yield blocks.Text(text=OPENING)
        factor = "" if self.steepness == 1 else f"{self.steepness:g} · "
        yield blocks.Code(text=f"f(x) = 1 − ReLU(1 − {factor}({terms}))")
        yield blocks.Text(
            text=f"It rises as the inputs rise. Once their sum has reached {1 / self.steepness:.3g} it is full and "
            f"stays at 1. Here every input is **{self.level:g}**, so the sum is {self.inputs * self.level:.3g}. With "
            "all inputs at 0, f is 0. So whatever f is, it is because of the inputs; and as f treats them all alike, "
            "each deserves an equal share of it."
        )

    def _options(self, here: Mapping[str, Attribution]) -> list[tuple[float, str]]:
        """The values that are at stake, with what speaks for each."""
        share = saturation.fair_share(here["gradient"])
        return [
            (self.steepness, f"{_short(self.steepness)}, because f rises that fast with x₁"),
            (share, f"{_short(share)}, because that is its equal share of f"),
            (0.0, "0, because f does not change if x₁ changes a little"),
        ]

    def _on_paper(self, here: Mapping[str, Attribution], curve: Curve) -> Iterator[Block]:
        path = here["integrated_gradients"]
        moved = float(path.f_x[0] - path.f_reference[0])
        titles = ("Method", "Credit to x₁", "Credit to all", "f(x) − f(0)")
        rows = tuple(
            (CREDITED[name], float(record.values[0, 0]), float(record.values.sum()), moved)
            for name, record in here.items()
        )
        table = Table(
            title=f"Every input at {self.level:g}", columns=tuple(Column(title=title) for title in titles), rows=rows
        )
        yield blocks.Heading(text="On paper")
        yield blocks.Table(content=table)
        yield blocks.Text(text=_reading(here))
        yield blocks.Figure(content=curve, caption=CURVE_CAPTION)

    def _drawn(self, subject: Subject) -> Samples:
        whole = subject.task.samples(subject.task.scored)
        chosen = np.random.default_rng(self.seed).permutation(len(whole))[: self.samples]
        return whole.take(sorted(chosen.tolist()))

    def _in_a_network(self, subject: Subject, seen: Pairs) -> Iterator[Block]:
        found = {name: saturation.ratios(*pair) for name, pair in seen.items()}
        yield blocks.Heading(text="In a trained network")
        yield blocks.Text(text=NETWORK.format(model=subject.name, count=len(found[self.output])))
        yield blocks.Table(content=saturation.vanished_table(found))
        yield blocks.Figure(content=saturation.distribution(found), caption=DISTRIBUTION_CAPTION)
        least = int(np.argmin(found[self.output]))
        maps = [
            replace(record.take(least), title=f"{kind}, {name.replace('_', ' ')}")
            for name, pair in seen.items()
            for kind, record in zip(("Gradient", "Path"), pair, strict=True)
        ]
        caption = (
            f"Of the images drawn, the one on which the gradient of the {self._output} finds least. {MAPS_CAPTION}"
        )
        yield blocks.Row(attributions=tuple(maps), caption=caption)

    @property
    def _output(self) -> str:
        return self.output.replace("_", " ")

    def _with_noise(self, subject: Subject, samples: Samples) -> Iterator[Block]:
        few = samples.take(range(min(32, len(samples))))
        curve, table = saturation.stability(subject, few, self.noise, self.seed)
        yield blocks.Heading(text="And it trembles")
        yield blocks.Text(text=TREMBLES.format(draws=DRAWS, noise=f"{self.noise:g}"))
        yield blocks.Table(content=table)
        yield blocks.Figure(content=curve)

    def _verdict(self, here: Mapping[str, Attribution], curve: Curve, seen: Pairs) -> Block:
        gradient = float(here["gradient"].values[0, 0])
        share = saturation.fair_share(here["gradient"])
        shares = np.abs(curve.y[curve.labels.index("f itself")]) / self.inputs
        anywhere = bool((np.abs(curve.y[curve.labels.index(CREDITED["gradient"])]) < VANISHED * shares).any())
        on_paper = abs(gradient) < VANISHED * abs(share)
        gone = saturation.ratios(*seen[self.output]) < VANISHED
        low, high = wilson(int(gone.sum()), len(gone))
        in_practice = low > TOLERATED
        outcome = Outcome.CONDITION if on_paper or in_practice or anywhere else Outcome.HOLDS
        if on_paper and in_practice:
            outcome = Outcome.FAILS
        percent = quantity(100 * float(gone.mean()), 100 * low, 100 * high, "%")
        measured = MEASURED.format(
            gradient=_short(gradient),
            share=_short(share),
            model=self.model,
            output=self._output,
            percent=percent,
        )
        nearest = int(np.argmin([abs(value - gradient) for value, _ in self._options(here)]))
        sentence = f"{measured}\n\n{CONCLUSIONS[outcome]}"
        return blocks.Verdict(claim=self.claim, outcome=outcome, sentence=sentence, answer=nearest)


def _reading(here: Mapping[str, Attribution]) -> str:
    """What the table says, in words that follow from its numbers."""
    share = saturation.fair_share(here["gradient"])
    credits = {name: float(record.values[0, 0]) for name, record in here.items()}
    right = [CREDITED[name] for name, value in credits.items() if abs(value - share) <= 0.01 * abs(share)]
    none = [CREDITED[name] for name, value in credits.items() if abs(value) <= 0.01 * abs(share)]
    lines = [f"x₁ deserves **{_short(share)}**."]
    if right:
        lines.append(f"It gets that from {_listed(right)}.")
    if none:
        lines.append(f"It gets nothing from {_listed(none)}.")
    if "Occlusion" in none:
        lines.append(OCCLUSION.strip())
    return " ".join(lines)


def _short(value: float) -> str:
    """Three digits, and no more zeros than needed: 0.5, not 0.500."""
    return f"{value + 0.0:.3g}".replace("-", MINUS)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _closing() -> Iterator[Block]:
    yield blocks.Heading(text="Try this")
    yield blocks.Text(text=TRY_THIS)
    yield blocks.Folded(title="For whoever teaches this", content=(blocks.Text(text=TEACHER),))
    yield blocks.Heading(text="References")
    yield blocks.Text(text=REFERENCES)
