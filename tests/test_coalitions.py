"""Coalitions that several rows share are asked for once, whatever the number of groups."""

import pytest
import torch

from workbench.coalitions import distinct


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
