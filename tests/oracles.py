"""Slow, literal re-implementations in float64: what the fast ones are compared with."""

import copy
from collections.abc import Callable
from itertools import combinations, pairwise
from math import factorial

import torch
from torch import Tensor, nn

Function = Callable[[Tensor], Tensor]


def scalar(network: nn.Module, mask: Tensor | None = None) -> Function:
    """f(x) of one sample: the logit of class 1 of a float64 copy; from embeddings where a mask is given."""
    double = copy.deepcopy(network).double().eval()

    def f(x: Tensor) -> Tensor:
        x = x if x.dtype == torch.long else x.double()
        return (double(x[None]) if mask is None else double.from_embedding(x[None], mask[None]))[0, 1]

    return f


def gradient(f: Function, x: Tensor) -> Tensor:
    """∂f(x) / ∂x."""
    leaf = x.detach().double().clone().requires_grad_()
    f(leaf).backward()
    return torch.zeros_like(leaf) if leaf.grad is None else leaf.grad


def integrated_gradients(f: Function, x: Tensor, start: Tensor, steps: int = 20_000) -> Tensor:
    """(x - x') times the trapezoid sum of the gradient: for smooth f."""
    x, start = x.double(), start.double()
    times = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    weights = torch.full_like(times, 1 / steps)
    weights[0] = weights[-1] = 0.5 / steps
    total = torch.zeros_like(x)
    for time, weight in zip(times, weights, strict=True):
        total += weight * gradient(f, start + time * (x - start))
    return (x - start) * total


def integrated_gradients_with_kinks(f: Function, x: Tensor, start: Tensor) -> Tensor:
    """The same for piecewise linear f: the path is cut at the kinks, found by bisection to 1e-5 of its length."""
    x, start = x.double(), start.double()

    def slope(time: float) -> Tensor:
        return gradient(f, start + time * (x - start))

    def integral(low: float, high: float, depth: int) -> Tensor:
        inside = [slope(low + share * (high - low)) for share in (0.003, 0.31, 0.5, 0.69, 0.997)]
        same = all(torch.allclose(inside[0], other, atol=1e-12) for other in inside[1:])
        if depth >= 6 and (same or high - low < 1e-5):
            return inside[2] * (high - low)
        middle = (low + high) / 2
        return integral(low, middle, depth + 1) + integral(middle, high, depth + 1)

    return (x - start) * integral(0.0, 1.0, 0)


def shapley(f: Function, x: Tensor, reference: Tensor, groups: Tensor) -> Tensor:
    """φ_i = Σ over coalitions without i of |S|! (M - |S| - 1)! / M! [f(S ∪ i) - f(S)], one per group."""
    players = int(groups.max()) + 1

    def value(members: tuple[int, ...]) -> float:
        present = torch.zeros_like(groups, dtype=torch.bool)
        for member in members:
            present |= groups == member
        return float(f(torch.where(present, x, reference)).detach())

    result = torch.zeros(players, dtype=torch.float64)
    for player in range(players):
        others = [other for other in range(players) if other != player]
        for size in range(players):
            weight = factorial(size) * factorial(players - size - 1) / factorial(players)
            for members in combinations(others, size):
                result[player] += weight * (value((*members, player)) - value(members))
    return result


def shared(per_group: Tensor, groups: Tensor) -> Tensor:
    """Each group's value divided equally among its entries."""
    result = torch.zeros(groups.shape, dtype=torch.float64)
    for group in range(int(groups.max()) + 1):
        inside = groups == group
        result[inside] = per_group[group] / inside.sum()
    return result


def occlusion_by_window(f: Function, x: Tensor, reference: Tensor, window: int, stride: int) -> Tensor:
    """Slide a square over the image; each pixel gets the mean of the differences of the squares it was in."""
    height, width = x.shape[1:]
    total, times = torch.zeros(x.shape, dtype=torch.float64), torch.zeros(x.shape, dtype=torch.float64)
    top = 0
    while True:
        left = 0
        while True:
            changed = x.clone()
            square = (slice(None), slice(top, top + window), slice(left, left + window))
            changed[square] = reference[square]
            total[square] += float((f(x) - f(changed)).detach())
            times[square] += 1
            if left + window >= width:
                break
            left += stride
        if top + window >= height:
            break
        top += stride
    return total / times


def occlusion_by_group(f: Function, x: Tensor, reference: Tensor, groups: Tensor) -> Tensor:
    """Replace one group at a time; its entries share the difference."""
    differences = [
        float((f(x) - f(torch.where(groups == group, reference, x))).detach()) for group in range(int(groups.max()) + 1)
    ]
    return shared(torch.tensor(differences, dtype=torch.float64), groups)


def removal_area(subject, samples, record, index: int, metric) -> float:
    """Remove (or put back) features one after another, in the order of the attribution; the area under p(class).

    The places of the features are written out here for each kind of input, and ties do not occur in random maps.
    """
    task, x = subject.task, samples.inputs[index]
    network = copy.deepcopy(subject.network).double().eval().requires_grad_(False)
    values = torch.tensor(record.values[index]).double()
    if task.kind == "image":
        places = [(slice(None), y, z) for y in range(x.shape[1]) for z in range(x.shape[2])]
        reference = torch.zeros_like(x)
    elif task.kind == "text":
        words = samples.words[index]
        places = [[i for i, w in enumerate(words) if w == word] for word in range(max(words) + 1)]
        reference = torch.ones_like(x)
    else:
        places, reference = list(range(len(x))), torch.zeros_like(x)
    places = sorted(places, key=lambda place: -float(values[place].sum()))
    current, other = (reference.clone(), x) if metric.inserting else (x.clone(), reference)

    def says() -> float:
        inputs = current[None] if task.kind == "text" else current[None].double()
        return float(network(inputs).softmax(-1)[0, int(record.classes[index])])

    at_count = [says()]
    for place in places:
        current[place] = other[place]
        at_count.append(says())
    half = metric.n_steps // 2
    turns = [int(step * len(places) / metric.n_steps + 0.5) for step in range(half + 1)]
    turns += [len(places) - turn for turn in reversed(turns[: metric.n_steps - half])]
    if metric.inserting:  # the same inputs, walked through from the other end
        turns = [len(places) - turn for turn in reversed(turns)]
    area = 0.0
    for a, b in pairwise(turns):
        area += (b - a) / len(places) * (at_count[a] + at_count[b]) / 2
    return area


def moved_linear(subject, samples, index: int, metric) -> float:
    """The robustness metrics of a = w x and f = w x + b, one input nearby after the other."""
    from workbench.robustness import steps

    weight = subject.network.weight.detach().double()
    training = subject.task.samples("train").inputs.double()
    x = samples.inputs[index].double()
    draws = steps(samples, metric.n_near, metric.seed)[index].double()
    assert draws.abs().max() <= 1
    found = []
    for draw in draws:
        spread = [float(((column - column.mean()) ** 2).mean().sqrt()) for column in training.T]
        unit = torch.tensor(spread, dtype=torch.float64)
        moved = x + metric.radius * draw * unit
        change = float((weight * moved - weight * x).norm())
        found.append(
            {
                "max_sensitivity": change / float((weight * x).norm()),
                "average_sensitivity": change / float((weight * x).norm()),
                "local_lipschitz": change / float(((moved - x) / unit).norm()),
                "relative_input_stability": change
                / float((weight * x).norm())
                / float(((moved - x) / unit).norm() / (x / unit).norm()),
                "relative_output_stability": change / float((weight * x).norm()) / abs(float(weight @ (moved - x))),
            }[metric.name]
        )
    return sum(found) / len(found) if metric.name == "average_sensitivity" else max(found)


def ranks(values: Tensor) -> Tensor:
    """1 for the least; equal ones share the mean of their ranks."""
    values = values.flatten()
    below, alike = (values[None] < values[:, None]).sum(1), (values[None] == values[:, None]).sum(1)
    return below + (alike + 1) / 2


def cascade(subject, samples, index: int, stages: int, seed: int) -> float:
    """The rank correlation of the gradient with that of networks whose last layers are permuted, a mean over stages."""
    from workbench.randomisation import randomised

    x, strange = samples.inputs[index], randomised(subject.editable(), seed)
    own = ranks(gradient(scalar(subject.network), x).sum(0))
    four = ["body.0", "body.1", "body.3", "head"]
    found = []
    for stage in range(1, stages + 1):
        mixed = subject.editable()
        for name in four[len(four) - -(-4 * stage // stages) :]:
            mixed.get_submodule(name).load_state_dict(strange.get_submodule(name).state_dict())
        other = ranks(gradient(scalar(mixed), x).sum(0))
        found.append(float(torch.corrcoef(torch.stack((own, other)))[0, 1]))
    return sum(found) / stages
