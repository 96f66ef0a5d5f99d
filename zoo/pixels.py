"""Pixels: data sets of image files, and what the files decode to."""

import io
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from zoo import mirror
from zoo.errors import InputError
from zoo.patches import patches
from zoo.task import Kind, Samples, Task

PATCH = 4


class PublishedImages(Task):
    """Labelled image files of a set of the hub, in the splits and the order they were published in. Groups are patches
    of 4 × 4 pixels."""

    kind = Kind.IMAGE
    axes = ("channel", "height", "width")
    columns: ClassVar[tuple[str, str]]
    """What the set calls the files and the labels."""

    def load(self, split: str) -> Samples:
        files, labels = mirror.read(self.source, split, self.columns)
        return Samples(
            inputs=decoded(files, self.source),
            labels=torch.tensor(labels, dtype=torch.long),
            ids=tuple(f"{split}:{i}" for i in range(len(labels))),
        )

    def unavailable(self) -> str | None:
        return mirror.unavailable(self.source)

    def groups(
        self, inputs: Float[Tensor, "sample channel height width"]
    ) -> Int[Tensor, "sample channel height width"]:
        return patches(inputs, PATCH)


def decoded(files: Sequence[Mapping[str, bytes | None]], source: str) -> Float[Tensor, "sample channel height width"]:
    """The images in files ({"bytes": …}, as the data library holds them), each value over 255; `InputError` where one
    is damaged, or unlike the first in size or number of channels."""
    from PIL import Image

    rows = []
    for index, file in enumerate(files):
        try:
            with Image.open(io.BytesIO(file["bytes"] or b"")) as picture:
                rows.append(np.asarray(picture))
        except (OSError, ValueError, SyntaxError) as error:  # what the decoders of PNG and JPEG raise
            reason = " ".join(str(error).split())[:80]
            raise InputError(
                f"Image {index} of {source} cannot be decoded ({reason}). Fetch the data set again."
            ) from error
        if rows[-1].shape != rows[0].shape or rows[-1].dtype != np.uint8:
            raise InputError(
                f"Image {index} of {source} is {rows[-1].shape} of {rows[-1].dtype}, and the first {rows[0].shape} of "
                "uint8. Fetch the data set again."
            )
    pixels = torch.from_numpy(np.stack(rows))
    pixels = pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)  # grey images have no channel axis
    return pixels.contiguous().to(torch.float32).div_(255)
