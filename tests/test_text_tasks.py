"""Texts: whole reviews are read as said, and in planted text the words called evidence, and only they, decide."""

import numpy as np
import pytest
import torch

import zoo
from zoo import grammar
from zoo.errors import InputError
from zoo.evaluation import predict
from zoo.models.gru import Gru
from zoo.models.transformer import sines
from zoo.recipes import RECIPES
from zoo.reviews import CUT
from zoo.task import Ablatable
from zoo.tasks.planted_text import BAD, GOOD, MARKERS, NOT, RULES, PlantedText

IMDB = zoo.task("imdb")
VARIANTS = {each.by: each for each in PlantedText.variants()}
SMALL = {by: PlantedText(by=by, train=400, validation=40, test=300) for by in RULES}


def joined(pieces):
    return "".join("".join(pieces).split())


# Reviews ---------------------------------------------------------------------------------------------------------


def numbered(count):
    return " ".join(f"w{number}" for number in range(count))


def test_of_a_long_review_the_beginning_and_the_ending_are_read():
    text = numbered(400)
    samples = IMDB.encode([text, "short"])
    assert samples.inputs.shape[1] <= IMDB.longest
    (gap,) = (samples.inputs[0] == IMDB.missing).nonzero()[:, 0].tolist()
    before, after = samples.texts[0].split(f" {CUT} ")
    assert text.startswith(before + " ")
    assert text.endswith(" " + after)
    assert samples.tokens[0][gap] == CUT
    assert joined(samples.tokens[0][:gap]) == joined(before)
    assert joined(samples.tokens[0][gap + 1 :]) == joined(after)
    whole = IMDB.tokenizer().encode([text])[0].ids
    ids = samples.inputs[0][samples.inputs[0] != IMDB.padding].tolist()
    assert whole[:gap] == ids[:gap]
    assert whole[-len(ids) + gap + 1 :] == ids[gap + 1 :]
    assert gap > IMDB.beginning - 8
    assert IMDB.decode(samples.inputs)[1] == "short"


def test_a_review_that_just_fits_is_read_whole():
    one = "good"
    assert len(IMDB.tokenizer().encode([one])[0].ids) == 1
    fits, longer = " ".join([one] * 255), " ".join([one] * 256)
    samples = IMDB.encode([fits, longer])
    assert samples.inputs.shape[1] == 256
    assert samples.texts[0] == fits
    assert [int((row == IMDB.missing).sum()) for row in samples.inputs] == [0, 1]


def test_a_word_longer_than_what_is_read_is_cut_within():
    samples = IMDB.encode(["z" * 3000])
    assert samples.inputs.shape[1] == IMDB.longest
    assert tuple(IMDB.groups(samples.inputs)[0].tolist()) == samples.words[0]


def test_line_breaks_are_no_words():
    samples = IMDB.encode(["Dull.<br /><br />Never  again.<br/>"])
    assert samples.texts == ("Dull. Never again.",)
    with pytest.raises(InputError, match="empty"):
        IMDB.encode(["<br /> <br />"])


def test_our_own_reviews_are_of_both_kinds_and_need_no_data(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    samples = IMDB.load("examples")
    assert samples.labels.bincount().tolist() == [6, 6]
    assert all(joined(pieces) == joined(text) for pieces, text in zip(samples.tokens, samples.texts, strict=True))
    with pytest.raises(InputError, match="WORKBENCH_DATA"):
        IMDB.load("test")


@pytest.mark.mirror
def test_the_halves_of_imdb_are_balanced_and_their_order_says_nothing():
    samples = IMDB.samples("test")
    assert samples.labels.bincount().tolist() == [12_500, 12_500]
    assert abs(float(samples.labels[:2000].float().mean()) - 0.5) < 0.05
    for i in range(0, 25_000, 97):
        assert joined(samples.tokens[i]) == joined(samples.texts[i])
    long = (samples.inputs == IMDB.missing).any(1)
    assert 0.4 < float(long.float().mean()) < 0.47


# Recurrent networks ----------------------------------------------------------------------------------------------


def test_both_directions_say_what_a_packed_batch_says():
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        model = Gru(vocabulary=9, classes=2, hidden=5, state=4).double()
    embedded = torch.randn(5, 11, 5, generator=generator, dtype=torch.float64)
    lengths = torch.tensor([3, 11, 1, 7, 2])
    packed = torch.nn.utils.rnn.pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(model.recurrent(packed)[0], batch_first=True)
    inside = (torch.arange(11) < lengths[:, None])[:, :, None]
    torch.testing.assert_close(model.states(embedded, lengths) * inside, expected, rtol=1e-12, atol=1e-12)


def test_a_shift_turns_sine_waves_by_the_same_angle_everywhere():
    waves = sines(40, 8).double()
    products = waves @ waves.T
    torch.testing.assert_close(products[3:, 3:], products[:-3, :-3], rtol=1e-4, atol=1e-4)
    assert torch.equal(products.argmax(1), torch.arange(40))


# Planted text ----------------------------------------------------------------------------------------------------


def said(by, words):
    """The class by the rule in words, from the text alone: written again, without a look at how texts are made."""
    praise = [word in GOOD for word in words if word in (*GOOD, *BAD)]
    found = [word for word in words if word in MARKERS]
    if by == "count":
        return int(sum(praise) > len(praise) / 2)
    if by == "negation":
        place = next(i for i, word in enumerate(words) if word in (*GOOD, *BAD))
        before = words[place - 1] if words[place - 1] not in ("very", "really", "quite") else words[place - 2]
        return int(praise[0] != (before == NOT))
    decides = {"token": len(found) == 1, "context": len(found) == 1 and "kesh" in words, "order": len(found) == 2}
    if decides[by]:
        return MARKERS.index(found[-1])
    assert len(praise) == 1
    return int(praise[0])


def evidence_words(samples, row):
    return [word for word, evident in zip(samples.tokens[row], samples.evidence[row].tolist(), strict=True) if evident]


@pytest.mark.parametrize("by", RULES)
def test_the_rule_in_words_gives_every_label(by):
    for samples in (SMALL[by].samples("train"), SMALL[by].with_other_rest("test")):
        found = [said(by, [word for word in row if word]) for row in samples.tokens]
        assert found == samples.labels.tolist()
        assert abs(np.mean(found) - 0.5) < 0.1


@pytest.mark.parametrize("by", RULES)
def test_without_its_evidence_a_sentence_differs_there_only_and_decides_nothing(by):
    task = SMALL[by]
    assert isinstance(task, Ablatable)
    whole, without = task.samples("test"), task.without_evidence("test")
    assert torch.equal(whole.inputs != without.inputs, whole.evidence)
    assert whole.evidence.any(1).all()
    removed = {word for row in range(len(whole)) for word in evidence_words(whole, row)}
    stand_ins = {word for row in range(len(without)) for word in evidence_words(without, row)}
    assert removed <= {*GOOD, *BAD, *MARKERS, "kesh", NOT}
    assert stand_ins <= set(grammar.FILLERS)


@pytest.mark.parametrize("by", RULES)
def test_other_sentences_keep_the_evidence_in_its_order_and_exchange_the_rest(by):
    whole, other = SMALL[by].samples("test"), SMALL[by].with_other_rest("test")
    assert torch.equal(whole.labels, other.labels)
    for row in range(len(whole)):
        one, two = evidence_words(whole, row), evidence_words(other, row)
        assert one == two if by == "order" else sorted(one) == sorted(two)
    assert whole.texts[0] != other.texts[0]
    shared = np.mean([len({*a.split()} & {*b.split()}) for a, b in zip(whole.texts, other.texts, strict=True)])
    assert shared < 10


@pytest.mark.parametrize("by", ["token", "context", "order"])
def test_where_the_planted_words_decide_the_opinion_contradicts_them_half_the_time(by):
    samples = SMALL[by].samples("train")
    shown = [row for row in range(len(samples)) if set(evidence_words(samples, row)) & set(MARKERS)]
    assert 0.35 < len(shown) / len(samples) < 0.55
    against = []
    for row in shown:
        praise = next(word in GOOD for word in samples.tokens[row] if word in (*GOOD, *BAD))
        against.append(praise != bool(samples.labels[row]))
    assert 0.35 < np.mean(against) < 0.65


def test_planted_text_depends_on_its_seed_and_a_larger_split_begins_with_the_smaller():
    small, other = PlantedText(test=30).load("test"), PlantedText(test=30, seed=1).load("test")
    assert small.texts == SMALL["token"].samples("test").texts[:30]
    assert small.texts != other.texts
    assert not set(small.texts) & set(SMALL["token"].samples("train").texts)


def test_fillers_come_from_the_grammar_and_none_is_in_two_lists():
    chance = iter(np.random.default_rng(0).random(40_000).tolist())
    found = [grammar.sentence(chance) for _ in range(800)]
    assert {word for words in found for word in words} == set(grammar.FILLERS) - set(grammar.ADVERBS)
    assert np.mean([len(words) for words in found]) == pytest.approx(6 * 2.4 + 5, abs=0.2)
    assert len(set(PlantedText.symbols)) == len(PlantedText.symbols) == PlantedText.vocabulary - 2


def test_a_typed_sentence_is_read_and_one_with_other_words_refused():
    task = VARIANTS["token"]
    samples = task.encode(["The splendid farmer, TARO!", "a horse"])
    assert samples.texts == ("the splendid farmer taro", "a horse")
    assert samples.words == ((0, 1, 2, 3), (0, 1, -1, -1))
    for text, match in (("a hrose", "Did you mean 'horse'"), (" 12 ", "no word"), ("the " * 65, "at most 64")):
        with pytest.raises(InputError, match=match):
            task.encode([text])
    with pytest.raises(InputError, match="rule called 'tokens'"):
        PlantedText(by="tokens")


@pytest.mark.parametrize("name", [name for name in RECIPES if name.endswith(tuple(t.name for t in VARIANTS.values()))])
def test_networks_follow_the_planted_rule_where_the_rest_contradicts_it(name):
    """Chance without the evidence, all but perfect with another rest: else a poor score would not be the method's."""
    described, loaded = zoo.card(name), zoo.load(name)
    if RECIPES[name].training is None:
        return
    if name != "transformer_planted_text_order":  # which the recurrent network solves, and this one all but solves
        assert min(described.metrics.score, described.spread.mean) >= 0.99
    else:
        assert described.spread.scores == (0.988, 0.994, 0.988)
    assert described.evidence_used["without_evidence"] < 0.56
    assert described.evidence_used["with_other_rest"] >= 0.98
    samples = loaded.task.samples("test")
    if loaded.task.by in ("token", "context", "order"):
        against = []
        for row in range(len(samples)):
            praise = next(word in GOOD for word in samples.tokens[row] if word in (*GOOD, *BAD))
            against.append(praise != bool(samples.labels[row]))
        rows = torch.tensor(against)
        assert (predict(loaded.model, samples).argmax(1) == samples.labels)[rows].float().mean() >= 0.98


def test_counted_words_cannot_tell_an_order():
    """The honest rows: enough for one word and for a majority, not for a context, an order or a negation."""
    scores = {by: zoo.card(f"logistic_{task.name}").metrics.score for by, task in VARIANTS.items()}
    assert min(scores["token"], scores["count"]) > 0.99
    assert max(scores["context"], scores["order"], scores["negation"]) < 0.9
