"""Perturbations: taking features out of an input, or leaving only some of them in."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from workbench.locality import Chain, Images, chain, windowed_logits
from workbench.query import Query
from workbench.subject import chunked, read
from zoo.model import Capability
from zoo.task import Kind, Task

IMAGES_AT_ONCE = 64
"""Whose activations are all kept while their windows are looked at."""


def keep(
    inputs: Shaped[Tensor, "row ..."],
    kept: Bool[Tensor, "row ..."],
    reference: Shaped[Tensor, "row ..."],
) -> Shaped[Tensor, "row ..."]:
    """The inputs where `kept`, the reference inputs elsewhere; `kept` broadcasts over the axes it lacks on the left."""
    return torch.where(kept, inputs, reference)


def fine_features(task: Task, inputs: Shaped[Tensor, "sample ..."]) -> Int[Tensor, "sample ..."]:
    """The finest features that are looked at one by one: pixels over all channels, words, columns, points in time.

    Same shape as the inputs; entries that carry the same number belong together and -1 marks padding.
    """
    if task.kind is Kind.TEXT:
        return task.groups(inputs)
    shape = inputs.shape[2:] if task.kind is Kind.IMAGE else inputs.shape[1:]
    return torch.arange(shape.numel()).view(shape).expand(inputs.shape)


def per_feature(
    values: Float[Tensor, "sample ..."], features: Int[Tensor, "sample ..."]
) -> Float[Tensor, "sample feature"]:
    """Sum of the values of each feature's entries, in float64."""
    flat = features.flatten(1)
    total = torch.zeros(len(flat), max(1, int(flat.max()) + 1), dtype=torch.float64)
    return total.scatter_add_(1, flat.clamp(min=0), (values * (features >= 0)).flatten(1).double())


def group_counts(groups: Int[Tensor, "sample ..."]) -> Int[Tensor, "sample"]:
    """How many groups each sample has."""
    return groups.flatten(1).amax(1) + 1


def coalition_values(
    query: Query,
    coalitions: Callable[[slice], Bool[Tensor, "row group"]],
    rows: Int[Tensor, "row"],
    reference: Shaped[Tensor, "sample ..."],
    groups: Int[Tensor, "sample ..."],
) -> Float[Tensor, "row"]:
    """f where only the groups of each coalition are present and all others are at their reference.

    `coalitions(slice of rows)` says which are present in those rows, so that they never all exist.
    """
    index = groups.clamp(min=0)
    if index.ndim == 4 and (index == index[:, :1]).all():
        index = index[:, :1]  # all channels alike: look up one
    flat, alike = index.flatten(1), bool((index == index[:1]).all())

    def build(part: slice) -> Tensor:
        where, coalition = rows[part], coalitions(part)
        present = coalition.index_select(1, flat[0]) if alike else coalition.gather(1, flat[where])
        inputs, absent = query.inputs.index_select(0, where), reference.index_select(0, where)
        return keep(inputs, present.view(len(where), *index.shape[1:]), absent)

    return query.built_values(build, rows)


def window_values(
    query: Query, windows: Bool[Tensor, "group height width"], reference: Shaped[Tensor, "sample ..."]
) -> Float[Tensor, "sample group"]:
    """f of each image with each window replaced by the reference, over all channels.

    Where the network is a chain of convolutions, only what a window changes is computed.
    """
    subject, samples, count = query.subject, len(query.inputs), len(windows)
    first = subject.entering(query.inputs[:1])
    local = Capability.CONVOLUTION in subject.capabilities and first.dtype == query.inputs.dtype == torch.float32
    steps = chain(subject.network, first) if local else None
    if steps is None:
        rows, which = torch.arange(samples).repeat_interleave(count), torch.arange(count).repeat(samples)

        def build(part: slice) -> Tensor:
            inside = windows[which[part]][:, None]
            return keep(query.inputs[rows[part]], ~inside, reference[rows[part]])

        return query.built_values(build, rows).view(samples, count)
    blocks = torch.arange(samples).split(IMAGES_AT_ONCE)
    return torch.cat([_local_values(query, steps.ready(), windows, reference, block) for block in blocks])


def _local_values(
    query: Query,
    steps: Chain,
    windows: Bool[Tensor, "group height width"],
    reference: Shaped[Tensor, "sample ..."],
    block: Int[Tensor, "sample"],
) -> Float[Tensor, "sample group"]:
    subject, count = query.subject, len(windows)
    inside = windows.to(subject.device)
    tops, lefts = inside.any(2).int().argmax(1), inside.any(1).int().argmax(1)
    size = (int(inside.any(2).sum(1).amax()), int(inside.any(1).sum(1).amax()))
    corner = torch.stack((tops.clamp(max=inside.shape[1] - size[0]), lefts.clamp(max=inside.shape[2] - size[1])), 1)
    rows, which = torch.arange(len(block)).repeat_interleave(count), torch.arange(count).repeat(len(block))
    masks = Images.of(inside[:, None].float(), (0, 0))
    stand_in = Images.of(subject.entering(reference[block]), steps.steps[0].rim)
    with torch.no_grad():
        unchanged = steps.activations(subject.entering(query.inputs[block]))

    def compute(part: slice) -> Tensor:
        row, window = rows[part].to(subject.device), which[part].to(subject.device)
        with torch.no_grad():
            logits = windowed_logits(steps, unchanged, stand_in, masks, window, row, corner[window], size)
        subject.meter.add(forward=len(logits))
        return read(logits, query.classes[block[rows[part]]], query.output).cpu()

    return chunked(compute, len(rows), query.inputs[0].numel() // 8, subject.device).view(len(block), count)


def spread(per_group: Float[Tensor, "sample group"], groups: Int[Tensor, "sample ..."]) -> Float[Tensor, "sample ..."]:
    """Each group's value shared equally among its entries, so that sums are kept; padding gets 0."""
    flat = groups.flatten(1)
    index = flat.clamp(min=0)
    inside = (flat >= 0).to(per_group.dtype)
    sizes = torch.zeros_like(per_group).scatter_add_(1, index, inside).clamp(min=1)
    values = (per_group / sizes).gather(1, index) * inside
    return values.view(groups.shape)
