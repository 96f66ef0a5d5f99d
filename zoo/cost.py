"""Cost: how many multiply-accumulates a network needs for one answer."""

import warnings

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from zoo.model import TraditionalModel
from zoo.task import Samples


def multiply_accumulates(model: nn.Module | TraditionalModel, samples: Samples) -> int | None:
    """Products a · b + c of matrix products, convolutions and attention, for the first of the samples as it stands in
    them (of text: padded to their width); None for a traditional model.

    What is done to each value by itself (biases, activations, normalisation, lookups) is not counted.

    When it misleads: two networks with the same count may differ tenfold in time, since memory and the order of the
    work count too; see the milliseconds that were measured.
    """
    if isinstance(model, TraditionalModel):
        return None
    device = next(model.parameters()).device
    inputs = samples.inputs[:1].to(device)
    counter = FlopCounterMode(display=False)
    # Fused kernels hide their products from the counter: oneDNN's LSTM, the flash attention of CPUs, and the fast path
    # of nn.TransformerEncoder, which is taken only without gradients.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "TF32 acceleration on top of oneDNN")  # said wherever its switch is touched
        with torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH), torch.enable_grad(), counter:
            model(inputs)
    return counter.get_total_flops() // 2
