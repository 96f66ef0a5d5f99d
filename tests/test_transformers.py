"""Transformers: what they compute is what their docstrings say, and what is left out changes nothing."""

import pytest
import torch
from torch.nn.functional import layer_norm

import zoo
from zoo.errors import InputError
from zoo.model import Capability, Network, initialise
from zoo.models.attention_only import AttentionOnly
from zoo.models.cct import Cct
from zoo.models.decoder import Decoder
from zoo.models.vit import Vit

DECODERS = {
    "decoder": (Decoder, {"vocabulary": 12, "classes": 5, "longest": 9, "hidden": 8, "heads": 2, "inner": 16}),
    "plain": (
        Decoder,
        {
            **{"vocabulary": 12, "classes": 5, "longest": 9, "hidden": 8, "heads": 2, "inner": 16, "layers": 1},
            **{"normalise": False, "activation": "relu"},
        },
    ),
    "attention_only": (AttentionOnly, {"vocabulary": 12, "classes": 5, "longest": 9, "hidden": 8}),
}
IMAGES = {
    "vit": (Vit, {"channels": 2, "classes": 3, "side": 8, "patch": 2, "hidden": 8, "inner": 8}),
    "cct": (Cct, {"channels": 2, "classes": 3, "side": 8, "widths": (4, 8), "inner": 8}),
}


def made(chosen) -> Network:
    architecture, options = chosen
    return initialise(architecture, options, 0).double().eval()


def tokens(count: int = 6, length: int = 7):
    return torch.randint(2, 12, (count, length), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", DECODERS)
def test_the_answer_is_the_step_at_the_last_token(name):
    model, inputs = made(DECODERS[name]), tokens()
    assert model.steps(inputs).shape == (6, 7, 5)
    torch.testing.assert_close(model(inputs), model.steps(inputs)[:, -1], rtol=1e-10, atol=1e-10)
    inputs[1, 4:] = 0
    torch.testing.assert_close(model(inputs)[1], model.steps(inputs)[1, 3], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", DECODERS)
def test_what_comes_later_changes_nothing_before(name):
    model, inputs = made(DECODERS[name]), tokens()
    changed = inputs.clone()
    changed[:, 4] = (changed[:, 4] - 1) % 10 + 2
    before, after = model.steps(inputs), model.steps(changed)
    torch.testing.assert_close(before[:, :4], after[:, :4], rtol=1e-10, atol=1e-10)
    assert ((before[:, 4:] - after[:, 4:]).abs().amax(2) > 1e-6).all()


@pytest.mark.parametrize("name", DECODERS)
def test_a_token_that_is_not_there_is_not_looked_at(name):
    model, inputs = made(DECODERS[name]), tokens()
    mask = torch.ones_like(inputs, dtype=torch.bool)
    mask[:, 2] = False
    embedded = model.embed(inputs)
    changed = embedded.clone()
    changed[:, 2, 0] += 1  # of one number: a norm would take out what all have in common
    torch.testing.assert_close(model.from_embedding(changed, mask), model.from_embedding(embedded, mask))
    assert not torch.allclose(model.from_embedding(changed, mask | True), model.from_embedding(embedded, mask | True))


@pytest.mark.parametrize("name", DECODERS)
def test_padding_beyond_the_last_position_changes_nothing(name):
    model, inputs = made(DECODERS[name]), tokens()
    wider = torch.cat((inputs, inputs.new_zeros(6, 20)), dim=1)
    torch.testing.assert_close(model(wider), model(inputs), rtol=1e-10, atol=1e-10)
    assert torch.isfinite(model(torch.zeros(2, 30, dtype=torch.long))).all()


def test_an_unknown_activation_names_those_there_are():
    with pytest.raises(InputError, match=r"'tanh'.*relu"):
        Decoder(vocabulary=5, classes=2, longest=3, activation="tanh")


def attention(x, query, key, value, merge, heads, causal):
    """Attention written out: sums over heads and places, one by one."""
    count, length, hidden = x.shape
    width = hidden // heads
    mixed = torch.zeros_like(x)
    for sample in range(count):
        for head in range(heads):
            part = slice(head * width, (head + 1) * width)
            for place in range(length):
                seen = place + 1 if causal else length
                q = query(x)[sample, place, part]
                score = torch.stack([q @ key(x)[sample, other, part] for other in range(seen)]) / width**0.5
                share = score.softmax(0)
                mixed[sample, place, part] = sum(share[o] * value(x)[sample, o, part] for o in range(seen))
    return merge(mixed)


def test_attention_only_is_what_its_formula_says():
    model, inputs = made(DECODERS["attention_only"]), tokens(2, 4)
    x = model.embedding(inputs) + model.position[:4]
    for layer in model.layers:
        x = x + attention(x, layer.query, layer.key, layer.value, layer.merge, layer.heads, True)
    torch.testing.assert_close(model.steps(inputs), model.classify(x), rtol=1e-9, atol=1e-9)


def test_a_decoder_without_norms_is_what_its_formula_says():
    model, inputs = made(DECODERS["plain"]), tokens(2, 4)
    x = model.embedding(inputs) + model.position[:4]
    block = model.blocks[0]

    def key(y):
        return block.key_value(y)[..., :8]

    def value(y):
        return block.key_value(y)[..., 8:]

    x = x + attention(x, block.query, key, value, block.merge, block.heads, True)
    x = x + block.down(block.up(x).clamp(min=0))
    torch.testing.assert_close(model.steps(inputs), model.classify(x), rtol=1e-9, atol=1e-9)
    assert not any("norm" in name for name, _ in model.named_parameters())


def test_a_patch_of_a_vision_transformer_is_a_square_of_the_image():
    model = made(IMAGES["vit"])
    image = torch.zeros(1, 2, 8, 8, dtype=torch.float64)
    image[0, :, 2:4, 4:6] = torch.rand(2, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    seen = []
    model.project.register_forward_hook(lambda *call: seen.append(call[1][0]))
    model(image)
    filled = seen[0][0].abs().sum(1).nonzero().flatten().tolist()
    assert filled == [1 * 4 + 2]
    torch.testing.assert_close(seen[0][0, 6], image[0, :, 2:4, 4:6].flatten())


def test_the_block_of_a_vision_transformer_is_what_its_formula_says():
    block = made(IMAGES["vit"]).blocks[0]
    x = torch.randn(1, 3, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    read = layer_norm(x, (8,), block.norm_attention.weight, block.norm_attention.bias)
    parts = [lambda y, i=i: block.query_key_value(y)[..., 8 * i : 8 * (i + 1)] for i in range(3)]
    expected = x + attention(read, *parts, block.merge, block.heads, False)
    inner = block.up(layer_norm(expected, (8,), block.norm_inner.weight, block.norm_inner.bias))
    expected = expected + block.down(inner * 0.5 * (1 + torch.erf(inner / 2**0.5)))
    torch.testing.assert_close(block(x), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", IMAGES)
def test_places_matter_to_networks_for_images(name):
    """Without position vectors an image whose patches are exchanged would have the same logits."""
    model = made(IMAGES[name])
    images = torch.rand(2, 2, 8, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    turned = images.roll(4, dims=3)
    assert (model(images) - model(turned)).abs().max() > 1e-6
    assert Capability.ATTENTION in model.capabilities


def test_attention_pooling_is_a_weighted_mean_of_the_tokens():
    model = made(IMAGES["cct"])
    with torch.no_grad():
        model.importance.weight.zero_()
    normed = []
    model.norm.register_forward_hook(lambda *call: normed.append(call[2]))
    logits = model(torch.rand(2, 2, 8, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64))
    torch.testing.assert_close(logits, model.classify(normed[0].mean(1)), rtol=1e-10, atol=1e-10)
    assert normed[0].shape == (2, 4, 8)


# Induction -------------------------------------------------------------------------------------------------------


def test_the_class_is_what_followed_the_last_letter_before():
    samples = zoo.task("induction").samples("test")
    for row, label, evidence in zip(samples.inputs.tolist(), samples.labels.tolist(), samples.evidence, strict=True):
        first = row.index(row[-1])
        assert row.count(row[-1]) == 2
        assert row[first + 1] == label + 2
        assert evidence.nonzero().flatten().tolist() == [first, first + 1, len(row) - 1]
        assert len(set(row)) == len(row) - 1


def test_without_its_pair_a_row_says_nothing_of_the_class_and_with_another_rest_it_says_the_same():
    task = zoo.task("induction")
    whole, without, other = task.samples("test"), task.without_evidence("test"), task.with_other_rest("test")
    inside = whole.evidence.clone()
    inside[:, -1] = False
    assert torch.equal(whole.inputs != without.inputs, inside)
    assert not (without.inputs == whole.labels[:, None] + 2).any()
    assert torch.equal(other.inputs[whole.evidence], whole.inputs[whole.evidence])
    assert (other.inputs != whole.inputs)[~whole.evidence].float().mean() > 0.9
    assert all(len(set(row)) == len(row) - 1 for row in other.inputs.tolist())
    assert torch.equal(other.labels, whole.labels)


@pytest.mark.parametrize("text", ["", "a", "a b 3", "é a", "a" * 21])
def test_a_row_that_cannot_be_read_is_one_sentence(text):
    with pytest.raises(InputError, match=r"^.{20,200}\.?"):
        zoo.task("induction").encode([text])


# Characters ------------------------------------------------------------------------------------------------------


@pytest.mark.mirror
def test_the_answer_at_each_character_is_the_next_one():
    task = zoo.task("characters")
    for split in task.splits:
        samples = task.samples(split)
        assert torch.equal(samples.answers[:, :-1], samples.inputs[:, 1:] - 2)
        assert torch.equal(samples.answers[:, -1], samples.labels)
    train = task.samples("train")
    assert torch.equal(train.labels[:-1], train.inputs[1:, 0] - 2), "windows of the training split follow each other"
    assert "".join(train.texts[:2]).startswith("a stirring , funny and finally transporting re-imagining")


def test_typed_text_is_read_from_its_end_in_plain_characters():
    task = zoo.task("characters")
    samples = task.encode(["Café, 1999 ¶ %", "x" * 100 + " A film"])
    assert samples.texts[0] == "cafe, 0000 · ·"
    assert samples.texts[1] == "x" * 57 + " a film"
    assert samples.words[1][-8:] == (0, *(1, 1), *(2, 2, 2, 2, 2))
    with pytest.raises(InputError, match="empty"):
        task.encode(["  "])
