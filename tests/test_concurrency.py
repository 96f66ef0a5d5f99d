"""Explaining leaves a model exactly as it was, and two who explain it at once get what each would get alone."""

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from subjects import SCORE, Bag, Convolved, Features, Negation, Pixels, subject
from torch import nn

import workbench
from workbench.evidence import evidence
from workbench.explanation import explain, method, methods_for
from workbench.scoring import metric
from workbench.subject import Subject

CASES = [(network, name) for network in (Convolved, Negation) for name in methods_for(subject(network))]


def state(network: nn.Module) -> dict:
    """Everything that explaining could leave behind, copied."""
    return {
        "tensors": {name: value.clone() for name, value in network.state_dict().items()},
        "versions": {name: value._version for name, value in network.state_dict(keep_vars=True).items()},
        "gradients": {name: value.grad for name, value in network.named_parameters()},
        "requires": {name: value.requires_grad for name, value in network.named_parameters()},
        "modes": {name: module.training for name, module in network.named_modules()},
        "hooks": {
            name: [len(value) for key, value in sorted(vars(module).items()) if key.endswith("_hooks")]
            for name, module in network.named_modules()
        },
        "formats": {name: value.stride() for name, value in network.state_dict().items()},
    }


def assert_same(before: dict, after: dict) -> None:
    for name, value in before["tensors"].items():
        assert torch.equal(value, after["tensors"][name]), name
    assert {k: v for k, v in before.items() if k != "tensors"} == {k: v for k, v in after.items() if k != "tensors"}


@pytest.mark.parametrize(("network", "name"), CASES)
def test_the_module_is_left_as_it_was(network, name):
    module = network().train()
    next(module.parameters()).requires_grad_(False)
    before = state(module)
    task = Bag() if network is Negation else Pixels()
    of = Subject(module, task)
    samples = task.samples("test")
    inputs = samples.inputs.clone()
    record = explain(of, samples, method(name), SCORE)
    for one in ("deletion", "insertion"):
        metric(one).score(of, samples, record)
    evidence(of, samples.take([0]), record.take(0))
    assert_same(before, state(module))
    assert torch.equal(inputs, samples.inputs)
    assert samples.inputs.grad is None


class Fails(nn.Module):
    """Works a few times, then raises in the middle of a batch normalisation network."""

    capabilities = Convolved.capabilities

    def __init__(self) -> None:
        super().__init__()
        self.body, self.calls = Convolved(), 0

    def forward(self, inputs):
        self.calls += 1
        if self.calls > 2:
            raise RuntimeError("made up")
        return self.body(inputs)


@pytest.mark.parametrize("name", ["integrated_gradients", "occlusion", "kernel_shap", "gradient"])
def test_the_module_is_left_as_it_was_when_a_call_fails(name):
    module = Fails().train()
    before = state(module)
    of = Subject(module, Pixels())
    samples = of.task.samples("test")
    explaining = functools.partial(explain, of, samples, method(name), SCORE)
    with pytest.raises(RuntimeError, match="made up"):
        [call() for call in [explaining] * 3]
    assert_same(before, state(module))
    assert module.calls == 0  # the copy was called, not the module


def test_a_subject_sees_weights_that_are_trained_on():
    module = Convolved()
    of = Subject(module, Pixels())
    samples = of.task.samples("test")
    before = explain(of, samples, method("occlusion"), SCORE).values
    with torch.no_grad():
        module.head.weight.mul_(2)
        module.head.bias.mul_(2)
    np.testing.assert_allclose(explain(of, samples, method("occlusion"), SCORE).values, 2 * before, atol=1e-5)


def test_editable_copies_share_nothing():
    of = subject(Convolved)
    copy = of.editable()
    for (_, mine), (_, theirs) in zip(copy.named_parameters(), of.network.named_parameters(), strict=True):
        assert mine.data_ptr() != theirs.data_ptr()
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("network", [Convolved, Negation])
def test_eight_threads_get_what_one_gets(network):
    """Twenty calls of every method, bit for bit: same chunks, same order, no state shared but the weights. Two samples
    and few draws will do: what could race is as often asked for."""
    module = network().train()
    task = Bag() if network is Negation else Pixels()
    of = Subject(module, task)
    samples = task.samples("test").take([1, 2])
    configs = [method(name).rough() for name in methods_for(of)]
    alone = [explain(of, samples, config, SCORE).values for config in configs]
    before = state(module)

    def work(number: int) -> list[np.ndarray]:
        order = configs[number % len(configs) :] + configs[: number % len(configs)]
        found = {config.name: explain(of, samples, config, SCORE).values for config in order}
        return [found[config.name] for config in configs]

    with ThreadPoolExecutor(8) as pool:
        for values in pool.map(work, range(20)):
            for mine, expected in zip(values, alone, strict=True):
                np.testing.assert_array_equal(mine, expected)
    assert_same(before, state(module))


def test_threads_that_score_at_once_share_the_control():
    of = subject(Convolved)
    samples = of.task.samples("test")
    records = [explain(of, samples, method(name), SCORE) for name in methods_for(of)]
    alone = [metric("deletion", seed=11).score(of, samples, record) for record in records]
    with ThreadPoolExecutor(8) as pool:
        for record, expected, found in zip(
            records, alone, pool.map(lambda r: metric("deletion", seed=11).score(of, samples, r), records), strict=True
        ):
            assert record.method == found.method
            np.testing.assert_array_equal(found.values, expected.values)
            np.testing.assert_array_equal(found.control, expected.control)


def test_features_task_is_frozen_and_hashable():
    assert hash(Features()) == hash(Features())


def test_sessions_that_share_a_model_of_the_zoo_do_not_meet():
    of = workbench.load("cnn_digits")
    samples = of.task.select("0:2")
    configs = [method("occlusion"), method("integrated_gradients"), method("kernel_shap", n_samples=128)]
    alone = [explain(of, samples, config).values for config in configs]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: explain(of, samples, configs[number % 3]).values, range(24)))
    for number, values in enumerate(found):
        np.testing.assert_array_equal(values, alone[number % 3])
