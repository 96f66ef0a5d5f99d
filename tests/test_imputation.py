"""What stands in for missing features, against slow oracles in float64 and what is known on paper."""

import numpy as np
import pytest
import torch
from series_subjects import waves
from subjects import SCORE, Convolved, Dense, Negation, query, subject

from workbench.chance import generator
from workbench.explanation import explain, method
from workbench.imputation import MISSING, NEAREST, Conditional, Lots, harmonic, imputed_values, imputer
from workbench.perturbations import coalition_values
from workbench.reference_inputs import reference_inputs
from zoo.errors import InputError

WEIGHTS = {(0, 1): 1 / 6, (1, 0): 1 / 6, (1, 1): 1 / 12}


def literal_harmonic(image: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """One dense equation per pixel that is gone, written out neighbour by neighbour."""
    places = [tuple(place) for place in np.argwhere(gone)]
    left, right = np.zeros((len(places), len(places))), np.zeros((len(places), len(image)))
    for row, (y, x) in enumerate(places):
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                there = y + dy, x + dx
                if (dy, dx) == (0, 0) or not (0 <= there[0] < gone.shape[0] and 0 <= there[1] < gone.shape[1]):
                    continue
                weight = WEIGHTS[tuple(sorted((abs(dy), abs(dx))))]
                left[row, row] += weight
                if gone[there]:
                    left[row, places.index(there)] -= weight
                else:
                    right[row] += weight * image[:, *there]
    found = image.astype(float).copy()
    found[:, gone] = np.linalg.solve(left, right).T
    return found


@pytest.mark.parametrize("shape", [(6, 6), (5, 9), (9, 4), (1, 7), (7, 1), (2, 2)])
@pytest.mark.parametrize("share", [0.2, 0.8])
def test_road_solves_its_equations(shape, share):
    chance = np.random.default_rng(sum(shape))
    image, gone = chance.normal(size=(3, *shape)), chance.random(shape) < share
    gone.flat[0] = False
    np.testing.assert_allclose(harmonic(image, gone), literal_harmonic(image, gone), atol=1e-10)


def test_road_continues_a_slope_across_a_hole():
    """A linear function is the weighted mean of its neighbours everywhere inside."""
    y, x = np.mgrid[:8, :10]
    image = (2.0 * y - 3.0 * x)[None]
    gone = np.zeros((8, 10), bool)
    gone[2:6, 3:8] = True
    np.testing.assert_allclose(harmonic(np.where(gone, 99.0, image), gone), image, atol=1e-10)


def asked(network=Convolved):
    of = waves() if network is None else subject(network)
    return query(of, of.task.samples("test"))


def masks(shape, seed=0):
    return torch.rand(shape, generator=generator(seed, "test masks")) < 0.6


def test_road_keeps_what_is_kept_and_adds_a_little_noise():
    q = asked()
    kept = masks((12, 1, 6, 6)).expand(q.inputs.shape).clone()
    kept[3] = False
    found = imputer(q, "road").replace(q.inputs, kept, torch.arange(12))
    assert torch.equal(found[kept], q.inputs[kept])
    assert torch.equal(found[3], reference_inputs(q)[3])
    smooth = np.stack([harmonic(x.numpy(), ~k[0].numpy()) for x, k in zip(q.inputs[:3], kept[:3], strict=True)])
    noise = (found[:3].double() - torch.tensor(smooth))[~kept[:3]]
    wanted = 0.01 * float(q.subject.task.samples("train").inputs.std())
    assert 0.8 * wanted < float(noise.std()) < 1.25 * wanted
    partly = kept.clone()
    partly[:, 0] = True  # one channel alone is missing: the pixel is
    again = imputer(q, "road").replace(q.inputs[:3], partly[:3], torch.arange(3))
    assert torch.equal(again, found[:3])


@pytest.mark.parametrize("network", [Convolved, Dense, None])
def test_marginal_shows_one_training_sample_that_is_drawn_for_each_mask(network):
    q = asked(network)
    training = q.subject.task.samples("train").inputs
    rows = torch.arange(12).repeat_interleave(40)
    kept = masks((480, *q.inputs.shape[1:]))
    stand_in, draw = imputer(q, "marginal"), torch.arange(480) % (40 if network is Dense else 1)
    found = torch.cat(
        [stand_in.replace(q.inputs[r, None], kept[i, None], r[None], int(draw[i])) for i, r in enumerate(rows)]
    )
    assert torch.equal(found[kept], q.inputs[rows][kept])
    fits = torch.stack([((found == other) | kept).flatten(1).all(1) for other in training], 1)
    assert fits.any(1).all()
    times = fits[~kept.flatten(1).all(1) & (fits.sum(1) == 1)].sum(0)
    assert float(((times - times.double().mean()) ** 2 / times.double().mean()).sum()) < 31.3  # χ² of 11, one in 1000


def test_lots_of_masks_that_differ_little_have_nothing_to_do_with_each_other():
    """Sums of the masks' own numbers would obey lot(z + i + j) = lot(z + i) + lot(z + j) - lot(z), for ever."""
    lots = Lots.of(asked(), 0)
    base = masks((500, 2, 6, 6))
    base.flatten(1)[:, :2] = False
    drawn = []
    for first, second in ((False, False), (True, False), (False, True), (True, True)):
        kept = base.clone()
        kept.flatten(1)[:, :2] = torch.tensor([first, second])
        drawn.append(lots.drawn(kept, torch.zeros(500).long(), 0) % 12)
    neither, one, other, both = drawn
    assert 0.03 < float(((both - one - other + neither) % 12 == 0).double().mean()) < 0.15


def nearest_by_hand(training, x, kept, itself):
    """The training samples by distance over what is kept, each entry in its standard deviations."""
    scale = training.double().std(0)
    distances = [float((((one - x).double() / scale) ** 2)[kept].sum()) for one in training]
    if itself is not None:
        distances[itself] = np.inf
    return np.argsort(np.round(distances, 8), kind="stable")[:NEAREST]


@pytest.mark.parametrize("split", ["test", "train"])
@pytest.mark.parametrize("network", [Convolved, Dense, None])
def test_conditional_shows_one_of_the_nearest(network, split):
    of = waves() if network is None else subject(network)
    q = query(of, of.task.samples(split))
    training = of.task.samples("train").inputs
    kept = masks(q.inputs.shape)
    kept.flatten(1)[:, 0] = True
    seen = set()
    for draw in range(40):
        found = imputer(q, "conditional").replace(q.inputs, kept, torch.arange(12), draw)
        assert torch.equal(found[kept], q.inputs[kept])
        for i in range(12):
            near = nearest_by_hand(training, q.inputs[i], kept[i], i if split == "train" else None)
            ranks = [rank for rank, j in enumerate(near) if torch.equal(found[i][~kept[i]], training[j][~kept[i]])]
            assert ranks
            seen.update(ranks)
    assert seen == set(range(NEAREST))


def test_conditional_on_nothing_is_any_training_sample():
    q = asked(Dense)
    stand_in = imputer(q, "conditional")
    assert isinstance(stand_in, Conditional)
    drawn = [stand_in.replace(q.inputs, torch.zeros(12, 4).bool(), torch.arange(12), draw) for draw in range(20)]
    assert len(torch.cat(drawn).unique(dim=0)) == 12


@pytest.mark.parametrize("network", [Convolved, Dense, Negation, None])
@pytest.mark.parametrize("name", MISSING)
def test_what_stands_in_does_not_depend_on_the_batch(network, name):
    if name in ("road", "blur") and network in (Dense, None):
        return
    q = asked(network)
    n = len(q.inputs)
    kept = masks(q.inputs.shape)
    whole = imputer(q, name).replace(q.inputs, kept, torch.arange(n))
    rows = torch.tensor([n - 1, 0])
    assert torch.equal(imputer(q, name).replace(q.inputs[rows], kept[rows], rows), whole[rows])
    alone = query(q.subject, q.samples.take([n - 1]))
    one = imputer(alone, name).replace(alone.inputs, kept[-1:], torch.zeros(1).long())
    assert torch.equal(one, whole[-1:])


def test_every_name_means_the_mask_on_text():
    q = asked(Negation)
    kept = masks(q.inputs.shape)
    found = [imputer(q, name).replace(q.inputs, kept, torch.arange(4)) for name in MISSING]
    assert all(torch.equal(one, found[0]) for one in found)
    assert set(found[0][~kept].unique().tolist()) <= {0, 1}


@pytest.mark.parametrize("network", [Convolved, Dense, Negation, None])
def test_imputed_values_of_a_reference_are_those_of_coalitions_bit_for_bit(network):
    q = asked(network)
    rows = torch.arange(len(q.inputs)).repeat_interleave(5)
    present = masks((len(rows), int(q.groups.max()) + 1))
    expected = coalition_values(q, present.__getitem__, rows, reference_inputs(q), q.groups)
    assert torch.equal(imputed_values(q, imputer(q), present.__getitem__, rows, q.groups), expected)


def test_imputed_values_average_over_draws():
    q = asked(Dense)
    rows, present = torch.arange(12), masks((12, 4))
    present[0] = torch.tensor([True, False, False, True])
    stand_in = imputer(q, "marginal")
    found = imputed_values(q, stand_in, present.__getitem__, rows, q.groups, n_draws=7)
    expected = torch.stack([q.values(stand_in.replace(q.inputs, present, rows, draw)) for draw in range(7)]).mean(0)
    torch.testing.assert_close(found, expected)
    assert len({float(q.values(stand_in.replace(q.inputs, present, rows, draw))[0]) for draw in range(7)}) > 3


@pytest.mark.parametrize("name", ["feature_ablation", "rise", "lime"])
@pytest.mark.parametrize("missing", MISSING)
def test_methods_take_every_kind_of_missing_values(name, missing):
    of = subject(Convolved)
    samples = of.task.samples("test").take(range(3))
    few = {"rise": {"n_masks": 40}, "lime": {"n_samples": 80}}.get(name, {})
    whole = explain(of, samples, method(name, missing=missing, **few), SCORE)
    one = explain(of, samples.take([2]), method(name, missing=missing, **few), SCORE)
    np.testing.assert_allclose(one.values[0], whole.values[2], rtol=1e-3, atol=1e-5)
    assert np.abs(whole.values).max() > 1e-4


def test_what_does_not_fit_gets_a_sentence():
    with pytest.raises(InputError, match="are for images; this is table"):
        imputer(asked(Dense), "road")
    with pytest.raises(InputError, match="kind of missing values"):
        imputer(asked(Dense), "lost")
