"""Relevance: how a network's output is divided among its inputs, step by step, by the rules of LRP.

Each step divides the relevance of what it made among what it was made from, in proportion to what each contributed.
What constants (biases, positions) contributed is theirs; everything else arrives at the input.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from workbench import operations
from workbench.layer_rules import AlphaBeta, Box, Epsilon, Flat, Gamma, Layer, Rule, normalised, stabilised
from workbench.tape import Step, Tape

Messages = Sequence[Tensor | None]
COMPOSITES = ("epsilon", "gamma", "epsilon_plus", "epsilon_plus_flat", "epsilon_gamma_box", "alpha2_beta1")


@dataclass(frozen=True, kw_only=True)
class Composite:
    """Which rule convolutions get, which all other layers, which the first layer (None: that of its kind)."""

    first: Rule | None
    convolution: Rule
    dense: Rule
    epsilon: float
    constant_attention: bool


def composite(name: str, epsilon: float, gamma: float, constant_attention: bool) -> Composite:
    """A composite by its name."""
    rules: dict[str, tuple[Rule | None, Rule, Rule]] = {
        "epsilon": (None, Epsilon(), Epsilon()),
        "gamma": (None, Gamma(gamma), Gamma(gamma)),
        "epsilon_plus": (None, AlphaBeta(), Epsilon()),
        "epsilon_plus_flat": (Flat(), AlphaBeta(), Epsilon()),
        "epsilon_gamma_box": (Box(), Gamma(gamma), Epsilon()),
        "alpha2_beta1": (None, AlphaBeta(1.0), Epsilon()),
    }
    first, convolution, dense = rules[name]
    return Composite(
        first=first, convolution=convolution, dense=dense, epsilon=epsilon, constant_attention=constant_attention
    )


def relevances(
    tape: Tape, seed: Float[Tensor, "row ..."], chosen: Composite, box: tuple[Tape, Tape] | None = None
) -> Float[Tensor, "row ..."]:
    """The relevance of the input, given that of the output.

    `box` are the tapes of the least and the greatest inputs there can be (as many rows), where the first rule asks.
    Raises `InputError` for an operation without a rule. Reference: [bach2015pixelwise]
    """
    tape = folded(tape)
    ends = {} if box is None else _ends(tape, [folded(each) for each in box])
    scales = operations.scaling(tape) | (_weights_of_attention(tape) if chosen.constant_attention else frozenset())
    first = next((step for step in tape.steps if Layer.at(step)), None)

    def rule(step: Step, messages: Messages) -> Mapping[int, Tensor]:
        if not Layer.at(step):
            return _divided(step, messages, chosen.epsilon, scales)
        layer, own = Layer(step), chosen.convolution if step.name == "convolution" else chosen.dense
        if step is first and chosen.first is not None:
            own = chosen.first
            if ends:
                low, high = (end.inputs[layer.place] for end in ends[step])
                layer = replace(layer, low=low.minimum(high), high=low.maximum(high))
        assert messages[0] is not None, "a layer makes one thing"
        return {layer.place: own.relevance(layer, messages[0], chosen.epsilon)}

    return tape.back(seed, rule)[0]


def _ends(tape: Tape, box: Sequence[Tape]) -> dict[Step, tuple[Step, ...]]:
    """For each step the same one on the tapes of the least and the greatest inputs."""
    return dict(zip(tape.steps, zip(*(each.steps for each in box), strict=True), strict=True))


def folded(tape: Tape) -> Tape:
    """The same with each batch normalisation that follows a layer made part of it, so that the layer's rule sees the
    weights that count."""
    uses = Counter(value for step in tape.steps for value in step.live.values())
    made = {step.outputs[0]: number for number, step in enumerate(tape.steps) if Layer.at(step) and step.name != "mm"}
    steps: list[Step | None] = list(tape.steps)
    for number, step in enumerate(tape.steps):
        if step.name in operations.NORMALISING and operations.is_linear(step):
            before = made.get(step.live.get(0))
            if before is not None and uses[step.live[0]] == 1:
                steps[number], steps[before] = normalised(tape.steps[before], step), None
    return replace(tape, steps=tuple(step for step in steps if step is not None))


def _weights_of_attention(tape: Tape) -> frozenset[int]:
    """What softmax makes, wherever it is carried: with these as constants all relevance goes to the values (CP-LRP)."""
    found: set[int] = set()
    for step in tape.steps:
        carried = step.name in operations.REARRANGING and set(step.live.values()) <= found
        if step.name in operations.SOFTMAX or carried:
            found |= {out for out in step.outputs if out is not None}
    return frozenset(found)


def _divided(step: Step, messages: Messages, epsilon: float, scales: frozenset[int]) -> Mapping[int, Tensor]:
    """Every step but layers with weights."""
    name, message = step.name, messages[0]
    if name in operations.REARRANGING | operations.MAXIMUM | operations.MINIMUM:  # a maximum is its winner's
        return step.pulled_back(messages)
    assert message is not None, "only the first thing that these operations make has a derivative"
    (place, *others) = step.live
    if not others and (name in operations.ELEMENTWISE or (name in ("mul", "div") and place == 0)):
        return {place: message.sum_to_size(step.inputs[place].shape)}
    if name in operations.SOFTMAX:
        shut = step.inputs[0].isinf()
        share = message - step.made[0] * message.sum(step.arguments[1], keepdim=True)
        return {0: step.inputs[0].masked_fill(shut, 0) * share}
    if name == "native_layer_norm":
        return {0: _layer_norm(step, message, epsilon)}
    if others and (name in operations.PRODUCTS or name == "div"):
        return _product(step, message, epsilon, scales)
    if operations.is_linear(step):
        found = step.pulled_back((message / stabilised(step.made[0], epsilon), *[None] * (len(messages) - 1)))
        return {place: step.inputs[place] * share for place, share in found.items()}
    raise operations.refuse(step, "LRP")


def _product(step: Step, message: Tensor, epsilon: float, scales: frozenset[int]) -> Mapping[int, Tensor]:
    """Of gate · signal all to the signal; of two signals half to each. Reference: [arras2019explaining]"""
    signals = [place for place, value in step.live.items() if value not in scales]
    if step.name == "div" and signals != [0]:
        raise operations.refuse(step, "LRP")
    signals = signals or list(step.live)
    found = step.pulled_back((message / stabilised(step.made[0], epsilon) / len(signals),))
    return {place: step.inputs[place] * found[place] for place in signals}


def _layer_norm(step: Step, message: Tensor, epsilon: float) -> Tensor:
    """Its standard deviation is taken as a constant: (x - mean x) γ / σ + β is then linear in x."""
    _, shape, weight, _, small = step.arguments
    dims, x = tuple(range(-len(shape), 0)), step.inputs[0]
    scale = (x.var(dims, keepdim=True, correction=0) + small).rsqrt()
    share = message / stabilised(step.made[0], epsilon) * scale * (1 if weight is None else weight)
    return x * (share - share.mean(dims, keepdim=True))
