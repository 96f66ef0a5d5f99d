"""Bad input, and models that answer badly, get one sentence with what to do; nothing hangs."""

import numpy as np
import pytest
import torch
from subjects import SCORE, Dense, Features, at, query, subject
from torch import Tensor, nn

from workbench.explanation import explain, method, methods_for
from workbench.methods.kernel_shap import KernelShap
from workbench.subject import Subject
from zoo.errors import InputError

HERE = at((1.0, 0.5, 2.0, 1.0))


class OnlyHere(nn.Module):
    """Answers, and has gradients, at one point alone; everywhere else all is NaN."""

    def forward(self, x: Tensor) -> Tensor:
        far = (x.detach() - HERE.inputs).abs().amax(1, keepdim=True) > 1e-3
        return torch.where(far, x.sqrt() * torch.nan, x)[:, :2]


@pytest.mark.parametrize("name", methods_for(subject(Dense)))
def test_nan_near_the_sample_ends_in_a_sentence(name):
    """Guided integrated gradients used to wait for ever, and LIME's solver to fail for a reason of its own."""
    of = Subject(OnlyHere(), Features())
    try:
        record = explain(of, HERE, method(name), SCORE)
    except InputError as error:
        assert "not finite" in str(error) or "another path" in str(error)  # noqa: PT017 - some methods never look
        return
    assert np.isfinite(record.values).all()
    assert method(name).reference(query(of, HERE)) is None


def test_answers_that_are_not_finite_name_the_sample():
    network = Dense()
    network.outer.data[0] = torch.nan
    with pytest.raises(InputError, match=r"answers \S+ with numbers that are not finite.* leave that sample out"):
        explain(subject(network), HERE, method("deep_lift"), SCORE)


@pytest.mark.parametrize("classes", [[9], [-1], [0, 0]])
def test_classes_that_are_none_get_a_sentence(classes):
    with pytest.raises(InputError, match=r"not one for each of 1 samples\. Give whole numbers from 0 to 1"):
        explain(subject(Dense), HERE, method("gradient"), SCORE, torch.tensor(classes))


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("made up"), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate")]
)
def test_too_little_memory_says_what_to_lower(error, monkeypatch):
    """Halving is tried first (`test_properties.py`); this is said when a single row does not fit."""

    def fail(*_):
        raise error

    monkeypatch.setattr(Dense, "forward", lambda _, x: fail() if len(x) != 1 or x[0, 0] != 1 else x[:, :2])
    with pytest.raises(InputError, match=r"Kernel SHAP needs more memory .* Lower n_samples, or explain fewer"):
        explain(subject(Dense), HERE, KernelShap(), SCORE)


def test_an_error_of_the_network_itself_stays_what_it_is(monkeypatch):
    of = subject(Dense)

    def fail(*_):
        raise RuntimeError("of its own")

    monkeypatch.setattr("workbench.methods.gradient.Gradient.attribute", fail)
    with pytest.raises(RuntimeError, match="of its own"):
        explain(of, HERE, method("gradient"), SCORE)
