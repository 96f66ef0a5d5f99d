"""Any module that maps inputs to logits is explained, left alone and told apart; what is none is told so."""

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from subjects import SCORE, Bag, Convolved, Dense, Features, OneHotBag, Pixels, subject
from torch import Tensor, nn

import workbench
from workbench.analysis import analysis, measure
from workbench.explanation import explain, method, methods_for
from workbench.subject import Subject, chunked
from zoo.errors import InputError
from zoo.task import Samples, TextTask


class Viewed(nn.Module):
    """Flattens with `view`, which wants the memory in the order of the axes."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(72, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(inputs.view(len(inputs), -1))


class Returns(nn.Module):
    """Returns whatever `answer` makes of the inputs."""

    def __init__(self, answer) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, inputs: Tensor):
        return self.answer(inputs)


class Counting(Convolved):
    """Counts its calls in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(inputs)


def seeded(build: Callable[[], nn.Module]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build()


def samples_of(of: Subject, **changed) -> Samples:
    """The subject's samples with some fields set to anything at all."""
    samples = replace(of.task.samples("test"))
    for name, value in changed.items():
        object.__setattr__(samples, name, value)
    return samples


def test_a_module_that_views_its_inputs_is_explained():
    of = Subject(seeded(Viewed), Pixels())
    samples = of.task.samples("test")
    assert torch.equal(of.logits(samples.inputs), of.network(samples.inputs))
    for name in methods_for(of):
        explain(of, samples.take([0, 1]), method(name), SCORE)


@pytest.mark.parametrize("name", methods_for(subject(Convolved)))
@pytest.mark.parametrize(
    ("weights", "inputs", "tolerance"),
    [(torch.float64, torch.float32, 1e-4), (torch.float32, torch.float64, 1e-4), (torch.bfloat16, torch.float32, 0.3)],
)
def test_weights_and_inputs_of_any_precision(name, weights, inputs, tolerance):
    of = Subject(Convolved().to(weights), Pixels())
    plain = of.task.samples("test").take(range(4))
    expected = explain(subject(Convolved), plain, method(name), SCORE)
    found = explain(of, replace(plain, inputs=plain.inputs.to(inputs)), method(name), SCORE)
    np.testing.assert_allclose(found.f_x, expected.f_x, atol=tolerance)
    wanted = torch.float64 if weights == torch.float64 else torch.float32
    assert of.logits(plain.inputs.to(inputs)).dtype == wanted
    if weights != torch.bfloat16:  # whose noise is as large as some values
        np.testing.assert_allclose(found.values, expected.values, atol=tolerance)


def test_embeddings_of_any_precision():
    of, plain = Subject(OneHotBag().to(torch.bfloat16), Bag()), subject(OneHotBag)
    samples = plain.task.samples("test")
    found, expected = (explain(s, samples, method("integrated_gradients"), SCORE).values for s in (of, plain))
    np.testing.assert_allclose(found, expected, atol=0.05)


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: x[:, :1].repeat(1, 3),
        lambda x: x[:, :1],
        lambda x: x.sum(1),
        lambda x: (x[:, :2], x),
        lambda x: x[:, :2].long(),
        lambda x: x[:1, :2].repeat(5, 1),
    ],
)
def test_what_is_not_logits_is_told_so(answer):
    of = Subject(Returns(answer), Features())
    for ask in (lambda: of.check(of.task.samples("test")), lambda: of.logits(of.task.samples("test").inputs)):
        with pytest.raises(InputError, match=r"returned .* a \(sample, 2-class\) tensor of logits is needed"):
            ask()


def test_a_module_for_another_input_size_is_told_so():
    of = Subject(seeded(lambda: nn.Linear(5, 2)), Features())
    with pytest.raises(InputError, match=r"cannot read inputs of shape \(1, 4\).*mat1 and mat2"):
        explain(of, of.task.samples("test"), method("gradient"), SCORE)


@pytest.mark.parametrize("name", methods_for(subject(Dense)))
def test_a_module_that_writes_into_its_inputs_leaves_them_as_they_were(name):
    """Its answers are those of the same function written out of place."""
    head = seeded(lambda: nn.Linear(4, 2))
    writing, plain = (Subject(nn.Sequential(nn.ReLU(inplace=one), head), Features()) for one in (True, False))
    samples = writing.task.samples("test")
    before = samples.inputs.clone()
    found, expected = (explain(of, samples, method(name), SCORE) for of in (writing, plain))
    assert torch.equal(samples.inputs, before)
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_array_equal(found.f_x, expected.f_x)


def test_the_callers_hooks_are_not_called():
    module, heard = Convolved(), []
    for one in module.modules():
        one.register_forward_pre_hook(lambda *_: heard.append("before"))
        one.register_forward_hook(lambda *_: heard.append("after"))
        one.register_full_backward_pre_hook(lambda *_: heard.append("back"))
        one.register_full_backward_hook(lambda *_: heard.append("back"))
    of = Subject(module, Pixels())
    explain(of, of.task.samples("test"), method("gradient"), SCORE)
    assert not heard
    module(of.task.samples("test").inputs)
    assert {"before", "after"} == set(heard)


@pytest.mark.filterwarnings("ignore:.*weight_norm")
def test_old_weight_normalisation_still_works():
    module = nn.Sequential(torch.nn.utils.weight_norm(seeded(lambda: nn.Linear(4, 2))))
    of = Subject(module, Features())
    samples = of.task.samples("test")
    with torch.no_grad():
        module[0].weight_g.mul_(2)
    assert torch.equal(of.logits(samples.inputs), module(samples.inputs))
    explain(of, samples, method("gradient"), SCORE)
    assert torch.equal(of.editable()(samples.inputs), module(samples.inputs))


def test_a_module_that_cannot_be_copied_is_told_so():
    module = seeded(lambda: nn.Linear(4, 2))
    module.cache = [module.weight * 2]
    with pytest.raises(InputError, match="parametrizations"):
        Subject(module, Features())


def test_buffers_stay_the_callers_own():
    module = Counting()
    of = Subject(module, Pixels())
    explain(of, of.task.samples("test"), method("gradient"), SCORE)
    assert module.calls == 0
    assert of.network.calls > 0


def test_weights_are_told_apart_by_their_digest():
    one, same, other = (Subject(Dense(seed), Features()) for seed in (0, 0, 1))
    assert len(one.digest) == 64
    assert one.digest == same.digest != other.digest
    named = Subject(Dense(0), Features(), digest="of a file")
    assert named.digest == named.metered().digest == "of a file"
    assert named.with_model(Dense(1)).digest == other.digest
    assert explain(one, one.task.samples("test"), method("gradient")).provenance["weights_sha256"] == one.digest


def test_changed_weights_have_another_digest():
    module = Dense(0)
    for of in (Subject(module, Features()), Subject(module, Features(), digest="of a file")):
        before = of.digest
        with torch.no_grad():
            module.inner.mul_(2)
        assert of.digest != before


def test_loaded_subjects_share_no_weights():
    one, other = workbench.load("cnn_digits"), workbench.load("cnn_digits")
    kept = {name: value.clone() for name, value in other.network.state_dict().items()}
    with torch.no_grad():
        for parameter in one.network.parameters():
            parameter.zero_()
    later = workbench.load("cnn_digits")
    for of in (other, later):
        assert all(torch.equal(value, kept[name]) for name, value in of.network.state_dict().items())


FEATURES = Features().load("test")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"labels": torch.full((12,), 2)}, "label 2, .* 0 to 1"),
        ({"labels": torch.full((12,), -2)}, "label -2, .* 0 to 1"),
        ({"labels": torch.ones(11).long()}, "12 inputs, 11 labels and 12 ids"),
        ({"ids": ("a", "b")}, "12 inputs, 12 labels and 2 ids"),
        ({"inputs": FEATURES.inputs.numpy()}, "torch.from_numpy"),
        ({"labels": FEATURES.labels.numpy()}, "torch.from_numpy"),
        ({"inputs": torch.full((12, 4), torch.nan)}, "not finite"),
    ],
)
@pytest.mark.parametrize("ask", ["check", "surface", "slice", "top_eigenvalue", "confusion", "architecture"])
def test_samples_that_are_none_are_told_so(changed, sentence, ask):
    of = subject(Dense)
    samples = samples_of(of, **changed)
    made = {"confusion": analysis, "architecture": analysis}
    run = of.check if ask == "check" else functools.partial(made.get(ask, measure)(ask).run, of)
    with pytest.raises(InputError, match=sentence):
        run(samples)


class Short(Bag):
    """A vocabulary of eight and sentences of at most four tokens."""

    longest, vocabulary = 4, 8


@pytest.mark.parametrize(
    ("ids", "sentence"), [([[2, 8]], "token id 8, .* 0 to 7"), ([[2, 3, 2, 3, 2]], "5 tokens, .* 4")]
)
def test_tokens_that_are_none_are_told_so(ids, sentence):
    of = Subject(OneHotBag(), Short())
    assert isinstance(of.task, TextTask)
    samples = Samples(inputs=torch.tensor(ids), labels=torch.tensor([1]), ids=("a",))
    with pytest.raises(InputError, match=sentence):
        of.check(samples)


def test_the_films_say_how_much_is_read():
    of = workbench.load("transformer_sst2")
    samples = of.task.select("examples:0")
    with pytest.raises(InputError, match="token id 4000"):
        of.check(replace(samples, inputs=torch.full((1, 3), 4000)))
    with pytest.raises(InputError, match="129 tokens"):
        of.check(replace(samples, inputs=torch.full((1, 129), 2)))


def test_no_samples_have_no_logits():
    with pytest.raises(InputError, match="No samples"):
        subject(Dense).logits(torch.zeros(0, 4))


def test_the_landscape_of_a_module_that_views_its_inputs():
    of = Subject(seeded(Viewed), Pixels())
    assert np.isfinite(measure("slice", steps=3).run(of, of.task.samples("test")).y).all()


def test_gradients_by_several_threads_keep_the_order_of_images_in_memory(monkeypatch):
    """Channels last is for whoever profits: forward passes, and gradients by one thread."""
    from workbench.subject import arranged

    def is_last(threads, gradient):
        monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
        with torch.set_grad_enabled(gradient):
            return arranged(torch.zeros(2, 3, 4, 4)).is_contiguous(memory_format=torch.channels_last)

    assert [is_last(1, True), is_last(1, False), is_last(2, False), is_last(2, True)] == [True, True, True, False]


def test_rows_of_a_few_columns_go_through_together_and_images_in_smaller_chunks():
    for elements, expected in ((20, 3276), (64, 512), (3072, 85)):
        sizes = list[int]()
        chunked(lambda rows, sizes=sizes: sizes.append(rows.stop - rows.start) or torch.zeros(1), 5000, elements)
        assert max(sizes) == expected
        assert sum(sizes) == 5000
