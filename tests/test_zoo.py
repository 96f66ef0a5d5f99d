"""The zoo as it is shipped: cards that tell the truth, files that are checked, commands without tracebacks."""

import importlib
import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import pytest
import safetensors.torch
import torch
from shelf import marked, of_each_family
from typer.testing import CliRunner

import zoo
from zoo import loading, storage
from zoo.__main__ import app
from zoo.card import ModelCard, card_path, weights_path
from zoo.errors import InputError
from zoo.metrics import ClassMetrics
from zoo.recipes import RECIPES
from zoo.verification import retrain, verify

MIRROR = pytest.mark.mirror
NAMES = marked(list(RECIPES), examples=False)
MEASURED = frozenset(of_each_family())
"""Whose figures the tests measure again; of the others they check files, recipes and counts. `zoo verify` does all."""
REACHED = {
    **{"cnn_digits": 0.985, "cnn_shapes": 0.99, "gru_sst2": 0.80, "transformer_sst2": 0.79, "svm_digits": 0.96},
    **{"speednet_fashion_mnist": 0.93, "cct_fashion_mnist": 0.92, "gru_fashion_mnist": 0.90, "speednet_cifar10": 0.80},
    **{"gru_imdb": 0.87, "gru_spoken_digits": 0.97, "gru_spoken_digits_by_speaker": 0.70, "decoder_modadd": 1.0},
    **{"attention_only_induction": 0.99, "gru_copy_memory": 0.99},
}


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A copy of the weights folder that a test may damage, with nothing loaded from before."""
    folder = tmp_path / "weights"
    shutil.copytree(storage.WEIGHTS, folder)
    monkeypatch.setattr(storage, "WEIGHTS", folder)
    loading._models.forget()
    yield folder
    loading._models.forget()


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.is_symlink()}


def edit(path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


# Cards -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_card_holds_when_it_is_measured_again(name):
    verdict = verify(name, fast=name not in MEASURED)
    assert verdict.problems == []
    assert verdict.unmeasured is None
    if name in MEASURED:
        assert verdict.score == pytest.approx(zoo.card(name).metrics.score, abs=0.002)


@pytest.mark.parametrize(("name", "least"), REACHED.items())
def test_networks_reach_what_they_promise(name, least):
    described = zoo.card(name)
    assert described.metrics.low <= described.metrics.accuracy <= described.metrics.high
    assert described.metrics.accuracy >= least


def test_weights_are_small_and_there_is_a_card_for_every_recipe_and_none_more():
    files = {path.name for path in storage.WEIGHTS.iterdir() if not path.name.startswith(".")}
    expected = {f"{name}.json" for name in RECIPES} | {name for name in files if name.endswith("_tokenizer.json")}
    expected |= {f"{name}.safetensors" for name, plan in RECIPES.items() if plan.training is not None}
    expected |= {f"{name}.skops" for name, plan in RECIPES.items() if plan.stored}
    expected |= {"population.json", "population.safetensors"}
    assert files == expected
    assert sum(path.stat().st_size for path in storage.WEIGHTS.iterdir()) <= 40 * 2**20


@pytest.mark.parametrize("name", RECIPES)
def test_a_card_says_what_a_reader_needs(name):
    described, plan = zoo.card(name), RECIPES[name]
    assert described.limits == plan.limits
    assert len(described.limits) > 40
    assert described.recipe["seed"] == plan.seed
    assert described.scored == zoo.task(plan.task).scored
    assert (described.weights_bytes is None) == (plan.training is None and not plan.stored)
    assert described.energy_how
    assert len(described.handles) == 4
    if plan.training is not None:
        assert described.history["loss"][-1] < described.history["loss"][0]
        assert described.multiply_accumulates > 0
    assert ModelCard.from_json(described.to_json(), card_path(name)) == described


def test_the_network_for_shapes_uses_the_evidence_and_nothing_else():
    used = zoo.card("cnn_shapes").evidence_used
    assert used["without_evidence"] < used["chance"] + 0.05
    assert used["with_other_rest"] > 0.98


def test_the_best_traditional_model_stands_beside_each_network():
    assert zoo.card("cnn_digits").best_traditional == "svm_digits"
    assert zoo.card("cnn_digits").best_traditional_score == zoo.card("svm_digits").metrics.accuracy
    assert zoo.card("gru_sst2").best_traditional == "logistic_sst2"


def _raised(series):
    return {**series, "loss": series["loss"][:-1]}


def _longer(values):
    return [*values, values[-1]]


NO_GRADIENT = [{"sample": f"test:{i}", "logits": [0.0] * 10, "explained": 0} for i in range(4)]
TAMPERED = {
    "title": (lambda _: "Another", "title"),
    "family": (lambda _: "svm", "family"),
    "task": (lambda _: "shapes", "task"),
    "limits": (lambda _: "Good for everything.", "limits"),
    "recipe": (lambda said: {**said, "options": {**said["options"], "dropout": 0.3}}, "recipe has changed"),
    "digest": (lambda _: "0" * 64, "sha256"),
    "key_shape_digest": (lambda _: "0" * 64, "key-shape"),
    "weights_bytes": (lambda said: said + 1, "bytes"),
    "parameters": (lambda said: said + 1, "parameters"),
    "multiply_accumulates": (lambda said: said // 2, "multiply-accumulates"),
    "data_digests": (lambda said: {**said, "train": "0" * 64}, "train split here is not"),
    "split_sizes": (lambda said: {**said, "test": 900}, "number of test samples"),
    "scored": (lambda _: "train", "scored"),
    "source": (lambda _: "somewhere", "source"),
    "preprocessing": (lambda _: "none", "preprocessing"),
    "reference": (lambda _: "blur", "reference"),
    "metrics": (lambda said: {**said, "macro_f1": said["macro_f1"] - 0.004}, "macro f1"),
    "spread": (lambda said: {**said, "mean": said["mean"] - 0.001}, "mean over seeds"),
    "device": (lambda _: "abacus", "device"),
    "versions": (lambda _: {"python": "3.11.7"}, "versions"),
    "commit": (lambda _: "yesterday", "commit"),
    "history": (_raised, "differ in length"),
    "best_traditional": (lambda _: "forest_digits", "best traditional"),
    "best_traditional_score": (lambda _: 0.9, "its score"),
    "evidence_used": (lambda _: {"without_evidence": 0.1}, "planted evidence"),
    "tokenizer_digest": (lambda _: "0" * 64, "tokenizer"),
    "handles": (lambda _: NO_GRADIENT, "the logits of test:0"),
    "name": (lambda _: "cnn_shapes", "card of"),
    "seconds": (lambda _: -1.0, "too small"),
    "energy_joules": (lambda _: -1.0, "too small"),
    "predict_milliseconds": (lambda _: -1.0, "too small"),
    "threads": (lambda _: 0, "too small"),
    "energy_how": (lambda _: None, "energy_how cannot be"),
}


def test_every_field_of_a_card_is_tampered_with():
    assert set(TAMPERED) == {entry.name for entry in fields(ModelCard)}


@pytest.mark.parametrize("key", TAMPERED)
@pytest.mark.usefixtures("weights")
def test_a_card_that_was_tampered_with_is_found(key):
    change, found = TAMPERED[key]
    path = card_path("cnn_digits")
    edit(path, **{key: change(json.loads(path.read_text())[key])})
    assert any(found in problem for problem in verify("cnn_digits").problems)


@pytest.mark.parametrize(
    ("part", "key", "change", "found"),
    [
        ("spread", "seeds", lambda said: [7, *said[1:]], "seeds"),
        ("spread", "scores", lambda said: [said[0] - 0.01, *said[1:]], "shipped seed"),
        ("spread", "low", lambda said: (said or 0.9) - 0.001, "low over seeds"),
        ("spread", "high", lambda said: (said or 0.9) + 0.001, "high over seeds"),
        ("spread", "note", lambda said: f"{said} Well.", "note on seeds"),
        (0, "sample", lambda _: "test:5", "samples of its handles"),
        (1, "logits", lambda said: [said[0] + 0.1, *said[1:]], "the logits of test:1"),
        (2, "explained", lambda said: (said + 1) % 10, "the explained class of test:2"),
        (3, "gradient_norm", lambda said: 1.05 * said, "the gradient's norm of test:3"),
        (3, "gradient_x_input", lambda said: said + 1, "gradient × input of test:3"),
        (3, "places", lambda said: [*said[:2], (said[2] + 1) % 64], "places of the largest gradients of test:3"),
    ],
)
@pytest.mark.usefixtures("weights")
def test_every_part_of_spread_and_handles_is_checked(part, key, change, found):
    path = card_path("cnn_digits")
    values = json.loads(path.read_text())
    inside = values["handles"][part] if isinstance(part, int) else values[part]
    inside[key] = change(inside[key])
    path.write_text(json.dumps(values))
    assert any(found in problem for problem in verify("cnn_digits").problems)


JUNK = (None, [], {}, "x", -1, 1.5, [[]], {"a": {"b": [None]}}, 10**400)


@pytest.mark.usefixtures("weights")
def test_no_card_however_malformed_ends_with_a_traceback():
    """Every value of a card, and every part of those that have parts, replaced by what does not belong there."""
    path = card_path("cnn_digits")
    text = path.read_text()
    for key, value in json.loads(text).items():
        for place in (None, *(value if isinstance(value, dict) else ())):
            for junk in JUNK:
                values = json.loads(text)
                if place is None:
                    values[key] = junk
                else:
                    values[key][place] = junk
                try:
                    found = ModelCard.from_json(json.dumps(values), path)
                except InputError:
                    continue
                path.write_text(found.to_json())
                if place is None or key in ("recipe", "spread"):
                    verify("cnn_digits", fast=True)


@pytest.mark.usefixtures("weights")
def test_what_is_said_of_evidence_is_checked():
    edit(card_path("cnn_shapes"), evidence_used={"without_evidence": 0.5, "with_other_rest": 1, "chance": 0.2})
    assert any("without evidence" in problem for problem in verify("cnn_shapes").problems)


@pytest.mark.usefixtures("weights")
def test_a_refitted_model_of_another_recipe_is_found():
    edit(card_path("svm_digits"), recipe={"seed": 0, "training": None})
    assert any("recipe" in problem for problem in verify("svm_digits").problems)
    edit(card_path("svm_digits"), recipe={"seed": 0, "training": 3})
    assert any("recipe" in problem for problem in verify("svm_digits").problems)


@pytest.mark.parametrize("key", [entry.name for entry in fields(ClassMetrics)])
@pytest.mark.usefixtures("weights")
def test_every_figure_of_a_card_is_checked(key):
    path = card_path("logistic_digits")
    values = json.loads(path.read_text())
    metrics = values["metrics"]
    change = 5 if key in ("samples", "answers") else -0.004
    edit(path, metrics=metrics | {key: metrics[key] + change})
    assert any(key.replace("_", " ") in problem for problem in verify("logistic_digits").problems)


@pytest.mark.usefixtures("weights")
def test_a_model_that_was_fitted_on_other_data_says_so():
    digests = zoo.card("logistic_digits").data_digests
    edit(card_path("logistic_digits"), digest="0" * 64, data_digests={**digests, "train": "0" * 64})
    assert "other data" in zoo.load("logistic_digits").card.limits
    verdict = verify("logistic_digits")
    assert verdict.score is None
    assert any("another revision" in problem for problem in verdict.problems)


@pytest.mark.mirror
@pytest.mark.parametrize("name", ["gru_sst2", "logistic_sst2"])
@pytest.mark.usefixtures("weights")
def test_another_revision_of_published_data_is_said_and_no_card_is_called_wrong(name):
    digests = zoo.card(name).data_digests
    edit(card_path(name), data_digests={**digests, "train": "0" * 64})
    for verdict in (verify(name), retrain(name)):
        assert verdict.problems == []
        assert verdict.score is None
        assert "train split here is not the card's" in verdict.unmeasured
        assert "another revision, with which its figures cannot be compared" in verdict.unmeasured
    said = CliRunner().invoke(app, ["verify", name])
    assert said.exit_code == 0
    assert said.stdout.startswith(f"NOT MEASURED  {name}: the train split here")
    edit(card_path(name), limits="Good for everything.")
    assert any("limits" in problem for problem in verify(name).problems)


@pytest.mark.parametrize("name", ["gru_sst2", "logistic_sst2"])
def test_data_that_cannot_be_read_is_no_fault_of_a_card(name, monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    monkeypatch.setattr(importlib.import_module("zoo.task"), "_load", lambda task, split: task.load(split))
    for verdict in (verify(name), retrain(name)):
        assert verdict.problems == []
        assert "no folder stanfordnlp/sst2" in verdict.unmeasured


@pytest.mark.usefixtures("weights")
def test_training_again_finds_scores_that_were_made_up():
    assert "same weights, bit for bit" in retrain("svm_digits").retrained
    path = card_path("svm_digits")
    values = json.loads(path.read_text())
    values["spread"]["scores"][-1] -= 0.01
    path.write_text(json.dumps(values))
    assert any("score of seed" in problem for problem in retrain("svm_digits").problems)
    edit(path, digest="0" * 64)
    assert any("sha256" in problem for problem in retrain("svm_digits").problems)


@pytest.mark.usefixtures("weights")
def test_a_refitted_model_that_is_not_its_cards_though_the_data_is_does_not_load():
    edit(card_path("svm_digits"), digest="0" * 64)
    with pytest.raises(InputError, match=r"digest differs.*python -m zoo train svm_digits"):
        zoo.load("svm_digits")


@pytest.mark.parametrize("name", ["gru_sst2", "transformer_sst2", pytest.param("logistic_sst2", marks=MIRROR)])
def test_a_tokenizer_that_was_altered_is_refused(weights, name):
    """Two words that change places turn an answer round, while every file still has its form."""
    path = weights / "sst2_tokenizer.json"
    content = json.loads(path.read_text())
    ids = content["model"]["vocab"]
    ids["Ġgood"], ids["Ġbad"] = ids["Ġbad"], ids["Ġgood"]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"tokenizer of sst2 is not the one.*git checkout zoo/weights"):
        zoo.load(name)
    assert any("tokenizer" in problem for problem in verify(name, fast=True).problems)


# Loading ---------------------------------------------------------------------------------------------------------


def _cut_short(path):
    path.write_bytes(path.read_bytes()[:-1])


def _altered_by_a_byte(path):
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def _missing(path):
    path.unlink()


def _unreadable(path):
    path.unlink()
    path.symlink_to(path)


def _unsized(said):
    return lambda path: edit(path.with_suffix(".json"), weights_bytes=said)


def _rewritten(change):
    """The file with another content, and the card made to fit it."""

    def damage(path):
        state = safetensors.torch.load(path.read_bytes())
        content = change(state)
        path.write_bytes(content)
        edit(path.with_suffix(".json"), digest=storage.sha256(content), weights_bytes=len(content))

    return damage


def _saved(**changes):
    return _rewritten(lambda state: safetensors.torch.save({**state, **changes}))


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (_unreadable, "cannot be read"),
        (_unsized(None), "does not say how large"),
        (_unsized("abc"), "weights_bytes cannot be abc"),
        (_cut_short, "cut short"),
        (_altered_by_a_byte, "sha256 differs"),
        (_missing, "missing"),
        (_saved(**{"classify.bias": torch.full((10,), torch.nan)}), "not a finite number, in 'classify.bias'"),
        (_saved(**{"classify.bias": torch.full((10,), torch.inf)}), "not a finite number"),
        (_saved(**{"classify.bias": torch.zeros(9)}), r"\(9,\)"),
        (_saved(**{"classify.bias": torch.zeros(10, dtype=torch.float64)}), "float64"),
        (_saved(extra=torch.zeros(1)), "'extra' is in the file only"),
        (_rewritten(lambda state: safetensors.torch.save({"mean": state["mean"]})), "is not in the file"),
        (_rewritten(lambda _: b"not tensors at all"), "not a safetensors file"),
    ],
)
def test_damaged_weights_are_one_sentence_and_nothing_is_changed(weights, damage, match):
    damage(weights_path("cnn_digits"))
    before = contents(weights)
    with pytest.raises(InputError, match=match) as caught:
        zoo.load("cnn_digits")
    assert "python -m zoo train cnn_digits" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert contents(weights) == before


@pytest.mark.parametrize("path", [card_path, weights_path])
@pytest.mark.usefixtures("weights")
def test_a_folder_in_a_files_place_is_one_sentence(path):
    path("cnn_digits").unlink()
    path("cnn_digits").mkdir()
    with pytest.raises(InputError, match=r"cannot be read.*python -m zoo train cnn_digits"):
        zoo.load("cnn_digits")


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", '{"name": "cnn_digits"}', '{"metrics": {}}', '{"metrics": 3, "history": {}}'),
        pytest.param("[" * 100_000, id="deep"),
    ],
)
@pytest.mark.usefixtures("weights")
def test_a_broken_card_is_one_sentence(text):
    card_path("cnn_digits").write_text(text)
    with pytest.raises(InputError, match="not a model card"):
        zoo.load("cnn_digits")


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        *((None, "recipe", value) for value in ([], {}, {"seed": "0"}, {"seed": None}, {"seed": True})),
        *((None, "weights_bytes", value) for value in ("abc", 1.5, True, [])),
        *((None, "history", value) for value in ({"loss": "abc"}, {"loss": [None]}, {"loss": 1}, [1])),
        *((None, "seconds", value) for value in (None, "1", float("inf"), 10**400)),
        *((None, "limits", value) for value in (None, 3)),
        *((None, "best_traditional_score", value) for value in ("0.9", float("nan"))),
        *((None, "split_sizes", value) for value in ({}, {"train": 898}, {"train": "898", "test": 899})),
        *((None, "data_digests", value) for value in ({}, None, {"train": 1, "test": 2})),
        *(("metrics", "accuracy", value) for value in (None, float("nan"), "0.9", True, 0.1, 1.1, -1)),
        *(("metrics", "samples", value) for value in (None, 899.5)),
        ("metrics", "low", float("-inf")),
        ("metrics", "high", 2),
    ],
)
@pytest.mark.usefixtures("weights")
def test_a_value_that_a_card_cannot_hold_is_one_sentence(part, key, value):
    path = card_path("svm_digits")
    values = json.loads(path.read_text())
    (values[part] if part else values)[key] = value
    path.write_text(json.dumps(values))
    for ask in (zoo.card, zoo.load):
        with pytest.raises(InputError, match=r"not a model card \(.+\)\. Restore it .*train svm_digits`\.$"):
            ask("svm_digits")


@pytest.mark.usefixtures("weights")
def test_a_card_of_another_model_or_none_is_one_sentence():
    shutil.copy(card_path("cnn_shapes"), card_path("cnn_digits"))
    with pytest.raises(InputError, match="is the card of 'cnn_shapes'"):
        zoo.load("cnn_digits")
    card_path("cnn_digits").unlink()
    with pytest.raises(InputError, match="no card"):
        zoo.load("cnn_digits")


def test_whoever_loads_a_model_first_all_get_the_same():
    loading._models.forget()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(zoo.load, ["cnn_digits", "svm_digits"] * 8))
    assert len({id(each) for each in found}) == 2
    assert not found[0].model.training
    assert found[0].digest == storage.sha256(weights_path("cnn_digits").read_bytes())


def test_names_that_do_not_exist_are_one_sentence():
    with pytest.raises(InputError, match="Did you mean 'cnn_digits'"):
        zoo.load("cnn_digit")
    with pytest.raises(InputError, match="device"):
        zoo.device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="no CUDA device"):
            zoo.device("cuda")
    assert zoo.device("cpu").type == "cpu"


# Command line and imports ----------------------------------------------------------------------------------------


def run(*arguments: str):
    return subprocess.run(
        [sys.executable, "-m", "zoo", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def test_listing_reads_cards_and_loads_nothing_heavy():
    code = (
        "import runpy, sys, zoo; sys.argv = ['zoo', 'list', '--json']\n"
        "try: runpy.run_module('zoo', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'sklearn', 'datasets', 'tokenizers', 'scipy'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"
    assert [each["name"] for each in json.loads(done.stdout)] == list(RECIPES)


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "cnn_digit"),
        ("train", "cnn_digits", "--device", "tpu"),
        ("evaluate", "nothing"),
        ("list", "--task", "digit"),
        ("list", "--family", "svn"),
        ("list", "--task", "shapes", "--family", "svm"),
        ("evaluate", "cnn_digits", "--split", "validation"),
        ("verify", "cnn_digits", "nothing"),
        ("tokenizer", "digits"),
        ("train", "svm_digits", "--seed", "-1"),
        ("train", "svm_digits", "--seed", str(2**32)),
        ("train",),
        ("nonsense",),
    ],
)
def test_bad_input_ends_with_code_2_and_no_traceback(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    sentence = done.stderr.strip().splitlines()[-1]
    assert sentence.startswith(("zoo: ", "Error: "))
    assert len(sentence) > 20


COMMANDS = ("list", "train", "verify", "population", "evaluate", "remeasure", "tokenizer")


def test_help_names_every_command_in_whole_sentences():
    shown = CliRunner().invoke(app, ["--help"]).output
    assert "Exit codes" in shown
    rows = shown.partition("Commands:")[2].strip().splitlines()
    assert [row.split()[0] for row in rows] == list(COMMANDS)
    assert all(row.endswith(".") and not row.endswith("...") for row in rows)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_every_argument_is(command):
    shown = CliRunner().invoke(app, [command, "--help"]).output
    assert not re.search(r"^  \S+ <[^>]+>  \[required\]", shown, re.MULTILINE)
    assert not re.search(r"\{?names?\}?\b", shown.splitlines()[0])


@pytest.mark.usefixtures("weights")
def test_the_commands_do_what_they_say():
    runner = CliRunner()
    shown = runner.invoke(app, ["evaluate", "cnn_digits", "--split", "train", "--json"])
    assert json.loads(shown.output)["samples"] == 898
    assert "accuracy" in runner.invoke(app, ["evaluate", "logistic_digits"]).output
    assert "svm_digits" in runner.invoke(app, ["list"]).output
    assert runner.invoke(app, ["verify", "cnn_digits", "--fast"]).exit_code == 0
    edit(card_path("cnn_digits"), parameters=7)
    wrong = runner.invoke(app, ["verify", "cnn_digits", "svm_digits"])
    assert wrong.exit_code == 1
    assert "WRONG" in wrong.output
    assert "ok" in wrong.output


def test_listing_chooses_by_task_and_family():
    runner = CliRunner()

    def names(*arguments):
        return [each["name"] for each in json.loads(runner.invoke(app, ["list", "--json", *arguments]).stdout)]

    assert names("--task", "digits", "--family", "svm") == ["svm_digits"]
    assert {"cnn_digits", "svm_digits"} <= set(names("--task", "digi*"))
    assert all(RECIPES[name].family == "cnn" for name in names("--family", "cnn"))
    shown = runner.invoke(app, ["list", "--task", "digits"]).output
    assert "96.6 (same)" in shown
    assert "sst2" not in shown


def test_zoo_names_mean_functions_whoever_imported_what_before():
    import zoo.card
    import zoo.recipe
    import zoo.task

    assert zoo.task("digits").name == "digits"
    assert zoo.recipe("cnn_digits") == replace(RECIPES["cnn_digits"])
    assert zoo.card("cnn_digits").name == "cnn_digits"
    with pytest.raises(AttributeError):
        _ = zoo.nothing
