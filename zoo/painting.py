"""Painting: generated images in two layers, of which one is the evidence, drawn block by block from seeds."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from zoo.generated import Generated
from zoo.patches import patches
from zoo.task import Kind, Samples

Image = Float[np.ndarray, "sample height width channel"]
Paint = Float[np.ndarray, "sample #height #width channel"]
Plane = Float[np.ndarray, "sample height width"]


@dataclass(frozen=True, kw_only=True)
class Painting:
    """Images before they are put together: the evidence, what lies behind it, and the noise over both."""

    rest: Image
    """Everything that is not evidence, painted through."""
    covered: Plane
    """The share of each pixel that the evidence covers."""
    paint: Paint
    """The colour of the evidence at each pixel; height and width are 1 where it is one colour."""
    noise: Image
    labels: Int[np.ndarray, "sample"]
    factors: Float[np.ndarray, "sample factor"]
    """Whatever else was drawn for each image and is worth knowing; each task says what."""

    def first(self, count: int) -> Self:
        """The first `count` of them, or all if there are fewer."""
        return type(self)(**{entry.name: getattr(self, entry.name)[:count] for entry in fields(self)})

    def shown(self) -> Image:
        """The images: paint over rest where covered, plus noise, in steps of 1/255 like any image file.

        Everything before is in double precision, so that the rounding gives the same image on every machine.
        """
        share = self.covered[..., None]
        painted = share * self.paint + (1 - share) * self.rest
        return (np.clip(255 * (painted + self.noise), 0, 255).round() / 255).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class PaintedTask(Generated):
    """A task whose images are drawn as a `Painting`, one block of 500 per generator; splits come from other seeds."""

    kind = Kind.IMAGE
    axes = ("channel", "height", "width")
    preprocessing = "None: the images are drawn in [0, 1], in steps of 1/255."

    train: int = 6000

    @abstractmethod
    def draw(self, generator: np.random.Generator) -> Painting:
        """One block of images."""

    @property
    @abstractmethod
    def patch(self) -> int:
        """Side of the squares of pixels that are switched on and off together."""

    def load(self, split: str) -> Samples:
        return self.rendered(split, lambda parts: parts)

    def groups(
        self, inputs: Float[Tensor, "sample channel height width"]
    ) -> Int[Tensor, "sample channel height width"]:
        return patches(inputs, self.patch)

    def without_evidence(self, split: str) -> Samples:
        """The same images, noise included, in which the evidence was not painted."""
        return self.rendered(split, lambda parts: replace(parts, covered=np.zeros_like(parts.covered)))

    def with_other_rest(self, split: str) -> Samples:
        """The same evidence, each over what lies behind that of another image."""
        return self.rendered(split, self.exchanged)

    def exchanged(self, parts: Painting) -> Painting:
        """A block in which every image has the rest of the next one."""
        return replace(parts, rest=np.roll(parts.rest, -1, axis=0))

    def paintings(self, split: str) -> Iterator[Painting]:
        """The parts of every image of a split, block by block."""
        for generator, count in self.draws(split):
            yield self.draw(generator).first(count)

    def rendered(self, split: str, change: Callable[[Painting], Painting]) -> Samples:
        """The samples of a split, each block changed before it is painted."""
        images, labels, evidence = [], [], []
        for parts in map(change, self.paintings(split)):
            images.append(torch.from_numpy(parts.shown().transpose(0, 3, 1, 2).copy()))
            labels.append(torch.from_numpy(parts.labels))
            evidence.append(torch.from_numpy(parts.covered > 0))
        inputs = torch.cat(images)
        return Samples(
            inputs=inputs,
            labels=torch.cat(labels),
            ids=tuple(f"{split}:{i}" for i in range(len(inputs))),
            evidence=torch.cat(evidence),
        )

    def factors(self, split: str) -> Float[np.ndarray, "sample factor"]:
        """What else was drawn for each image of a split, one column per factor."""
        return np.concatenate([parts.factors for parts in self.paintings(split)])
