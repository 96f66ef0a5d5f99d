"""Forwards: forward passes that are kept, so that the next class of the same samples need not make them again."""

import hashlib
from collections.abc import Callable

from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from zoo.model import TraditionalModel

LOGITS = 2**22
"""Logits that are kept: 16 MB."""
GRAPHS = 2**19
"""Elements of points whose graphs are kept: some hundred times as many activations hang on them."""


class Forwards:
    """The logits of one model at inputs that it has met, and the graphs of those that were differentiated.

    Inputs are told by a digest of their content: a method that asks about the same inputs for each class, as those do
    that draw them by a seed, passes them forward once. When there is no room for more, what comes later is computed
    each time. Not for several threads at once; of a model whose weights change it would tell the past.
    """

    def __init__(self, model: nn.Module | TraditionalModel) -> None:
        self.model = model
        self._logits: dict[bytes, Tensor] = {}
        self._graphs: dict[bytes, tuple[Tensor, Tensor]] = {}
        self._sizes = [0, 0]

    def logits(
        self, inputs: Shaped[Tensor, "row ..."], ask: Callable[[Tensor], Float[Tensor, "row class"]]
    ) -> Float[Tensor, "row class"]:
        """What `ask` gave for these inputs."""
        key = _digest(inputs)
        if key not in self._logits:
            logits = ask(inputs)
            if self._has_room(0, logits.numel(), LOGITS):
                self._logits[key] = logits
            return logits
        return self._logits[key]

    def graph(
        self,
        points: Float[Tensor, "row ..."],
        mask: Bool[Tensor, "row token"] | None,
        ask: Callable[[Tensor], Float[Tensor, "row class"]],
    ) -> tuple[Tensor, Float[Tensor, "row class"]]:
        """A leaf with the values of `points`, and the logits that `ask` gave for it under this mask."""
        key = _digest(points) + (b"" if mask is None else _digest(mask))
        if key not in self._graphs:
            leaf = points.detach().clone().requires_grad_()
            made = leaf, ask(leaf)
            if self._has_room(1, leaf.numel(), GRAPHS):
                self._graphs[key] = made
            return made
        return self._graphs[key]

    def _has_room(self, kind: int, size: int, most: int) -> bool:
        fits = self._sizes[kind] + size <= most
        self._sizes[kind] += size * fits
        return fits


def _digest(values: Tensor) -> bytes:
    content = values.detach().cpu().contiguous().numpy()
    return hashlib.blake2b(content.tobytes(), digest_size=16, person=str(content.shape)[:16].encode()).digest()
