"""Which groups of inputs do together what neither does alone."""

from dataclasses import dataclass
from math import factorial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from workbench.allocation import every_coalition, exact_allocation
from workbench.analysis import AbstractAnalysis
from workbench.chance import generator
from workbench.coalitions import distinct
from workbench.perturbations import coalition_values
from workbench.query import Query
from workbench.records import Matrix, Output
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.settings import setting
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.task import Kind, Samples

EXACT = 12
"""Groups up to which all 2^M coalitions are asked for."""
MOST = 128
"""Groups that can be paired: a round then takes 32,768 passes."""

Pairs = Float[Tensor, "group group"]
Shares = Float[Tensor, "group"]


@dataclass(frozen=True, kw_only=True)
class ShapleyInteractions(AbstractAnalysis):
    """Interactions of two groups of the first sample's inputs: k-SII of order 2, which add up to f(x) − f(x').

    I_ij = Σ_{S ∌ i,j} |S|! (M − |S| − 2)! / (M − 1)! · [v(S ∪ ij) − v(S ∪ i) − v(S ∪ j) + v(S)]
    values[i, j] = I_ij / 2,  values[i, i] = φ_i − Σ_j I_ij / 2,  v(S) = f(x on S, x' elsewhere), of the predicted class

    A row adds up to the group's Shapley value φ_i, and all entries to f(x) − f(x'); two groups that do not meet have 0.
    Up to 12 groups every coalition is asked for. Above, orders are drawn in rounds, a round being the paths that make
    every two groups neighbours once and their reverses: unbiased, and rows still add up to the φ of those orders.

    When it misleads: what three groups do together is shared among their pairs, and where orders are drawn an entry
    rests on two differences a round: compare another seed.
    Reference: [grabisch1999axiomatic], [bordt2023shapley], [alspach2008wonderful]
    """

    name = "shapley_interactions"
    title = "Shapley interactions"

    output: str = setting("logit", choices=tuple(Output), help="What is explained")
    n_rounds: int = setting(2, low=1, high=1000, help="Rounds of orders, where there are more than 12 groups")
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="What absent groups show (on text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the orders drawn, and of 'noise' and 'data'")

    def run(self, subject: Subject, samples: Samples) -> Matrix:
        if not len(samples):
            raise InputError("One sample is needed whose groups are paired. Choose one, for example test:0.")
        self._require(subject, samples)
        one = samples.take([0])
        query = Query(subject, one, subject.logits(one.inputs).argmax(-1).cpu(), Output(self.output))
        names = _names(subject, one, query.groups[0])
        if not 0 < len(names) <= MOST:
            raise InputError(
                f"Sample {one.ids[0]} has {len(names)} groups; 1 to {MOST} can be paired. Choose another sample, or "
                "coarser groups."
            )
        values = self._measured(query, len(names)).numpy()
        how = "exact" if len(names) <= EXACT else f"{self.n_rounds} rounds of orders"
        return Matrix(
            title=f"{subject.name}: what moved {one.ids[0]} alone (diagonal) and in pairs, {how}",
            provenance=self.origin(subject, one),
            values=values,
            rows=names,
            columns=names,
            row_title="group",
            column_title="group",
            unit=subject.task.classes[0] if subject.task.regression else self.output.replace("_", " "),
        )

    def cost(self) -> tuple[int, int]:
        return max(2**EXACT, 2 * self.n_rounds * MOST**2), 0

    def _measured(self, query: Query, players: int) -> Pairs:
        reference = reference_inputs(query, self.reference_input, self.seed)

        def game(present: Bool[Tensor, "row group"]) -> Float[Tensor, "row"]:
            rows = torch.zeros(len(present), dtype=torch.long)
            return coalition_values(query, present.__getitem__, rows, reference, query.groups).double()

        if players <= EXACT:
            present = every_coalition(players)
            worth = game(present)
            return together(exact_allocation(players).shares(worth[None])[0], exact_interactions(present, worth))
        orders, adjacent = rounds(players, self.n_rounds, self.seed)
        coalitions, index = _asked(orders)
        return together(*drawn_interactions(orders, adjacent, game(coalitions)[index]))


def together(shares: Shares, interactions: Pairs) -> Pairs:
    """Half of each interaction beside the diagonal, and on it what is left of each Shapley value."""
    halves = interactions / 2
    return halves + torch.diag(shares - halves.sum(1))


def exact_interactions(present: Bool[Tensor, "row group"], worth: Float[Tensor, "row"]) -> Pairs:
    """I_ij from the worth of all coalitions, 0 on the diagonal."""
    players, sizes = present.shape[1], present.sum(1)
    found = torch.zeros(players, players, dtype=torch.float64)
    if players < 2:
        return found
    weight = torch.tensor(
        [factorial(size) * factorial(players - size - 2) / factorial(players - 1) for size in range(players - 1)],
        dtype=torch.float64,
    )
    for i in range(players):
        for j in range(i):
            inside = present[:, i].long() + present[:, j].long()
            found[i, j] = found[j, i] = ((1 - 2 * (inside == 1).double()) * weight[sizes - inside] * worth).sum()
    return found


def rounds(players: int, count: int, seed: int) -> tuple[Int[Tensor, "order group"], Bool[Tensor, "order pair"]]:
    """Orders of the players, and which neighbours in them count: in every round each pair twice, once each way round.

    A round is Walecki's: the zigzag 0, 1, −1, 2, … turned by 0, 1, … passes every edge between 2n points once. Of an
    odd number of players one point is nobody, and who meets across it does not count.
    """
    points = players + players % 2
    zigzag = torch.tensor([(step + 1) // 2 * (1 if step % 2 else -1) for step in range(points)])
    paths = (torch.arange(points // 2)[:, None] + zigzag) % points
    paths = torch.cat((paths, paths.flip(1)))
    chance = generator(seed, "rounds of orders", players)
    orders, adjacent = [], []
    for _ in range(count):
        label = torch.cat((torch.randperm(players, generator=chance), torch.full((players % 2,), -1)))
        for path in label[paths]:
            place = (path >= 0).nonzero()[:, 0]
            orders.append(path[place])
            adjacent.append(place.diff() == 1)
    return torch.stack(orders), torch.stack(adjacent)


def _asked(orders: Int[Tensor, "order group"]) -> tuple[Bool[Tensor, "row group"], Int[Tensor, "order step"]]:
    """The coalitions that the orders pass through, then those without the one who came last but one; each once."""
    players = orders.shape[1]
    place = orders.argsort(1)
    passed = place[:, None] < torch.arange(players + 1)[:, None]
    beside = passed[:, :-2] | torch.nn.functional.one_hot(orders[:, 1:], players).bool()
    everything = torch.cat((passed, beside), 1)
    coalitions, index, _ = distinct(everything.flatten(0, 1))
    return coalitions, index.view(everything.shape[:2])


def drawn_interactions(
    orders: Int[Tensor, "order group"], adjacent: Bool[Tensor, "order pair"], worth: Float[Tensor, "order step"]
) -> tuple[Shares, Pairs]:
    """Shapley values and I_ij as means over orders and over neighbours."""
    players = orders.shape[1]
    passed, beside = worth[:, : players + 1], worth[:, players + 1 :]
    shares = torch.zeros(players, dtype=torch.float64).index_add_(0, orders.flatten(), passed.diff(dim=1).flatten())
    meeting = (passed[:, 2:] - passed[:, 1:-1] - beside + passed[:, :-2])[adjacent]
    first, second = orders[:, :-1][adjacent], orders[:, 1:][adjacent]
    times = 2 * len(meeting) / (players * (players - 1))
    found = torch.zeros(players, players, dtype=torch.float64)
    found.index_put_((first, second), meeting / times, accumulate=True)
    return shares / len(orders), found + found.T


def _names(subject: Subject, sample: Samples, groups: Int[Tensor, "..."]) -> tuple[str, ...]:
    """What each group is called: a word, a column, or where it lies."""
    count, task = int(groups.amax()) + 1, subject.task
    if task.kind is Kind.TABLE and task.features is not None and len(task.features) == count:
        return task.features
    names = []
    for group in range(count):
        inside = (groups == group).nonzero().numpy()
        if sample.tokens is not None:
            pieces = [sample.tokens[0][place] for place in inside[:, 0]]
            names.append(f"{group + 1}: {''.join(piece.removeprefix('##') for piece in pieces)}")
            continue
        spans = zip(task.axes, inside.min(0), inside.max(0), groups.shape, strict=True)
        names.append(", ".join(f"{axis} {low}–{high}" for axis, low, high, size in spans if high - low + 1 < size))
    return tuple(name or f"group {group}" for group, name in enumerate(names))
