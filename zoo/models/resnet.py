"""A residual network with batch normalisation."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zoo.model import Capability, Network


class Resnet(Network):
    """Stages of residual blocks, then the mean over places and a linear layer.

    x ← (x − mean) / deviation;  h = relu(norm(conv(x)));  per block h ← relu(h + norm(conv(relu(norm(conv(h))))));
    z = W mean(h) + b

    The first block of every stage but the first halves height and width by a stride of 2; where a block changes the
    shape, what it adds to is a 1 × 1 convolution of its input, normalised. Inputs are in [0, 1]; the constants that
    centre them are buffers, so they travel with the weights. Reference: [he2016deep], [ioffe2015batch]
    """

    name = "resnet"
    capabilities = frozenset({Capability.GRADIENT, Capability.CONVOLUTION, Capability.ACTIVATION_MAPS})

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        *,
        channels: int,
        classes: int,
        widths: Sequence[int],
        blocks: int = 1,
        mean: float | Sequence[float] = 0.0,
        deviation: float | Sequence[float] = 1.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).reshape(-1, 1, 1))
        self.register_buffer("deviation", torch.tensor(deviation).reshape(-1, 1, 1))
        self.stem = nn.Sequential(
            nn.Conv2d(channels, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        rows: list[nn.Module] = []
        for before, after in zip((widths[0], *widths), widths, strict=False):
            rows.append(_Block(before, after, stride=2 if rows else 1))
            rows.extend(_Block(after, after, stride=1) for _ in range(blocks - 1))
        self.blocks = nn.ModuleList(rows)
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(widths[-1], classes)

    @property
    def class_activation_layer(self) -> str:  # type: ignore[override]
        return f"blocks.{len(self.blocks) - 1}"

    def forward(self, inputs: Float[Tensor, "sample channel height width"]) -> Float[Tensor, "sample class"]:
        maps = self.stem((inputs - self.mean) / self.deviation)  # sample, width of the first stage, height, width
        for block in self.blocks:
            maps = block(maps)
        return self.classify(self.dropout(maps.mean((2, 3))))  # the mean: sample, width of the last stage


class _Block(nn.Module):
    """relu(shortcut(h) + norm(conv(relu(norm(conv(h))))))."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.shortcut: nn.Module = nn.Identity()
        if (before, stride) != (after, 1):
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after))
        self.rectify = nn.ReLU()

    def forward(
        self, maps: Float[Tensor, "sample before height width"]
    ) -> Float[Tensor, "sample after height2 width2"]:
        return self.rectify(self.shortcut(maps) + self.residual(maps))
