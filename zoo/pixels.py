"""Pixels: what image files of a data set decode to."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from zoo.errors import InputError


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
