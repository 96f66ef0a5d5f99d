"""Multipliers: how a difference from the reference travels back through a network, by DeepLIFT's rules.

With Δ = value at x - value at the reference x', each rule gives multipliers m with Σ m_in Δin = Σ m_out Δout exactly:
what the inputs explain is what the output changed by, whatever the activations, the pooling and their order.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench import operations
from workbench.query import Query
from workbench.reveal_cancel import RevealCancel
from workbench.subject import chunked
from workbench.tape import Step, Tape
from zoo.errors import InputError

GAP = 1e-6
"""Of the difference to be explained. Where rounding leaves more, the rows are done again in float64: saturated gates
and products of them make multipliers of opposite sign that are a hundred times what they add up to."""
NEARLY = 1e-6
"""Of the size of a value: a smaller difference is rounding, and the slope stands for the quotient of differences."""
Messages = Sequence[Tensor | None]


def contributions(
    query: Query, reference: Float[Tensor, "row ..."], rows: Int[Tensor, "row"], reveal: bool = False
) -> Float[Tensor, "row ..."]:
    """m (x - x') for the samples `rows`, each against its own row of `reference` (points, not inputs)."""

    def compute(part: slice) -> Tensor:
        found, gap = _contributions(query, reference[part], rows[part], reveal)
        coarse = torch.where(gap > GAP)[0]
        if len(coarse) and found.dtype != torch.float64:
            exact = query.doubled()
            again = _contributions(exact, reference[part][coarse].double(), rows[part][coarse], reveal)
            found[coarse] = again[0].to(found)
        return found

    return chunked(compute, len(rows), 2 * reference[0].numel(), query.subject.device)


def _contributions(
    query: Query, reference: Float[Tensor, "row ..."], rows: Int[Tensor, "row"], reveal: bool
) -> tuple[Float[Tensor, "row ..."], Float[Tensor, "row"]]:
    """The contributions, and the share of the difference that they miss."""
    tape, twin = query.recorded(query.points[rows], rows), query.recorded(reference, rows)
    found = multipliers(tape, twin, torch.ones_like(tape.values[tape.output]), reveal)
    found = found * (query.points[rows] - reference)
    query.subject.meter.add(forward=0, backward=len(rows))
    wanted = (tape.values[tape.output] - twin.values[twin.output]).double()
    missed = (found.double().flatten(1).sum(1) - wanted).abs()
    return found, missed / wanted.abs().clamp(min=1e-30)


def multipliers(
    tape: Tape, twin: Tape, seed: Float[Tensor, "row ..."], reveal: bool = False
) -> Float[Tensor, "row ..."]:
    """m at the input with Σ m (x - x') = f(x) - f(x') for each row; `twin` is the tape of the reference inputs.

    With `reveal` nonlinearities behind a layer follow the reveal-cancel rule instead of the rescale rule.

    Raises `InputError` for an operation without a rule, and where the network took another path for the reference.
    Reference: [shrikumar2017learning]
    """
    _check_alike(tape, twin)
    twins = dict(zip(tape.steps, twin.steps, strict=True))

    apart = RevealCancel.along(tape, twins if reveal else {})

    def rule(step: Step, messages: Messages) -> Mapping[int, Tensor]:
        if step in apart.slopes:
            return apart.passed(step)
        if reveal and step in apart.behind and messages[0] is not None:
            apart.remember(step, messages[0])
        return passed(step, twins[step], messages)

    return tape.back(seed, rule)[0]


def passed(step: Step, twin: Step, messages: Messages) -> Mapping[int, Tensor]:
    """The multipliers of a step's live arguments, given those of what it makes."""
    if operations.is_linear(step):
        return step.pulled_back(messages)
    name, message = step.name, messages[0]
    assert message is not None, "only the first thing that these operations make has a derivative"
    if name in operations.ELEMENTWISE and len(step.live) == 1:
        (place,) = step.live
        slope = step.pulled_back((torch.ones_like(message),))[place]
        change = (step.made[0] - twin.made[0], step.inputs[place] - twin.inputs[place])
        return {place: message * _quotient(*change, slope, step.inputs[place].abs() + twin.inputs[place].abs())}
    if name in operations.PRODUCTS:  # linear in each factor: exact at the middle of both
        middle = {place: (step.inputs[place] + twin.inputs[place]) / 2 for place in step.live}
        return step.pulled_back(messages, middle)
    if name in operations.MAXIMUM | operations.MINIMUM:
        return _winner(step, twin, messages)
    rules = {
        "div": _division,
        "native_layer_norm": _layer_norm,
        "native_group_norm": _group_norm,
        "_log_softmax": _log_softmax,
        "log_softmax": _log_softmax,
        "logsumexp": _logsumexp,
        **dict.fromkeys(operations.SOFTMAX, _softmax),
    }
    if name not in rules:
        raise operations.refuse(step, "DeepLIFT")
    return rules[name](step, twin, message)


def _quotient(out: Tensor, inner: Tensor, slope: Tensor, size: Tensor) -> Tensor:
    """Δout / Δin, or the slope where the difference is nothing but rounding."""
    near = inner.abs() <= NEARLY * size
    return torch.where(near, slope, out / torch.where(near, 1, inner))


def _winner(step: Step, twin: Step, messages: Messages) -> Mapping[int, Tensor]:
    """max: up to where the two maxima cross the change belongs to the place that wins at x, beyond it to the one that
    wins at x'. Neither can then be asked for more than its own Δ, so no quotient is unbounded."""
    (y, *_), (other, *_) = step.made, twin.made
    cross = torch.maximum(y, other) if step.name in operations.MAXIMUM else torch.minimum(y, other)
    rest: list[Tensor | None] = [None] * (len(messages) - 1)
    here = step.pulled_back([messages[0] * (cross - other), *rest])
    there = twin.pulled_back([messages[0] * (y - cross), *rest])
    found = {}
    for place in step.live:
        share, change = here[place] + there[place], step.inputs[place] - twin.inputs[place]
        found[place] = torch.where(share == 0, 0, share / torch.where(change == 0, 1, change))
    return found


def _division(step: Step, twin: Step, message: Tensor) -> Mapping[int, Tensor]:
    """a / b as a · (1 / b), whose second factor changes by -Δb / (b b')."""
    (a, b), (a_, b_) = ([torch.as_tensor(each) for each in one.arguments[:2]] for one in (step, twin))
    found = {0: message * (1 / b + 1 / b_) / 2, 1: -message * (a + a_) / 2 / (b * b_)}
    return {place: _shaped(found[place], step.inputs[place]) for place in step.live}


def _softmax(step: Step, twin: Step, message: Tensor) -> Mapping[int, Tensor]:
    """p = exp(log p), log p = x - log Σ exp(x): the exponential by its quotient q, which lies between p and p'.

    From Σ Δp = Σ q (Δx - Δ log Σ exp(x)) = 0 follows what the normalisation changes by, without dividing by a sum that
    may be nearly nought.
    """
    q = _logarithmic_mean(step, twin, step.arguments[1])
    through = (message * q).sum(step.arguments[1], keepdim=True)
    return {0: message * q - through * _shares(q, step.arguments[1])}


def _log_softmax(step: Step, twin: Step, message: Tensor) -> Mapping[int, Tensor]:
    dim = step.arguments[1]
    return {0: message - message.sum(dim, keepdim=True) * _shares(_logarithmic_mean(step, twin, dim), dim)}


def _logsumexp(step: Step, twin: Step, message: Tensor) -> Mapping[int, Tensor]:
    dims, kept = step.arguments[1], len(step.arguments) > 2 and step.arguments[2]
    if len(dims) != 1:
        raise operations.refuse(step, "DeepLIFT")
    message = message if kept else message.unsqueeze(dims[0])
    return {0: message * _shares(_logarithmic_mean(step, twin, dims[0]), dims[0])}


def _logarithmic_mean(step: Step, twin: Step, dim: int) -> Tensor:
    """Δp / Δ log p of p = softmax(x), which is p where both are equal and 0 where one of them is 0."""
    log, log_ = (one.inputs[0].log_softmax(dim).nan_to_num(nan=-torch.inf) for one in (step, twin))
    shut = log.isinf() | log_.isinf()
    apart = torch.where(shut | (log == log_), 1, (log - log_).abs())
    mean = torch.maximum(log, log_).exp() * -torch.expm1(-apart) / apart
    return torch.where(shut, 0, torch.where(log == log_, log.exp(), mean))


def _shares(q: Tensor, dim: int) -> Tensor:
    total = q.sum(dim, keepdim=True)
    return q / torch.where(total > 0, total, 1)


def _layer_norm(step: Step, twin: Step, message: Tensor) -> Mapping[int, Tensor]:
    _, shape, weight, _, epsilon = step.arguments
    dims = tuple(range(-len(shape), 0))
    scaled = message if weight is None else message * weight
    return {0: _standardised(step.inputs[0], twin.inputs[0], scaled, dims, epsilon)}


def _group_norm(step: Step, twin: Step, message: Tensor) -> Mapping[int, Tensor]:
    _, weight, _, rows, channels, _, groups, epsilon = step.arguments
    x, x_ = (one.inputs[0].reshape(rows, groups, -1) for one in (step, twin))
    scaled = message.reshape(rows, channels, -1)
    scaled = scaled if weight is None else scaled * weight[:, None]
    return {0: _standardised(x, x_, scaled.reshape(x.shape), (-1,), epsilon).view_as(message)}


def _standardised(x: Tensor, x_: Tensor, message: Tensor, dims: tuple[int, ...], epsilon: float) -> Tensor:
    """y = d r with d = x - mean(x), r = (mean(d²) + ε)^-½: the product at its middle, d² and r by exact quotients."""
    d, d_ = (each - each.mean(dims, keepdim=True) for each in (x, x_))
    r, r_ = ((each.square().mean(dims, keepdim=True) + epsilon).rsqrt() for each in (d, d_))
    count = torch.Size([d.shape[dim] for dim in dims]).numel()
    of_r = (message * (d + d_) / 2).sum(dims, keepdim=True)
    of_squares = -of_r * r.square() * r_.square() / (r + r_)  # Δr / Δ(mean of squares)
    of_d = message * (r + r_) / 2 + of_squares * (d + d_) / count
    return of_d - of_d.mean(dims, keepdim=True)


def _shaped(message: Tensor, value: Tensor) -> Tensor:
    """Summed over what the operation had repeated."""
    return message.sum_to_size(value.shape) if message.shape != value.shape else message


def _check_alike(tape: Tape, twin: Tape) -> None:
    """Both are of the same operations, with the same constants."""
    alike = len(tape.steps) == len(twin.steps) and all(
        one.operation == other.operation and _same_constants(one, other)
        for one, other in zip(tape.steps, twin.steps, strict=False)
    )
    if not alike:
        raise InputError(
            "The network takes another path for the reference input than for the input, so their difference cannot be "
            "followed. Choose integrated gradients, or another reference input."
        )


def _same_constants(one: Step, other: Step) -> bool:
    for place, (mine, theirs) in enumerate(zip(one.leaves, other.leaves, strict=True)):
        if place in one.live:
            continue
        if isinstance(mine, Tensor):
            if mine.data_ptr() != theirs.data_ptr() and not torch.equal(mine, theirs):
                return False
        elif mine != theirs:
            return False
    return one.live == other.live
