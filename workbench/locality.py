"""Locality: a convolutional network's answer to images that differ from one in a window, computed where it differs.

A window that is replaced changes each convolution's output in the window and a rim around it; everywhere else the
activations are those of the unchanged image. So each of them is computed once per image, and then only patches of it
per window, until a patch is nearly the whole. Nothing is approximated. Reference: [nakandala2019incremental]
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from zoo.model import ConvolutionalNetwork

WHOLE = 0.6
"""Share of the area from which on the whole is computed: cutting and pasting has a price, too."""
AGREEMENT = 1e-4
"""Relative difference between the logits of the chain and the network above which the chain is not trusted."""
POINTWISE = (nn.ReLU, nn.Identity, nn.Dropout, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid)
"""Layers that look at each value by itself."""


@dataclass(frozen=True, eq=False)
class Step:
    """A convolution with what follows it at each place, or a pooling. Weights are read when it runs."""

    module: nn.Conv2d | nn.MaxPool2d | None
    after: tuple[Callable[[Tensor], Tensor], ...] = ()
    norm: nn.BatchNorm2d | None = None
    weights: tuple[Tensor, Tensor | None] | None = None

    @property
    def rim(self) -> tuple[int, int]:
        """Places on each side that an output looks at beyond its own."""
        return self.module.padding if isinstance(self.module, nn.Conv2d) else (0, 0)  # type: ignore[return-value]

    @property
    def pool(self) -> int:
        """Places per output on a side."""
        return int(self.module.kernel_size) if isinstance(self.module, nn.MaxPool2d) else 1  # type: ignore[arg-type]

    def ready(self) -> "Step":
        """The same with its normalisation folded into its weights, for a call that runs it many times."""
        return replace(self, weights=_folded(self.module, self.norm)) if isinstance(self.module, nn.Conv2d) else self

    def __call__(self, inputs: Float[Tensor, "row ..."], padding: tuple[int, int]) -> Float[Tensor, "row ..."]:
        """Run on images, or on patches whose rim is part of the input (no padding)."""
        result = inputs
        if isinstance(self.module, nn.Conv2d):
            weight, bias = self.weights or _folded(self.module, self.norm)
            result = functional.conv2d(inputs, weight, bias, padding=padding, groups=self.module.groups)
        elif self.module is not None:
            result = functional.max_pool2d(inputs, self.pool)
        for function in self.after:
            result = function(result)
        return result


@dataclass(frozen=True, eq=False)
class Images:
    """Activations of unchanged images with the rim of the next step around them, as rows of channels."""

    flat: Float[Tensor, "place channel"]
    height: int
    width: int
    rim: tuple[int, int]

    @classmethod
    def of(cls, images: Float[Tensor, "sample channel height width"], rim: tuple[int, int]) -> "Images":
        """From images as convolutions take them."""
        padded = functional.pad(images, (rim[1], rim[1], rim[0], rim[0]))
        last = padded.permute(0, 2, 3, 1).contiguous()
        return cls(last.flatten(0, 2), last.shape[1], last.shape[2], rim)

    def cut(self, rows: Int[Tensor, "row"], corner: Int[Tensor, "row 2"], size: tuple[int, int]) -> Tensor:
        """The box of `size` at each corner (counted from the rim's) of each of the images `rows`; copies."""
        first = (rows * self.height + corner[:, 0]) * self.width + corner[:, 1]
        taken = self.flat.index_select(0, _places(first, self.width, size))
        return taken.view(len(rows), *size, -1).permute(0, 3, 1, 2)

    def whole(self, rows: Int[Tensor, "row"]) -> Tensor:
        """Copies of the images `rows`, without the rim."""
        size = (self.height - 2 * self.rim[0], self.width - 2 * self.rim[1])
        return self.cut(rows, torch.tensor([self.rim], device=rows.device).expand(len(rows), 2), size)


@dataclass(frozen=True, eq=False)
class Chain:
    """A network as steps in a row and a tail that wants the whole."""

    steps: tuple[Step, ...]
    tail: Callable[[Tensor], Tensor]

    def __call__(self, inputs: Float[Tensor, "row channel height width"], first: int = 0) -> Float[Tensor, "row class"]:
        """Logits, from the input of step `first`: what the network computes."""
        for step in self.steps[first:]:
            inputs = step(inputs, step.rim)
        return self.tail(inputs.contiguous())

    def ready(self) -> "Chain":
        """The same, for a call that runs it many times and in which the weights stay."""
        return replace(self, steps=tuple(step.ready() for step in self.steps))

    def activations(self, inputs: Float[Tensor, "sample channel height width"]) -> list[Images]:
        """The input of each step and of the tail."""
        found = [Images.of(inputs, self.steps[0].rim)]
        for step, rim in zip(self.steps, [*(step.rim for step in self.steps[1:]), (0, 0)], strict=True):
            inputs = step(inputs, step.rim)
            found.append(Images.of(inputs, rim))
        return found


def chain(network: nn.Module, inputs: Float[Tensor, "sample channel height width"]) -> Chain | None:
    """The network as a chain; None where it is none, or where the chain does not say the same of these inputs."""
    if not isinstance(network, ConvolutionalNetwork):
        return None
    layers = [part for layer in network.layers() for part in _parts(layer)]
    if any(module._forward_hooks or module._forward_pre_hooks for module in network.modules()):
        return None
    steps = [Step(None, (network.prepare,))]
    while layers and (longer := _longer(steps, layers[0])) is not None:
        steps, layers = longer, layers[1:]
    found = Chain(tuple(steps), lambda maps: network.finish(nn.Sequential(*layers)(maps)))
    with torch.no_grad():
        expected, logits = network(inputs), found(inputs)
    close = logits.shape == expected.shape and (logits - expected).abs().max() <= AGREEMENT * expected.abs().max()
    return found if close else None


def _parts(layer: nn.Module) -> list[nn.Module]:
    return [part for inner in layer for part in _parts(inner)] if type(layer) is nn.Sequential else [layer]


def _longer(steps: list[Step], layer: nn.Module) -> list[Step] | None:
    """The steps with one more layer, or None where it is not understood."""
    end = steps[-1]
    if type(layer) in POINTWISE:
        in_place = type(layer) is nn.ReLU and end.module is not None  # what a convolution returned is our own
        return [*steps[:-1], replace(end, after=(*end.after, functional.relu_ if in_place else layer))]
    if type(layer) is nn.BatchNorm2d and isinstance(end.module, nn.Conv2d) and not end.after and end.norm is None:
        return [*steps[:-1], replace(end, norm=layer)] if layer.track_running_stats else None
    return [*steps, Step(layer)] if _is_plain(layer) else None  # type: ignore[arg-type]


def windowed_logits(
    steps: Chain,
    unchanged: list[Images],
    reference: Images,
    windows: Images,
    which: Int[Tensor, "row"],
    rows: Int[Tensor, "row"],
    corner: Int[Tensor, "row 2"],
    size: tuple[int, int],
) -> Float[Tensor, "row class"]:
    """Logits of the images `rows`, in each the window `which` from the reference.

    Each window (1 inside, 0 outside) lies in the box of `size` at its `corner`.
    """
    inside = windows.cut(which, corner, size)
    patch = torch.where(inside > 0, reference.cut(rows, corner, size), unchanged[0].cut(rows, corner, size))
    for index, (step, base) in enumerate(zip(steps.steps, unchanged, strict=False)):
        limits = base.height - 2 * base.rim[0], base.width - 2 * base.rim[1]
        most = [limit // step.pool for limit in limits]
        out = [min(-(-(patch.shape[2 + i] + step.pool - 1) // step.pool) + 2 * step.rim[i], most[i]) for i in range(2)]
        if out[0] * out[1] >= WHOLE * most[0] * most[1] or any(limit % step.pool for limit in limits):
            return steps(_pasted(base.whole(rows), patch, corner), index)
        if step.module is None:
            patch = step(patch, (0, 0))
            continue
        room = torch.tensor([most[0] - out[0], most[1] - out[1]], device=corner.device)
        patch, corner = _stepped(step, base, patch, rows, corner, (out[0], out[1]), room)
    return steps(_pasted(unchanged[-1].whole(rows), patch, corner), len(steps.steps))


def _stepped(
    step: Step,
    base: Images,
    patch: Float[Tensor, "row channel height width"],
    rows: Int[Tensor, "row"],
    corner: Int[Tensor, "row 2"],
    out: tuple[int, int],
    room: Int[Tensor, "2"],
) -> tuple[Tensor, Int[Tensor, "row 2"]]:
    """The patch, of size `out`, of the step's output that the patch of its input changes, and where it lies."""
    pool, rim = step.pool, step.rim
    around = torch.tensor(rim, device=corner.device)
    moved = torch.minimum((corner // pool - around).clamp(min=0), room)
    crop = base.cut(rows, moved * pool, (out[0] * pool + 2 * rim[0], out[1] * pool + 2 * rim[1]))
    return step(_pasted(crop, patch, corner + around - moved * pool), (0, 0)), moved


def _pasted(images: Tensor, patch: Tensor, corner: Int[Tensor, "row 2"]) -> Float[Tensor, "row channel height width"]:
    """The images, which are overwritten, with each its patch at its corner."""
    last = images.permute(0, 2, 3, 1)  # a view: `cut` made it with the channels last
    count, height, width, channels = last.shape
    first = (torch.arange(count, device=images.device) * height + corner[:, 0]) * width + corner[:, 1]
    places = _places(first, width, (patch.shape[2], patch.shape[3]))
    last.view(-1, channels).index_copy_(0, places, patch.permute(0, 2, 3, 1).reshape(-1, channels))
    return images


def _places(first: Int[Tensor, "row"], width: int, size: tuple[int, int]) -> Int[Tensor, "place"]:
    """Numbers of the places in a box of `size`, for each number of its first place, in rows of `width`."""
    y, x = (torch.arange(side, device=first.device) for side in size)
    return (first[:, None] + (y[:, None] * width + x).flatten()).flatten()


def _folded(conv: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Tensor, Tensor | None]:
    """Weights and bias of a convolution that a normalisation follows."""
    if norm is None:
        return conv.weight, conv.bias
    assert norm.running_mean is not None  # or `_read` had not taken it
    assert norm.running_var is not None
    scale = torch.rsqrt(norm.running_var + norm.eps) * (1 if norm.weight is None else norm.weight)
    bias = (0 if conv.bias is None else conv.bias) - norm.running_mean
    return conv.weight * scale[:, None, None, None], bias * scale + (0 if norm.bias is None else norm.bias)


def _is_plain(module: nn.Module) -> bool:
    """A convolution that keeps height and width, or a pooling of boxes that do not overlap."""
    if type(module) is nn.Conv2d:
        same = module.stride == (1, 1) and module.dilation == (1, 1) and module.padding_mode == "zeros"
        return same and module.kernel_size == tuple(2 * int(p) + 1 for p in module.padding if p != "same")
    if type(module) is nn.MaxPool2d:
        plain = isinstance(module.kernel_size, int) and module.stride == module.kernel_size
        return plain and (module.padding, module.dilation, module.ceil_mode) == (0, 1, False)
    return False
