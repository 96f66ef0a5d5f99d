"""Multipliers: how a difference from the reference travels back through a network, by DeepLIFT's rules.

With Δ = value at x - value at the reference x', each rule gives multipliers m with Σ m_in Δin = Σ m_out Δout exactly:
what the inputs explain is what the output changed by, whatever the activations, the pooling and their order.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from workbench import operations
from workbench.adjoints import passed_back
from workbench.reveal_cancel import RevealCancel
from workbench.tape import Step, Tape
from zoo.errors import InputError

NEARLY = 1e-6
"""Of the size of a value: a smaller difference is rounding, and the slope stands for the quotient of differences."""
POOLING = frozenset(["max_pool2d_with_indices", "max_pool3d_with_indices"])
UNTOLD = ((), 0, 1, False)
"""A pooling's stride, padding, dilation and rounding where they are left out."""
Messages = Sequence[Tensor | None]


def multipliers(
    tape: Tape, twin: Tape, seed: Float[Tensor, "row ..."], reveal: bool = False
) -> Float[Tensor, "row ..."]:
    """m at the input with Σ m (x - x') = f(x) - f(x') for each row; `twin` is the tape of the reference inputs.

    With `reveal` nonlinearities behind a layer follow the reveal-cancel rule instead of the rescale rule. Where
    each value of the one tape has a single row it stands for as many as the twin has (without `reveal`).

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
        return passed_back(twin, messages)
    name, message = step.name, messages[0]
    assert message is not None, "only the first thing that these operations make has a derivative"
    if name in operations.ELEMENTWISE and len(step.live) == 1:
        (place,) = step.live
        return {place: _quotient(step, twin, place).mul_(message)}
    if name in operations.PRODUCTS:  # linear in each factor: exact at the middle of both
        middle = {place: (step.inputs[place] + twin.inputs[place]) / 2 for place in step.live}
        return twin.pulled_back(messages, middle)
    if name in operations.MAXIMUM | operations.MINIMUM:
        return _winner(step, twin, message)
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


def _quotient(step: Step, twin: Step, place: int) -> Tensor:
    """Δout / Δin, or the slope at x where the difference is nothing but rounding. max(x, 0) has no such places: its
    quotient is (y + y') / (|x| + |x'|), 1 or 0 where both are on one side."""
    (x, x_), (y, y_) = (step.inputs[place], twin.inputs[place]), (step.made[0], twin.made[0])
    if step.name == "relu":
        return (y + y_).div_(x.abs().clamp_(min=torch.finfo(x.dtype).tiny) + x_.abs())
    change = x - x_
    near = change.abs() <= NEARLY * (x.abs() + x_.abs())
    slope = step.pulled_back((torch.ones_like(y), *[None] * (len(step.made) - 1)))[place]
    return torch.where(near, slope, (y - y_) / change)


def _winner(step: Step, twin: Step, message: Tensor) -> Mapping[int, Tensor]:
    """max: up to where the two maxima cross the change belongs to the place that wins at x, beyond it to the one that
    wins at x'. Neither can then be asked for more than its own Δ, so no quotient is unbounded; nor for one of another
    sign, so that |Δ| will do."""
    y, other = step.made[0], twin.made[0]
    ahead = y > other if step.name in operations.MAXIMUM else y < other
    share = (y - other).abs_().mul_(message)
    if step.name in POOLING and len(step.live) == 1:
        passed = _pooled(step, twin, share, ahead)
    else:
        rest, whole = (
            [None] * (len(step.made) - 1),
            {at: step.inputs[at].expand_as(twin.inputs[at]) for at in step.live},
        )
        here = step.pulled_back([torch.where(ahead, share, 0), *rest], whole)
        there = twin.pulled_back([torch.where(ahead, 0, share), *rest])
        passed = {place: here[place] + there[place] for place in step.live}
    for place, part in passed.items():
        size = (step.inputs[place] - twin.inputs[place]).abs_().clamp_(min=torch.finfo(part.dtype).tiny)
        part.div_(size if size.sum().isfinite() else torch.where(part == 0, 1, size))  # what was masked is -inf
    return passed


def _pooled(step: Step, twin: Step, share: Tensor, ahead: Tensor) -> dict[int, Tensor]:
    """What each window's share sums up to at the places that won it."""
    places = (step.made[1] - twin.made[1]).mul_(ahead).add_(twin.made[1])  # torch.where, five times faster
    told = step.arguments[1:]
    window, stride, padding, dilation, ceiling = told + UNTOLD[len(told) - 1 :]
    back = getattr(torch.ops.aten, f"{step.name}_backward")
    return {0: back(share, twin.inputs[0], window, stride, padding, dilation, ceiling, places)}


def _division(step: Step, twin: Step, message: Tensor) -> Mapping[int, Tensor]:
    """a / b as a · (1 / b), whose second factor changes by -Δb / (b b')."""
    (a, b), (a_, b_) = ([torch.as_tensor(each) for each in one.arguments[:2]] for one in (step, twin))
    found = {0: message * (1 / b + 1 / b_) / 2, 1: -message * (a + a_) / 2 / (b * b_)}
    return {place: _shaped(found[place], twin.inputs[place]) for place in step.live}


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
    _, weight, _, rows, channels, _, groups, epsilon = twin.arguments
    x, x_ = (one.inputs[0].reshape(len(one.inputs[0]), groups, -1) for one in (step, twin))
    scaled = message.reshape(rows, channels, -1)
    scaled = scaled if weight is None else scaled * weight[:, None]
    return {0: _standardised(x, x_, scaled.reshape(x_.shape), (-1,), epsilon).view_as(message)}


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
        if place in one.live or mine is theirs:
            continue
        if isinstance(mine, Tensor):
            if mine.data_ptr() != theirs.data_ptr() and not torch.equal(mine, theirs):
                return False
        elif mine != theirs:
            return False
    return one.live == other.live
