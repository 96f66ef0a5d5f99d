"""Subjects whose attributions are known on paper, on tasks small enough to enumerate."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workbench.query import Query
from workbench.records import Output, Target
from workbench.subject import Subject
from zoo.model import Capability, TokenNetwork, TraditionalModel
from zoo.task import Kind, Samples, Task, TextTask
from zoo.traditional.tree import Tree

SCORE = Target(of=1, output=Output.LOGIT)
"""The toy networks put their function into the logit of class 1; the logit of class 0 is always zero."""


class Described:
    """What the toy tasks have in common beside their data."""

    classes = ("rest", "score")
    licence = "none"
    citation = "none"
    about = "Made up."


def _points(count: int, *shape: int, seed: int = 0) -> Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed)) * 2 - 0.5


@dataclass(frozen=True)
class Features(Described, Task):
    """A table of four features; the toy networks ignore the last."""

    name = "features"
    title = "Features"
    kind = Kind.TABLE
    axes = ("feature",)

    def load(self, split: str) -> Samples:
        inputs = _points(12, 4, seed=len(split))
        return Samples(inputs=inputs, labels=torch.ones(12).long(), ids=tuple(f"{split}:{i}" for i in range(12)))

    def groups(self, inputs: Tensor) -> Tensor:
        return torch.arange(inputs.shape[1]).expand(len(inputs), -1)


@dataclass(frozen=True)
class Sides(Features):
    """The same features; the class is whether the first is above a half, and its training split has 40 samples."""

    name = "sides"

    def load(self, split: str) -> Samples:
        inputs = _points(40, 4, seed=len(split))
        ids = tuple(f"{split}:{i}" for i in range(40))
        return Samples(inputs=inputs, labels=(inputs[:, 0] > 0.5).long(), ids=ids)


@dataclass(frozen=True)
class Amounts(Described, Task):
    """A table of four features that asks for a number, 2 x₀ + 2 x₁ − 3 x₂ + 0.5; the evidence is the first three."""

    name = "amounts"
    title = "Amounts"
    kind = Kind.TABLE
    axes = ("feature",)
    classes = ("amount, kg",)
    planted = True

    def load(self, split: str) -> Samples:
        inputs = _points(40, 4, seed=len(split))
        evidence = torch.tensor([True, True, True, False]).expand(40, -1)
        ids = tuple(f"{split}:{i}" for i in range(40))
        values = Linear().score(inputs).detach()
        return Samples(inputs=inputs, labels=torch.zeros(40).long(), ids=ids, evidence=evidence, values=values)

    def groups(self, inputs: Tensor) -> Tensor:
        return torch.arange(inputs.shape[1]).expand(len(inputs), -1)


@dataclass(frozen=True)
class Pixels(Described, Task):
    """Images of 2 × 6 × 6, in nine groups of 2 × 2 pixels; the evidence is the top left quarter."""

    name = "pixels"
    title = "Pixels"
    kind = Kind.IMAGE
    axes = ("channel", "height", "width")
    planted = True

    def load(self, split: str) -> Samples:
        inputs = _points(12, 2, 6, 6, seed=len(split))
        evidence = torch.zeros(12, 6, 6, dtype=torch.bool)
        evidence[:, :3, :3] = True
        ids = tuple(f"{split}:{i}" for i in range(12))
        return Samples(inputs=inputs, labels=torch.ones(12).long(), ids=ids, evidence=evidence)

    def groups(self, inputs: Tensor) -> Tensor:
        rows = torch.arange(6)[:, None] // 2 * 3 + torch.arange(6) // 2
        return rows.expand(inputs.shape)


@dataclass(frozen=True)
class Waves(Described, Task):
    """Series of seven steps of two features, in seven groups of one step; the evidence is the last three steps."""

    name = "waves"
    title = "Waves"
    kind = Kind.SERIES
    axes = ("time", "feature")
    planted = True

    def load(self, split: str) -> Samples:
        inputs = _points(12, 7, 2, seed=len(split)) * torch.tensor([1.0, 10.0])
        evidence = torch.zeros(12, 7, 2, dtype=torch.bool)
        evidence[:, 4:] = True
        ids = tuple(f"{split}:{i}" for i in range(12))
        return Samples(inputs=inputs, labels=torch.ones(12).long(), ids=ids, evidence=evidence)

    def groups(self, inputs: Tensor) -> Tensor:
        return torch.arange(7)[:, None].expand(inputs.shape)


WORDS = ("", "[MASK]", "good", "bad", "not", "film", "un", "##seen")


@dataclass(frozen=True)
class Bag(Described, TextTask):
    """Sentences of a vocabulary of six; 'unseen' is one word of two tokens."""

    name = "bag"
    title = "Bag"

    def load(self, split: str) -> Samples:
        return self.encode(["good film", "not good", "bad unseen film not good", "unseen"], [1] * 4, split)

    def encode(self, texts: Sequence[str], labels: Sequence[int] | None = None, name: str = "typed") -> Samples:
        split = [text.replace("unseen", "un ##seen").split() for text in texts]
        longest = max(map(len, split))
        ids = [[WORDS.index(token) for token in tokens] + [0] * (longest - len(tokens)) for tokens in split]
        words = []
        for tokens in split:
            starts = torch.tensor([not token.startswith("##") for token in tokens]).cumsum(0) - 1
            words.append((*starts.tolist(), *[-1] * (longest - len(tokens))))
        return Samples(
            inputs=torch.tensor(ids),
            labels=torch.tensor([-1] * len(texts) if labels is None else list(labels)),
            ids=tuple(f"{name}:{i}" for i in range(len(texts))),
            texts=tuple(texts),
            tokens=tuple((*tokens, *[""] * (longest - len(tokens))) for tokens in split),
            words=tuple(words),
        )

    def decode(self, inputs: Tensor) -> list[str]:
        return [" ".join(WORDS[i] for i in row if i > 1).replace(" ##", "") for row in inputs.tolist()]

    def groups(self, inputs: Tensor) -> Tensor:
        present, starts = inputs != 0, (inputs != 0) & (inputs != WORDS.index("##seen"))
        return torch.where(present, starts.long().cumsum(1) - 1, -1)


class Scalar(nn.Module, ABC):
    """A network whose logits are (0, f): each toy network only says f."""

    def forward(self, inputs: Tensor) -> Tensor:
        score = self.score(inputs)
        return torch.stack((torch.zeros_like(score), score), -1)

    @abstractmethod
    def score(self, inputs: Tensor) -> Tensor:
        """f of each input."""


class Linear(Scalar):
    """f = 2 x₀ + 2 x₁ - 3 x₂ + 0.5: symmetric in the first two, deaf to the last."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([2.0, 2.0, -3.0, 0.0]))

    def score(self, inputs: Tensor) -> Tensor:
        return inputs @ self.weight + 0.5


class Number(Linear):
    """The same function as `Linear`, and a network whose only output it is; off by `error` times the last feature."""

    def __init__(self, error: float = 0.0) -> None:
        super().__init__()
        self.error = error

    def forward(self, inputs: Tensor) -> Tensor:
        return (self.score(inputs) + self.error * inputs[:, 3])[:, None]


class TwoLayers(Linear):
    """The same function as `Linear`, as two layers: f = ((x A) A⁻¹) w + b."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mix", torch.randn(4, 4, generator=torch.Generator().manual_seed(1)))

    def score(self, inputs: Tensor) -> Tensor:
        return inputs @ self.mix @ (torch.linalg.inv(self.mix) @ self.weight) + 0.5


class Product(Scalar):
    """f = x₀ x₁."""

    def score(self, inputs: Tensor) -> Tensor:
        return inputs[:, 0] * inputs[:, 1]


class PolarProduct(Scalar):
    """The same function as `Product`: ((x₀ + x₁)² - (x₀ - x₁)²) / 4."""

    def score(self, inputs: Tensor) -> Tensor:
        return ((inputs[:, 0] + inputs[:, 1]) ** 2 - (inputs[:, 0] - inputs[:, 1]) ** 2) / 4


class Maximum(Scalar):
    """f = max(x₀, x₁), which for equal arguments has no gradient: ask it at unequal ones."""

    def score(self, inputs: Tensor) -> Tensor:
        return inputs[:, :2].amax(1)


class Saturated(Scalar):
    """f = 1 - relu(1 - x₀ - x₁): constant once x₀ + x₁ reaches 1."""

    def score(self, inputs: Tensor) -> Tensor:
        return 1 - (1 - inputs[:, 0] - inputs[:, 1]).relu()


class Xor(Scalar):
    """f = x₀ + x₁ - 2 x₀ x₁: exclusive or, on zeros and ones."""

    def score(self, inputs: Tensor) -> Tensor:
        return inputs[:, 0] + inputs[:, 1] - 2 * inputs[:, 0] * inputs[:, 1]


class Additive(Scalar):
    """f = sin x₀ + sin x₁ + x₂³: each feature's contribution from zero is its own term."""

    def score(self, inputs: Tensor) -> Tensor:
        return inputs[:, 0].sin() + inputs[:, 1].sin() + inputs[:, 2] ** 3


class Constant(Scalar):
    """f = 3, whatever the input: nothing contributes."""

    def score(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1).sum(1).to(torch.get_default_dtype()) * 0 + 3.0


class Sum(Scalar):
    """f = a f₁ + b f₂ of two networks."""

    def __init__(self, first: nn.Module, second: nn.Module, a: float, b: float) -> None:
        super().__init__()
        self.first, self.second, self.a, self.b = first, second, a, b

    def score(self, inputs: Tensor) -> Tensor:
        return self.a * self.first(inputs)[:, 1] + self.b * self.second(inputs)[:, 1]


class Dense(Scalar):
    """A rectifier network over four features with seeded weights: piecewise linear, with kinks on every path."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        chance = torch.Generator().manual_seed(seed)
        self.inner = nn.Parameter(torch.randn(4, 16, generator=chance))
        self.shift = nn.Parameter(torch.randn(16, generator=chance) / 2)
        self.outer = nn.Parameter(torch.randn(16, generator=chance))

    def score(self, inputs: Tensor) -> Tensor:
        return (inputs @ self.inner + self.shift).relu() @ self.outer


class Corner(Scalar):
    """f = Σ over the evidence of w x, w > 0 and growing with the place: the top left quarter and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        weight = torch.zeros(2, 6, 6)
        weight[:, :3, :3] = torch.arange(1.0, 19.0).view(2, 3, 3) / 10
        self.weight = nn.Parameter(weight)

    def score(self, inputs: Tensor) -> Tensor:
        return (inputs * self.weight).flatten(1).sum(1)


class Convolved(nn.Module):
    """Two convolutions, a batch normalisation and a rectifier, with seeded weights."""

    capabilities = frozenset({Capability.GRADIENT, Capability.CONVOLUTION, Capability.ACTIVATION_MAPS})

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.body = nn.Sequential(
                nn.Conv2d(2, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 4, 3), nn.ReLU(), nn.Flatten()
            )
            self.head = nn.Linear(64, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.body(inputs))


class Late(Scalar):
    """f = Σ over the last three steps of the first feature's sine, plus a tenth of the second."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 0.1]))

    def score(self, inputs: Tensor) -> Tensor:
        late = inputs[:, 4:]
        return late[..., 0].sin().sum(1) * self.weight[0] + late[..., 1].sum(1) * self.weight[1]


class Gated(Scalar):
    """A gated recurrent unit with seeded weights, read at its last step."""

    capabilities = frozenset({Capability.GRADIENT, Capability.RECURRENT})

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.body = nn.GRU(2, 6, batch_first=True)
            self.head = nn.Linear(6, 1)

    def score(self, inputs: Tensor) -> Tensor:
        return self.head(self.body(inputs)[0][:, -1])[:, 0]


class OneHotBag(TokenNetwork):
    """f = Σ over tokens of the token's weight, read from a one-hot embedding; [MASK] weighs nothing."""

    name = "one_hot_bag"
    capabilities = frozenset({Capability.GRADIENT, Capability.EMBEDDING})
    weights = (0.0, 0.0, 2.0, -1.5, -1.0, 0.25, 0.5, 0.75)

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(self.weights))

    def embed(self, inputs: Tensor) -> Tensor:
        return nn.functional.one_hot(inputs, len(WORDS)).to(self.weight.dtype)

    def from_embedding(self, embedded: Tensor, mask: Tensor) -> Tensor:
        score = ((embedded @ self.weight) * mask).sum(1)
        return torch.stack((torch.zeros_like(score), score), -1)


class Negation(OneHotBag):
    """f = tanh of the bag, times minus one where 'not' is present: tokens interact."""

    name = "negation"

    def from_embedding(self, embedded: Tensor, mask: Tensor) -> Tensor:
        bag = ((embedded @ self.weight) * mask).sum(1)
        negated = (embedded[..., WORDS.index("not")] * mask).amax(1)
        score = torch.tanh(bag) * (1 - 2 * negated)
        return torch.stack((torch.zeros_like(score), score), -1)


class Attended(OneHotBag):
    """f = Σ of the weights of what each token looks at: two heads of attention with seeded scores, and itself."""

    name = "attended"
    capabilities = frozenset({Capability.GRADIENT, Capability.EMBEDDING, Capability.ATTENTION})

    def __init__(self) -> None:
        super().__init__()
        chance = torch.Generator().manual_seed(0)
        self.scores = nn.Parameter(torch.randn(2, len(WORDS), len(WORDS), generator=chance))

    def from_embedding(self, embedded: Tensor, mask: Tensor) -> Tensor:
        queries = embedded[:, None] @ self.scores
        keys = embedded[:, None].expand(-1, 2, -1, -1)
        mixed = nn.functional.scaled_dot_product_attention(queries, keys, keys, attn_mask=mask[:, None, None])
        score = (((mixed.mean(1) + embedded) @ self.weight) * mask).sum(1)
        return torch.stack((torch.zeros_like(score), score), -1)


class Grown(Tree):
    """A tree that asks whether both x₀ and x₁ are above a half: symmetric in the two, deaf to the other columns."""

    def __init__(self) -> None:
        super().__init__()
        corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 4)
        both = (corners[:, :2].sum(1) == 2).long()
        self.fit(Samples(inputs=corners, labels=both, ids=tuple(map(str, range(16)))), Features(), seed=0)


class Slopes(TraditionalModel):
    """f = Σ c x, c the mean of the features over class 1 minus that over class 0; before it is fitted, of Sides."""

    name = "slopes"

    def __init__(self) -> None:
        self.fit(Sides().samples("train"), Sides(), seed=0)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        means = [samples.inputs[samples.labels == label].mean(0) for label in (0, 1)]
        self.slopes = means[1] - means[0]

    def logits(self, inputs: Tensor) -> Tensor:
        score = inputs @ self.slopes
        return torch.stack((torch.zeros_like(score), score), -1)

    def parameters(self) -> int:
        return len(self.slopes)


TABLES = (Linear, TwoLayers, Product, PolarProduct, Saturated, Additive, Dense)
IMAGES = (Corner, Convolved)
SERIES = (Late, Gated)
TEXTS = (OneHotBag, Negation, Attended)
GROWN = (Grown,)
"""Traditional models, which have no gradient."""


def subject(network: type[nn.Module] | nn.Module | type[Tree]) -> Subject:
    """A toy network bound to its task."""
    module = network() if isinstance(network, type) else network
    task = Bag() if isinstance(module, TokenNetwork) else Pixels() if isinstance(module, IMAGES) else Features()
    task = Amounts() if isinstance(module, Number) else Waves() if isinstance(module, SERIES) else task
    return Subject(module, task, name=type(module).__name__)


def at(*rows: Sequence[float]) -> Samples:
    """Samples of the table at these points; missing features are 0.3."""
    inputs = torch.full((len(rows), 4), 0.3)
    for row, values in enumerate(rows):
        inputs[row, : len(values)] = torch.tensor(values)
    return Samples(inputs=inputs, labels=torch.ones(len(rows)).long(), ids=tuple(f"at:{i}" for i in range(len(rows))))


def query(of: Subject, samples: Samples, output: Output = Output.LOGIT) -> Query:
    """The query for class 1."""
    return Query(of, samples, torch.ones(len(samples)).long(), output)
