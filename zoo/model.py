"""What a model is to the workbench: something that turns inputs into logits, and says what else it can do."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from zoo.task import Samples, Task

LEAST_PROBABILITY = 1e-6
"""Of a model without logits; a forest says 0 where no tree saw the class, and log 0 cannot be explained."""


CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)


class Capability(StrEnum):
    """What a model offers to whoever wants to look into it."""

    GRADIENT = "gradient"
    EMBEDDING = "embedding"
    ATTENTION = "attention"
    CONVOLUTION = "convolution"
    ACTIVATION_MAPS = "activation maps"
    """A layer says something of each place of an image or series: a convolution's maps, a transformer's tokens."""
    RECURRENT = "recurrent"
    SEQUENCE = "sequence"
    """It answers at every step of its output, not only once."""
    TREES = "trees"
    """Its answer is a sum over decision trees, which it hands out (`zoo.trees.MadeOfTrees`)."""


class Network(nn.Module, ABC):
    """A neural network of the zoo: `forward(inputs) -> logits`, weights initialised from torch's current generator.

    Any other `nn.Module` that maps inputs to logits works with the workbench too; this class only adds the name under
    which a recipe finds the architecture, and what it can do beyond a gradient.
    """

    name: ClassVar[str]
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.GRADIENT})
    class_activation_layer: str | None = None
    """Dotted name of the module whose output a class-activation map should use; what offers activation maps has one."""

    @abstractmethod
    def forward(self, inputs: Shaped[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        """Logits of each sample; of regression the one number that is asked for."""

    def look(self, inputs: Shaped[Tensor, "sample ..."]) -> None:
        """Set what is computed from the training inputs, once, before training; most networks have nothing like it."""

    def named_layers(self) -> dict[str, nn.Module]:
        """The layers worth looking at, in order, by the dotted name under which `get_submodule` finds them: direct
        children with parameters, lists and rows of modules opened one level."""
        found: dict[str, nn.Module] = {}
        for name, child in self.named_children():
            inner = child.named_children() if isinstance(child, nn.ModuleList | nn.Sequential) else ()
            found |= {f"{name}.{key}": module for key, module in inner} or {name: child}
        return {name: module for name, module in found.items() if any(True for _ in module.parameters())}


class TokenNetwork(Network):
    """A network that reads token ids through an embedding, which is where gradients and attributions live.

    `forward(ids) = from_embedding(embed(ids), ids != padding)`: an explanation can therefore enter behind the lookup
    table without a hook.
    """

    padding: ClassVar[int] = 0

    @abstractmethod
    def embed(self, inputs: Int[Tensor, "sample token"]) -> Float[Tensor, "sample token hidden"]:
        """The embedding of each token alone: no positions, no context."""

    @abstractmethod
    def from_embedding(
        self, embedded: Float[Tensor, "sample token hidden"], mask: Bool[Tensor, "sample token"]
    ) -> Float[Tensor, "sample class"]:
        """Logits from embeddings; `mask` is True where there is a token and False where there is padding, which changes
        nothing: with more of it or less at the end the logits are the same."""

    def forward(self, inputs: Int[Tensor, "sample token"]) -> Float[Tensor, "sample class"]:
        return self.from_embedding(self.embed(inputs), inputs != self.padding)


class SequenceNetwork(Network):
    """A network that answers at every step of its output; as the answer of a sample counts that at the last step."""

    @abstractmethod
    def steps(self, inputs: Shaped[Tensor, "sample ..."]) -> Float[Tensor, "sample step class"]:
        """Logits at each step of the output."""

    def forward(self, inputs: Shaped[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        return self.steps(inputs)[:, -1]


class LayeredNetwork(Network):
    """A network that is a row of layers: `forward(inputs) = finish(layers(prepare(inputs)))`.

    What is known of a layer (that it is affine, say, or looks at places alone) can then be used without a hook.
    """

    @abstractmethod
    def prepare(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample ..."]:
        """What is done to each value by itself before the first layer (centring, say)."""

    @abstractmethod
    def layers(self) -> Sequence[nn.Module]:
        """The layers, in their order; nested `nn.Sequential`s are read through."""

    @abstractmethod
    def finish(self, last: Float[Tensor, "sample feature ..."]) -> Float[Tensor, "sample class"]:
        """Logits from what the last layer gives."""

    def forward(self, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        values = self.prepare(inputs)
        for layer in self.layers():
            values = layer(values)
        return self.finish(values)


class ConvolutionalNetwork(LayeredNetwork):
    """A network that looks at places in a row of layers, and at the whole only at the end.

    What a change in one corner of the image does can therefore be computed in that corner alone, layer by layer.
    """

    capabilities = frozenset({Capability.GRADIENT, Capability.CONVOLUTION, Capability.ACTIVATION_MAPS})

    @abstractmethod
    def prepare(
        self, inputs: Float[Tensor, "sample channel height width"]
    ) -> Float[Tensor, "sample channel height width"]:
        """What is done to each value by itself before the first layer (centring, say)."""

    @abstractmethod
    def finish(self, last: Float[Tensor, "sample feature height width"]) -> Float[Tensor, "sample class"]:
        """Logits from what the last layer says of each place."""


class TraditionalModel(ABC):
    """A scikit-learn pipeline behind the same contract. It is refitted from its recipe or, where that takes long, read
    from a skops file that holds its `state`: no pickle either way. Of regression the only "logit" is the number that is
    asked for.

    `logits` are such that softmax gives the model's probabilities: the decision function where that is the model (a
    logistic regression), else the logarithm of its probabilities, clipped at 1e-6.
    """

    name: ClassVar[str]
    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    @abstractmethod
    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        """Fit on these samples; the same samples and seed give the same model."""

    @abstractmethod
    def logits(self, inputs: Shaped[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        """Logits of each sample, on the CPU."""

    @abstractmethod
    def parameters(self) -> int:
        """How many numbers were fitted."""

    def state(self) -> dict[str, Any]:
        """What a fitted model is stored as: all it holds but its task. Only scikit-learn's estimators (no trees),
        arrays and plain values can be stored; whoever holds something else gives and takes it in such parts."""
        return {name: value for name, value in vars(self).items() if not isinstance(value, Task)}

    def restore(self, state: dict[str, Any], task: Task) -> None:
        """Become the fitted model that this is the `state` of; a model that has a field `task` gets this one."""
        vars(self).update(state)
        if "task" in type(self).__annotations__:
            vars(self)["task"] = task


def linear_logits(scores: Float[np.ndarray, "sample ..."]) -> Float[Tensor, "sample class"]:
    """Logits from a decision function; of two classes scikit-learn gives the difference of the two, which is shared."""
    values = torch.from_numpy(np.asarray(scores)).to(torch.float32)
    return torch.stack((-values / 2, values / 2), dim=1) if values.ndim == 1 else values


def log_probabilities(probabilities: Float[np.ndarray, "sample class"]) -> Float[Tensor, "sample class"]:
    """Logits of a model that only has probabilities: their logarithm, clipped so that a zero stays finite."""
    values = torch.from_numpy(np.asarray(probabilities)).to(torch.float32)
    return values.clamp(min=LEAST_PROBABILITY).log()


def capabilities(model: nn.Module | TraditionalModel) -> frozenset[Capability]:
    """What a model can do; a module that says nothing has a gradient and, where it convolves, activation maps."""
    said = getattr(model, "capabilities", None)
    if said is not None:
        return frozenset(said)
    if not isinstance(model, nn.Module):
        return frozenset()
    convolves = any(isinstance(module, CONVOLUTIONS) for module in model.modules())
    return frozenset({Capability.GRADIENT, Capability.ACTIVATION_MAPS} if convolves else {Capability.GRADIENT})


def parameter_count(model: nn.Module | TraditionalModel) -> int:
    """Trainable numbers in a model."""
    if isinstance(model, TraditionalModel):
        return model.parameters()
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def initialise(architecture: type[Network], options: dict, seed: int) -> Network:
    """A new network whose initial weights depend on `seed` alone; torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return architecture(**options)
