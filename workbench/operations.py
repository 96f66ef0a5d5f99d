"""Operations: what the elementary operations of torch are to a rule of propagation.

Names are those of `torch.ops.aten`. A rule that meets a name in none of these sets says so and refuses: an operation
that is not understood is never guessed.
"""

from workbench.tape import Step, Tape
from zoo.errors import InputError

REARRANGING = frozenset(
    [
        "_reshape_alias",
        "_to_copy",
        "_unsafe_view",
        "alias",
        "as_strided",
        "cat",
        "clone",
        "constant_pad_nd",
        "contiguous",
        "copy",
        "detach",
        "expand",
        "flip",
        "gather",
        "im2col",
        "index",
        "index_select",
        "lift_fresh",
        "masked_fill",
        "narrow",
        "permute",
        "pixel_shuffle",
        "pixel_unshuffle",
        "reflection_pad1d",
        "reflection_pad2d",
        "repeat",
        "replication_pad1d",
        "replication_pad2d",
        "reshape",
        "roll",
        "scatter",
        "select",
        "slice",
        "split",
        "split_with_sizes",
        "squeeze",
        "stack",
        "t",
        "transpose",
        "unbind",
        "unfold",
        "unsafe_split",
        "unsafe_split_with_sizes",
        "unsqueeze",
        "view",
        "where",
        "zeros_like",
        "new_zeros",
    ]
)
"""Move values about, or leave some out, and change none."""
AVERAGING = frozenset(
    [
        "_adaptive_avg_pool2d",
        "_adaptive_avg_pool3d",
        "adaptive_avg_pool1d",
        "avg_pool1d",
        "avg_pool2d",
        "avg_pool3d",
        "cumsum",
        "mean",
        "sum",
        "upsample_bilinear2d",
        "upsample_linear1d",
        "upsample_nearest1d",
        "upsample_nearest2d",
    ]
)
"""Sums with constant weights."""
SUMMING = frozenset(["add", "sub", "rsub", "neg"])
LINEAR = REARRANGING | AVERAGING | SUMMING
"""Linear whatever they are given."""
PRODUCTS = frozenset(["addmm", "addmv", "baddbmm", "bmm", "dot", "linear", "matmul", "mm", "mul", "mv"])
"""Linear in each of their factors."""
WEIGHING = frozenset(["addmm", "convolution", "mm"])
"""Where a layer's weights meet what comes in."""
ELEMENTWISE = frozenset(
    [
        "abs",
        "atan",
        "celu",
        "clamp",
        "clamp_max",
        "clamp_min",
        "cos",
        "elu",
        "erf",
        "exp",
        "expm1",
        "gelu",
        "hardsigmoid",
        "hardswish",
        "hardtanh",
        "leaky_relu",
        "log",
        "log1p",
        "log_sigmoid_forward",
        "mish",
        "pow",
        "reciprocal",
        "relu",
        "relu6",
        "rsqrt",
        "selu",
        "sigmoid",
        "silu",
        "sin",
        "softplus",
        "sqrt",
        "square",
        "tanh",
        "threshold",
    ]
)
"""One number in, one number out."""
RECTIFYING = frozenset(
    [
        "celu",
        "clamp_min",
        "elu",
        "gelu",
        "hardswish",
        "leaky_relu",
        "mish",
        "relu",
        "relu6",
        "selu",
        "silu",
        "softplus",
        "threshold",
    ]
)
"""Those that let what is large pass and hold back what is small, whatever else they are given."""
SCALING = frozenset(["hardsigmoid", "reciprocal", "rsqrt", "sigmoid"])
"""Those whose results open and close gates, or bring others to size."""
SOFTMAX = frozenset(["_safe_softmax", "_softmax", "softmax"])
MAXIMUM = frozenset(["amax", "max", "max_pool2d_with_indices", "max_pool3d_with_indices", "maximum"])
MINIMUM = frozenset(["amin", "min", "minimum"])
"""Of a window, of an axis, or of two."""
NORMALISING = frozenset(["_native_batch_norm_legit_no_training", "cudnn_batch_norm", "native_batch_norm"])
"""By constant statistics, in evaluation mode."""
TRAINING = 5
"""The place at which batch normalisation is told that it is not in evaluation mode."""


def is_linear(step: Step) -> bool:
    """Whether what the step makes is linear in its live arguments together, up to a constant."""
    name = step.name
    if name in LINEAR:
        return True
    if name in NORMALISING:
        return name.endswith("no_training") or step.arguments[TRAINING] is False
    if name == "convolution":
        return set(step.live) == {0}
    if name == "div":
        return set(step.live) == {0}
    if name in ("addmm", "addmv", "baddbmm"):
        return not {1, 2} <= set(step.live)
    return name in PRODUCTS and len(step.live) == 1


def rectifies(step: Step) -> bool:
    """Whether the step lets what is large pass and holds back what is small: max(x, 0) in any spelling, too."""
    if step.name in RECTIFYING:
        return True
    if step.name in ("clamp", "hardtanh"):  # torch's relu6 is the latter
        return [low for low in step.arguments[1:2] if isinstance(low, int | float)] == [0]
    if step.name == "maximum" and len(step.live) == 1:
        (place,) = step.live
        return not step.leaves[1 - place].any() and step.made[0].shape == step.inputs[place].shape
    return False


def refuse(step: Step, what: str) -> InputError:
    """The sentence for an operation that a rule does not know."""
    return InputError(
        f"{what} has no rule for the operation {step.name}. Choose a method that needs only gradients or outputs "
        "(integrated gradients, kernel SHAP), or write the network without it."
    )


def scaling(tape: Tape) -> frozenset[int]:
    """The values that only open and close gates or bring others to size: a sigmoid's, one minus it, its parts."""
    found: set[int] = set()
    for step in tape.steps:
        sources = set(step.live.values())
        kept = is_linear(step) and step.name not in WEIGHING and sources <= found
        if step.name in SCALING or kept:
            found |= {out for out in step.outputs if out is not None}
    return frozenset(found)
