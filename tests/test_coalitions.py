"""Groups taken out together: each coalition is asked for once, and a group alone by its window."""

import pytest
import torch

import workbench
from workbench.coalitions import distinct
from workbench.explanation import method
from workbench.groups import feature_groups
from workbench.query import Query
from workbench.records import Output


@pytest.mark.parametrize("players", [1, 5, 61, 62, 63, 130])
def test_distinct_rows_are_those_that_torch_finds_entry_by_entry(players):
    drawn = torch.rand(40, players, generator=torch.Generator().manual_seed(players)) < 0.5
    rows = torch.cat((drawn, drawn[:13], torch.ones(1, players, dtype=torch.bool)))
    found, index, times = distinct(rows)
    want, where, counts = torch.unique(rows, dim=0, return_inverse=True, return_counts=True)
    assert torch.equal(found, want)
    assert torch.equal(index, where)
    assert torch.equal(times, counts)
    assert torch.equal(found[index], rows)


@pytest.mark.parametrize(
    ("name", "groups"), [("cnn_digits", "task"), ("cnn_digits", "superpixels"), ("mlp_digits", "task")]
)
def test_feature_ablation_of_images_is_the_fall_for_each_group_taken_out_by_hand(name, groups):
    subject = workbench.load(name, device="cpu")
    for samples in (subject.task.select("test:3"), subject.task.select("test:0:3")):
        chosen = method("feature_ablation", groups=groups)
        query = Query(subject, samples, subject.logits(samples.inputs).argmax(-1), Output.LOGIT)
        found, layout = chosen.attribute(query), feature_groups(query, groups, 0)
        wanted = torch.zeros_like(found)
        for i, image in enumerate(samples.inputs):
            for group in layout[i].unique():
                inside = layout[i] == group
                holed = torch.where(inside, 0.0, image)
                f = [subject.logits(x[None])[0, query.classes[i]] for x in (image, holed)]
                wanted[i][inside] = (f[0] - f[1]) / inside.sum()
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
