"""A small network for photographs that learns fast: a whitening first layer, then a few wide blocks."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from zoo.model import ConvolutionalNetwork

SIDE = 2
"""Height and width of the patches that are whitened."""
FLOOR = 5e-4
"""Added to the variance of each principal component, so that the faintest are not blown up to noise."""
IMAGES = 2_000
"""At most so many of the first training images are looked at: some two million patches."""


class Speednet(ConvolutionalNetwork):
    """Whitened patches, then blocks that pool after their first convolution, then a maximum over places.

    x ← gelu(± V Λ^(−1/2) patch);  per block x ← gelu(norm(conv(gelu(norm(pool(conv(x)))))));  z = s · W max(x)

    V and Λ are the principal directions and variances of the 2 × 2 patches of the training images: `look` computes
    them before training, and they stay as they are. Each direction is there with both signs, since the activation
    keeps one. Before training they are random. The fixed scale s keeps the first logits small at a high learning rate.

    In the style of the networks that train on CIFAR-10 within seconds on a GPU, with narrower blocks.
    Reference: [jordan2024cifar], [hendrycks2016gaussian]
    """

    name = "speednet"

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        widths: Sequence[int],
        convolutions: int = 2,
        scale: float = 1 / 9,
    ) -> None:
        super().__init__()
        self.whiten = _Whitening(channels)
        first = 2 * channels * SIDE**2
        self.blocks = nn.ModuleList(
            _block(before, after, convolutions) for before, after in zip((first, *widths), widths, strict=False)
        )
        self.classify = nn.Linear(widths[-1], classes, bias=False)
        self.scale = scale

    @property
    def class_activation_layer(self) -> str:  # type: ignore[override]
        return f"blocks.{len(self.blocks) - 1}"

    def look(self, inputs: Float[Tensor, "sample channel height width"]) -> None:
        """Set the first layer from training images."""
        self.whiten.look(inputs)

    def prepare(
        self, inputs: Float[Tensor, "sample channel height width"]
    ) -> Float[Tensor, "sample channel height width"]:
        return inputs

    def layers(self) -> Sequence[nn.Module]:
        return [self.whiten, *self.blocks]  # each block: sample, its width, height / 2, width / 2

    def finish(self, last: Float[Tensor, "sample feature height width"]) -> Float[Tensor, "sample class"]:
        return self.scale * self.classify(last.amax((2, 3)))  # the maximum: sample, feature


class _Whitening(nn.Module):
    """gelu(± Λ^(−1/2) Vᵀ (patch − mean)) of every 2 × 2 patch; the filters are buffers: kept, but not trained."""

    filters: Tensor
    shift: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        size = channels * SIDE**2
        self.register_buffer("filters", torch.randn(2 * size, channels, SIDE, SIDE))
        self.register_buffer("shift", torch.randn(2 * size))  # not zero: black would stay exactly 0, and tie

    def forward(
        self, inputs: Float[Tensor, "sample channel height width"]
    ) -> Float[Tensor, "sample feature height2 width2"]:
        return functional.gelu(functional.conv2d(inputs, self.filters, self.shift))

    @torch.no_grad()
    def look(self, inputs: Float[Tensor, "sample channel height width"]) -> None:
        """Principal directions of the patches of these images, in double precision on the CPU."""
        patches = functional.unfold(inputs[:IMAGES].cpu(), SIDE).transpose(1, 2).flatten(0, 1).double()
        mean = patches.mean(0)
        variances, directions = torch.linalg.eigh(torch.cov(patches.T))
        rows = directions.T / (variances + FLOOR).sqrt()[:, None]
        rows = torch.cat((rows, -rows))
        self.filters.copy_(rows.reshape(self.filters.shape))
        self.shift.copy_(-rows @ mean)


def _block(before: int, after: int, convolutions: int) -> nn.Sequential:
    """A convolution and a pooling, then the other convolutions; each normalised and rectified."""
    layers = [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(after), nn.GELU()]
    for _ in range(convolutions - 1):
        layers += [nn.Conv2d(after, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.GELU()]
    return nn.Sequential(*layers)
