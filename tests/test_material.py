"""What a network is shown: augmentation, teachers, stretches and word vectors, each against its definition."""

from dataclasses import replace

import numpy as np
import torch

import zoo
from zoo import augmentation
from zoo.cooccurrence import WINDOW, _information, cooccurrence
from zoo.loading import untrained
from zoo.material import Material, from_teachers, opinion, stretches
from zoo.objective import CrossEntropy
from zoo.recipe import Distillation
from zoo.recipes import RECIPES
from zoo.training import train

SST2, DIGITS = zoo.task("sst2"), zoo.task("digits")
SENTENCES = SST2.samples("examples")
IDS = SENTENCES.inputs


def shown(task, samples) -> Material:
    goal = CrossEntropy(len(task.classes), smoothing=0.2)
    return Material(task=task, inputs=samples.inputs, targets=goal.targets(samples))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_smoothed_labels_are_what_the_formula_says():
    targets = shown(SST2, SENTENCES).targets
    expected = torch.full((12, 2), 0.1)
    expected[torch.arange(12), SENTENCES.labels] = 0.9
    torch.testing.assert_close(targets, expected)


def test_an_epoch_shows_every_sample_once_with_its_target():
    material = shown(SST2, SENTENCES)
    seen = []
    for inputs, targets in material.batches(5, generator(), torch.device("cpu")):
        assert inputs.shape[1] == int((inputs != 0).sum(1).max())
        texts = SST2.decode(inputs)
        seen += [(text, int(target.argmax())) for text, target in zip(texts, targets, strict=True)]
    assert sorted(seen) == sorted(zip(SST2.decode(IDS), SENTENCES.labels.tolist(), strict=True))
    images = shown(DIGITS, DIGITS.samples("train").take(range(23)))
    sizes = [len(inputs) for inputs, _ in images.batches(5, generator(), torch.device("cpu"))]
    assert sizes == [5, 5, 5, 5, 3]


def test_teachers_are_heard_by_their_share_and_label_the_stretches():
    teachers = tuple(untrained(replace(RECIPES["gru_sst2"], seed=seed)).eval() for seed in (1, 2))
    with torch.no_grad():
        expected = torch.stack([teacher(IDS).softmax(1) for teacher in teachers]).mean(0)
    torch.testing.assert_close(opinion(teachers, IDS, 0), expected)
    labels = torch.nn.functional.one_hot(SENTENCES.labels, 2)
    material = from_teachers(SST2, SENTENCES, teachers, 0.7)
    torch.testing.assert_close(material.targets, 0.7 * expected + 0.3 * labels)
    batches = list(material.batches(8, generator(), torch.device("cpu")))
    assert len(material) == sum(len(inputs) for inputs, _ in batches) == 24
    whole = set(SST2.decode(IDS))
    parts = [
        (inputs[i : i + 1], targets[i])
        for inputs, targets in batches
        for i, text in enumerate(SST2.decode(inputs))
        if text not in whole
    ]
    assert len(parts) > 6
    for inputs, target in parts:
        torch.testing.assert_close(opinion(teachers, inputs, 0)[0], target)


def test_a_student_is_trained_by_as_many_teachers_as_its_recipe_says():
    taught = Distillation(teachers=("gru_sst2", "transformer_sst2"), copies=2)
    plan = RECIPES["transformer_sst2"]
    plan = replace(plan, training=replace(plan.training, epochs=1, distillation=taught))
    told = []
    made = train(plan, SST2, SENTENCES, watch=lambda now: told.append(now.called))
    assert sorted(set(told)) == [*(f"teacher {i} of 4" for i in (1, 2, 3, 4)), "transformer_sst2"]
    assert np.isfinite(made.history["loss"]).all()


def test_a_stretch_is_a_run_of_at_least_three_tokens():
    lengths = set()
    for seed in range(20):
        for part, sentence in zip(stretches(IDS, 0, generator(seed)), IDS, strict=True):
            run, whole = part[part != 0].tolist(), sentence[sentence != 0].tolist()
            assert torch.equal(part[len(run) :], torch.zeros_like(part[len(run) :]))
            assert len(run) >= 3
            assert any(whole[i : i + len(run)] == run for i in range(len(whole)))
            lengths.add(len(run))
    assert len(lengths) > 8


def test_splitting_tokens_spells_the_same_text_with_more_of_them():
    split = augmentation.token_split(IDS, generator(), padding=0, halves=SST2.halves())
    assert SST2.decode(split) == SST2.decode(IDS)
    assert torch.equal(SST2.groups(split).amax(1), SST2.groups(IDS).amax(1))
    more = (split != 0).sum(1) - (IDS != 0).sum(1)
    assert 0.08 < float(more.sum() / (IDS != 0).sum()) < 0.22
    assert torch.equal((split != 0).long().cummin(1).values.sum(1), (split != 0).sum(1))


def test_word_dropout_takes_out_one_token_in_five_and_no_padding():
    ids = torch.cat((torch.full((200, 50), 7), torch.zeros(200, 10, dtype=torch.long)), dim=1)
    dropped = augmentation.word_dropout(ids, generator(), padding=0, missing=1)
    assert abs(float((dropped[:, :50] == 1).float().mean()) - 0.2) < 0.02
    assert not dropped[:, 50:].any()
    assert set(dropped.unique().tolist()) == {0, 1, 7}


def test_flips_are_the_eight_symmetries_of_the_square():
    image = torch.arange(9.0).reshape(1, 1, 3, 3).expand(400, 1, 3, 3)
    seen = {tuple(one.flatten().tolist()) for one in augmentation.flip(image, generator())}
    one = image[0, 0]
    expected = {tuple(s.rot90(k).flatten().tolist()) for s in (one, one.flip(0)) for k in range(4)}
    assert seen == expected


def test_affine_changes_keep_the_middle_and_stay_small():
    spot = torch.zeros(300, 1, 9, 9)
    spot[:, :, 4, 4] = 1
    moved = augmentation.affine(spot, generator())
    mass = moved.sum((1, 2, 3))
    place = torch.arange(9.0)
    x = (moved.sum((1, 2)) * place).sum(1) / mass
    y = (moved.sum((1, 3)) * place).sum(1) / mass
    largest = augmentation.SHIFT * 4.5 / (1 - augmentation.SCALE) + 0.6
    assert (x - 4).abs().max() < largest
    assert (x - 4).abs().mean() > 0.1
    assert abs(float((y - 4).mean())) < 0.1
    assert 0 <= moved.min() <= moved.max() <= 1


def test_word_vectors_factor_the_positive_mutual_information():
    ids = np.random.default_rng(0).integers(0, 9, (30, 14))
    found = _information(ids, 9, 0).toarray()
    counts = np.zeros((9, 9))
    for row in ids:
        for i, a in enumerate(row):
            for j, b in enumerate(row):
                if i != j and abs(i - j) <= WINDOW and a and b:
                    counts[a, b] += 1 / abs(i - j)
    total = counts.sum(1) + 1e-9
    context = total**0.75 / (total**0.75).sum()
    with np.errstate(divide="ignore"):
        expected = np.maximum(0, np.log(counts / np.outer(total, context)))
    np.testing.assert_allclose(found, expected, atol=1e-9)
    vectors = cooccurrence(torch.tensor(ids), 9, 4, padding=0, missing=1).numpy()
    assert not vectors[:2].any()
    values, axes = np.linalg.eigh(expected @ expected.T)
    best = (axes[:, -4:] * np.sqrt(values[-4:])) @ axes[:, -4:].T  # U S Uᵀ = U √S (U √S)ᵀ; values are S²
    scale = np.sum(vectors[2:] @ vectors[2:].T * best[2:, 2:]) / np.sum(best[2:, 2:] ** 2)
    np.testing.assert_allclose(vectors[2:] @ vectors[2:].T, scale * best[2:, 2:], atol=1e-5)
