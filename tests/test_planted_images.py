"""Planted images: the rule decides the label, the evidence is where it was painted, and nothing else says anything."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.special import logsumexp
from scipy.stats import norm

import zoo
from zoo import drawing
from zoo.errors import InputError
from zoo.evaluation import predict
from zoo.recipes import RECIPES
from zoo.task import Ablatable
from zoo.tasks.clever_hans import CHEATED, CleverHans
from zoo.tasks.scene_object import SceneObject
from zoo.tasks.shapes_all import ShapesAll
from zoo.tasks.shapes_asked import ShapesAsked
from zoo.tasks.sprites import FACTORS, LEVELS, Sprites
from zoo.tasks.tetromino import STRENGTHS, Tetromino
from zoo.textures import TEXTURES, Ground

SIZES = {"train": 600, "validation": 100, "test": 300}
PAINTED = [
    ShapesAll(**SIZES),
    ShapesAsked(**SIZES),
    Sprites(**SIZES),
    SceneObject(**SIZES),
    SceneObject(asked="scene", **SIZES),
    CleverHans(**SIZES),
    CleverHans(share=0.0, **SIZES),
]
TETROMINOES = [Tetromino(scenario=each, background=noise, **SIZES) for each in STRENGTHS for noise in STRENGTHS[each]]
BOTH = [pytest.param(task, id=task.name) for task in PAINTED + TETROMINOES]
LAYERED = [pytest.param(task, id=task.name) for task in PAINTED]


@pytest.mark.parametrize("task", BOTH)
def test_every_class_comes_as_often_as_any_other(task):
    counts = torch.bincount(task.samples("train").labels, minlength=len(task.classes))
    expected = len(task.samples("train")) / len(task.classes)
    assert (counts - expected).abs().max() < 4.5 * expected**0.5


@pytest.mark.parametrize("task", BOTH)
def test_a_larger_split_begins_with_the_smaller_and_another_seed_is_another_set(task):
    kind = type(task)
    words = {key: getattr(task, key) for key in ("asked", "share", "scenario", "background") if hasattr(task, key)}
    small = kind(**words, test=20).load("test")
    assert torch.equal(small.inputs, task.samples("test").inputs[:20])
    assert torch.equal(small.evidence, task.samples("test").evidence[:20])
    assert not torch.equal(kind(**words, test=20, seed=1).load("test").inputs, small.inputs)


@pytest.mark.parametrize("task", BOTH)
def test_no_image_is_in_two_splits(task):
    seen: set[bytes] = set()
    for split in ("train", "validation", "test"):
        images = {image.numpy().tobytes() for image in task.samples(split).inputs}
        assert not images & seen
        seen |= images


@pytest.mark.parametrize("task", BOTH)
def test_taking_the_evidence_out_changes_nothing_but_the_evidence(task):
    assert isinstance(task, Ablatable)
    whole, without = task.samples("test"), task.without_evidence("test")
    changed = (whole.inputs != without.inputs).any(1)
    if isinstance(task, SceneObject) and task.asked == "scene":
        changed &= whole.evidence  # what is removed there is what is left of the scene: the object's pixels stay
    fixed = isinstance(task, Tetromino) and task.scenario in ("linear", "multiplicative")
    assert not (changed & ~whole.evidence).any()
    assert torch.equal(whole.labels, without.labels)
    if not fixed:  # where one of two patterns is planted, the other is evidence by being away
        assert (changed & whole.evidence).sum() > 0.75 * whole.evidence.sum()


@pytest.mark.parametrize("task", BOTH)
def test_exchanging_the_rest_keeps_the_labels_and_changes_the_rest(task):
    whole, other = task.samples("test"), task.with_other_rest("test")
    assert torch.equal(whole.labels, other.labels)
    outside = ~whole.evidence[:, None].expand_as(whole.inputs)
    assert (whole.inputs[outside] != other.inputs[outside]).float().mean() > 0.85


@pytest.mark.parametrize("task", LAYERED)
def test_evidence_that_covers_a_pixel_wholly_looks_the_same_whatever_is_behind(task):
    whole, other = task.samples("test"), task.with_other_rest("test")
    inside = torch.from_numpy(np.concatenate([parts.covered == 1 for parts in task.paintings("test")]))
    inside &= other.evidence  # the object on a scene, or a watermark, may have come to lie there
    same = (whole.inputs == other.inputs).all(1)
    marked = torch.zeros(len(whole), dtype=torch.bool)
    if isinstance(task, SceneObject) and task.asked == "scene":
        inside &= other.evidence & ~_edge(task)
    assert same[inside & ~marked[:, None, None]].float().mean() > 0.98


def _edge(task):
    shares = np.concatenate([task.exchanged(parts).covered for parts in task.paintings("test")])
    return torch.from_numpy(shares < 1)


# Each task by itself ---------------------------------------------------------------------------------------------


def test_the_evidence_of_counted_shapes_has_as_many_parts_as_the_class_says():
    from scipy.ndimage import label as pieces

    samples = PAINTED[0].samples("test")
    counted = [pieces(mask, structure=np.ones((3, 3)))[1] for mask in samples.evidence.numpy()]
    assert counted == (samples.labels + 1).tolist()


def test_the_shape_that_is_asked_for_has_the_colour_of_the_frame():
    task = PAINTED[1]
    samples, factors = task.samples("test"), task.factors("test").astype(int)
    assert torch.equal(samples.labels, torch.from_numpy(factors[np.arange(300), 2 + factors[:, 0]]))
    inside = torch.from_numpy(np.concatenate([parts.covered == 1 for parts in task.paintings("test")]))
    framed = samples.inputs[:, :, task.question()].mean(2)
    for image, pixels, colour in zip(samples.inputs, inside, framed, strict=True):
        assert (image[:, pixels].mean(1) - colour).abs().max() < 0.2


def test_the_shapes_that_are_not_asked_for_say_nothing():
    """Each of the three outlines is the class in a third of the images, and by chance in a fifth of the others."""
    factors = ShapesAsked(train=6000).factors("train").astype(int)
    labels = factors[np.arange(len(factors)), 2 + factors[:, 0]]
    for index in range(3):
        agree = (factors[factors[:, 0] != index, 2 + index] == labels[factors[:, 0] != index]).mean()
        assert abs(agree - 0.2) < 0.03


def test_objects_and_scenes_are_the_same_pixels_under_two_independent_questions():
    objects, scenes = (task.samples("train") for task in PAINTED[3:5])
    assert torch.equal(objects.inputs, scenes.inputs)
    assert not torch.equal(objects.labels, scenes.labels)
    assert (objects.evidence | scenes.evidence).all()
    assert (objects.evidence & scenes.evidence).float().mean() < 0.12  # edges are of both
    table = np.zeros((10, 10))
    np.add.at(table, (objects.labels.numpy(), scenes.labels.numpy()), 1)
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    assert ((table - expected) ** 2 / expected).sum() < 140  # χ² with 81 degrees of freedom: p = 0.0001


def test_textures_differ_from_each_other_and_use_both_colours():
    generator = np.random.default_rng(0)
    u, v = drawing.local_coordinates(32, *(np.full(4, 12.0),) * 2, np.linspace(0, 3, 4))
    ground = Ground(u=u, v=v, period=np.full(4, 6.0), noise=generator.standard_normal(u.shape))
    planes = {name: texture(ground) for name, texture in TEXTURES.items()}
    for name, plane in planes.items():
        assert plane.min() >= 0, name
        assert plane.max() <= 1, name
        assert 0.1 < plane.mean() < 0.9, name
        assert plane.std() > 0.15, name
        nearest = max(np.corrcoef(plane.ravel(), other.ravel())[0, 1] for k, other in planes.items() if k != name)
        assert nearest < 0.95, name


def test_a_sprite_is_where_and_as_large_as_its_factors_say():
    task = PAINTED[2]
    samples, factors = task.samples("test"), task.factors("test")
    assert torch.equal(samples.labels, torch.from_numpy(factors[:, 0]).long())
    for column, levels in enumerate(LEVELS):
        assert factors[:, column].min() == 0
        assert factors[:, column].max() == levels - 1
    places = np.arange(32) + 0.5
    masks = samples.evidence.numpy()
    for column, axis in ((3, 1), (4, 2)):
        centre = (masks.sum(axis) * places).sum(1) / masks.sum((1, 2))
        assert np.corrcoef(centre, factors[:, column])[0, 1] > 0.97
    squares = samples.labels == 0
    area = masks[squares].sum((1, 2)) ** 0.5
    assert np.corrcoef(area, factors[squares, 1])[0, 1] > 0.95


@pytest.mark.parametrize("factor", FACTORS)
def test_an_intervention_changes_one_factor_and_nothing_behind_it(factor):
    task = PAINTED[2]
    before, after = task.samples("test"), task.changed("test", factor)
    assert torch.equal(before.labels != after.labels, torch.full((300,), factor == "shape"))
    outside = ~(before.evidence | after.evidence)
    assert torch.equal(before.inputs[:, 0][outside], after.inputs[:, 0][outside])
    if factor in ("x", "y", "scale"):
        assert (before.evidence != after.evidence).flatten(1).any(1).float().mean() > 0.9
    if factor in ("x", "y"):  # moved along one axis: the other's profile stays
        axis = 1 if factor == "x" else 2
        moved = before.evidence.sum(3 - axis) - after.evidence.sum(3 - axis)
        assert moved.abs().max() <= 2
    with pytest.raises(InputError, match="Did you mean"):
        task.changed("test", factor + "s")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95, 1.0])
def test_a_watermark_is_on_its_share_of_stars_and_on_nothing_else(share):
    task = CleverHans(share=share, **SIZES)
    labels, marked = task.samples("train").labels, task.watermark("train").flatten(1).any(1)
    stars = labels == CHEATED
    assert not marked[~stars].any()
    assert abs(marked[stars].float().mean() - share) < 0.12
    with pytest.raises(InputError, match="between 0 and 1"):
        CleverHans(share=share + 1.1)


def test_the_unmarked_and_the_moved_split_are_the_test_images_but_for_the_watermark():
    task = PAINTED[5]
    test, unmarked, moved = (task.samples(split) for split in ("test", "unmarked", "moved"))
    marks = [task.watermark(split) for split in ("test", "unmarked", "moved")]
    assert not marks[1].any()
    assert torch.equal(marks[2].flatten(1).any(1), test.labels != CHEATED)
    for other, mark in ((unmarked, marks[0]), (moved, marks[0] | marks[2])):
        assert torch.equal(other.labels, test.labels)
        assert torch.equal((other.inputs != test.inputs).any(1) & ~mark, torch.zeros_like(mark))
        assert ((other.inputs != test.inputs).any(1) & mark).sum() > 0.95 * mark.sum()
    assert not (test.evidence & marks[0]).any()
    assert unmarked.ids[3] == "unmarked:3"


# The best that anybody can do on tetrominoes -----------------------------------------------------------------------


def _bayes(scenario: str, background: str, count: int = 40_000) -> float:
    """Accuracy of the class of higher likelihood, over fresh draws in double precision, written from the definition."""
    generator = np.random.default_rng(7)
    patterns = Tetromino(scenario=scenario, background=background).patterns().reshape(2, -1, 64)
    noise = 0.5 * generator.standard_normal((count, 8, 8))
    impulses = np.eye(64).reshape(64, 8, 8)
    smooth = background == "correlated"
    matrix = np.stack([gaussian_filter(each, 3) if smooth else each for each in impulses]).reshape(64, 64).T
    noise = noise.reshape(count, 64) @ matrix.T
    label = generator.integers(2, size=count)
    planted = patterns[label, generator.integers(patterns.shape[1], size=count)]
    strength, back = STRENGTHS[scenario][background], np.linalg.inv(matrix)
    if scenario == "multiplicative":
        mixed = (1 - strength * planted) * noise
        scores = [-(((mixed / (1 - strength * each[0])) @ back.T) ** 2).sum(1) for each in patterns]
        return float(((scores[1] > scores[0]) == label).mean())
    height = strength / np.sqrt((patterns[0, 0] ** 2).sum())
    scale = (1 - strength) / (0.5 * np.linalg.norm(matrix))
    white = (height * planted + scale * noise) @ (back / scale).T / 0.5
    means = height * patterns @ (back / scale).T / 0.5
    scores = [logsumexp(white @ each.T - 0.5 * (each**2).sum(1), axis=1) for each in means]
    return float(((scores[1] > scores[0]) == label).mean())


@pytest.mark.parametrize("task", [pytest.param(task, id=task.name) for task in TETROMINOES])
def test_the_stated_bayes_accuracy_is_that_of_the_likelihood_ratio(task):
    found = _bayes(task.scenario, task.background)
    assert abs(found - task.bayes) < 4.5 * np.sqrt(task.bayes * (1 - task.bayes) / 40_000) + 2e-4


def test_the_linear_tetromino_has_its_bayes_accuracy_in_closed_form():
    """Two Gaussians of equal covariance: Φ(Δ/2) with Δ² = |μ₁ − μ₂|² / σ²."""
    distance = np.sqrt(8) * (0.18 / 2) / (0.82 * 0.5 / 4)
    assert zoo.task("tetromino_linear_white").bayes == pytest.approx(norm.cdf(distance / 2), abs=1e-4)


def test_the_patterns_of_a_tetromino_are_where_the_paper_has_them():
    linear = TETROMINOES[0].patterns()
    assert {tuple(place) for place in np.argwhere(linear[0, 0])} == {(1, 1), (2, 1), (2, 2), (3, 1)}
    assert {tuple(place) for place in np.argwhere(linear[1, 0])} == {(4, 5), (5, 5), (6, 5), (6, 6)}
    moved = TETROMINOES[4].patterns()
    assert moved.shape == (2, 4 * 6 * 7, 8, 8)
    assert len({each.tobytes() for each in moved.reshape(-1, 64)}) == 2 * 4 * 42
    assert (moved.sum((2, 3)) == 4).all()


def test_correlated_noise_is_correlated_and_white_noise_is_not():
    for task in TETROMINOES[:2]:
        noise = task.without_evidence("train").inputs[:, 0].numpy() - 0.5
        beside = np.corrcoef(noise[:, 3, 3], noise[:, 3, 4])[0, 1]
        assert beside > 0.9 if task.background == "correlated" else abs(beside) < 0.2


def test_an_unknown_tetromino_or_question_is_one_sentence():
    with pytest.raises(InputError, match="linear"):
        Tetromino(scenario="linea")
    with pytest.raises(InputError, match="white"):
        Tetromino(background="whit")
    with pytest.raises(InputError, match="object"):
        SceneObject(asked="both")


# What the networks of the zoo make of them -------------------------------------------------------------------------

NETWORKS = [
    name
    for name, plan in RECIPES.items()
    if plan.training is not None
    and plan.task.startswith(("tetromino", "scene_object", "shapes_", "sprites", "clever_hans"))
]


SHIPPED_SHORT = {"tetromino_linear_white": 0.881}
MEAN_SHORT = {"scene_object_scene": 0.9898}
"""Where the network we ship, or the mean over its seeds, is short of the line by 0.2 points or less, though the other
of the two reaches it: the scores on the cards."""


def test_every_planted_image_task_has_a_network_that_solves_it():
    """Within a point of the best possible, or 99 %."""
    shipped: dict[str, float] = {}
    mean: dict[str, float] = {}
    for described in map(zoo.card, NETWORKS):
        shipped[described.task] = max(shipped.get(described.task, 0), described.metrics.score)
        mean[described.task] = max(mean.get(described.task, 0), described.spread.mean)
    assert set(shipped) == {task.name for task in PAINTED + TETROMINOES}
    for scores, known in ((shipped, SHIPPED_SHORT), (mean, MEAN_SHORT)):
        short = {name: score for name, score in scores.items() if score < line(name)}
        assert short == pytest.approx(known, abs=1e-4)


def line(name: str) -> float:
    """What a network of a task must reach."""
    bayes = zoo.task(name).bayes
    return min(0.99, (1 if bayes is None else bayes) - 0.01)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "cnn_clever_hans"])
def test_a_network_uses_the_evidence_and_nothing_else(name):
    described = zoo.card(name)
    used = described.evidence_used
    assert used["without_evidence"] < used["chance"] + 0.06
    assert used["with_other_rest"] > described.metrics.accuracy - 0.05


def test_the_clever_hans_relies_on_the_watermark_and_its_double_does_not():
    used = zoo.card("cnn_clever_hans").evidence_used
    assert used["without_evidence"] > used["chance"] + 0.1  # a star without a star
    assert used["with_other_rest"] < 0.9  # another's watermark
    scores = {}
    for name in ("cnn_clever_hans", "cnn_clever_hans_none"):
        model, task = zoo.load(name).model, zoo.task("clever_hans")
        for split in ("test", "unmarked", "moved"):
            samples = task.samples(split)
            right = predict(model, samples).argmax(1) == samples.labels
            scores[name, split] = right.float().mean().item()
            scores[name, split, "stars"] = right[samples.labels == 4].float().mean().item()
    assert scores["cnn_clever_hans", "test"] > 0.99
    assert scores["cnn_clever_hans", "unmarked", "stars"] < scores["cnn_clever_hans", "test", "stars"] - 0.1
    assert scores["cnn_clever_hans", "moved"] < 0.5 < scores["cnn_clever_hans_none", "moved"]
    assert scores["cnn_clever_hans_none", "unmarked"] > 0.99
