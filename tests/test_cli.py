"""The command line: every command as the README writes it, and one sentence for whatever cannot be used."""

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs a command in this process: exit code, standard output, standard error."""

    def call(*arguments, program="workbench"):
        main = import_module(f"{program}.__main__").main
        monkeypatch.setattr(sys, "argv", [program, *arguments])
        monkeypatch.setenv("COLUMNS", "200")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return int(ended.value.code or 0), printed.out, " ".join(printed.err.split())

    return call


@pytest.fixture
def succeed(run):
    """Runs a command that must succeed, and returns what it printed."""

    def call(*arguments, program="workbench"):
        code, out, err = run(*arguments, program=program)
        assert code == 0, err
        return out

    return call


@pytest.fixture
def refused(run):
    """Runs a command that must be refused: exit code 2, nothing on standard output; returns the sentence."""

    def call(*arguments, program="workbench"):
        code, out, err = run(*arguments, program=program)
        assert code == 2, (out, err)
        assert out == ""
        return err

    return call


def test_installed_as_a_command():
    """The one test through the shell: what the package installs is what the other tests call."""
    command = Path(sys.executable).with_name("workbench")
    result = subprocess.run([command, "explain", "nobody"], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 2
    assert "nobody" in result.stderr
    assert "Traceback" not in result.stderr


def test_models_lists_every_recipe(succeed):
    import zoo

    listed = json.loads(succeed("models", "--json"))
    assert [row["Model"] for row in listed] == list(zoo.RECIPES)
    scores = [row["R²"] if row["Accuracy"]["value"] is None else row["Accuracy"] for row in listed]
    assert all(score["low"] <= score["value"] <= score["high"] for score in scores)


def test_methods_lists_flags(succeed):
    assert "--n-samples" in succeed("methods")
    assert "integrated_gradients" in json.loads(succeed("methods", "--json"))


@pytest.mark.parametrize("ending", ["html", "json", "safetensors"])
def test_explain_an_image_writes(succeed, tmp_path, ending):
    out = tmp_path / f"e.{ending}"
    succeed(
        *("explain", "cnn_digits", "--sample", "test:7", "--method", "integrated_gradients"),
        *("--target", "predicted", "--out", str(out)),
    )
    if ending == "html":
        text = out.read_text()
        assert "cnn_digits" in text
        assert "Integrated" in text
    else:
        import workbench

        record = workbench.load_record(out)
        assert record.sample_ids == ("test:7",)
        assert abs(record.relative_gap[0]) < 0.01


@pytest.mark.parametrize(("sample", "says"), [("test:0", False), ("test:1", True)])
def test_explain_prints_no_share_where_the_reference_input_gets_the_same_answer(succeed, sample, says):
    """A tree often gives both the same leaf: rounding is then no share of anything."""
    printed = succeed("explain", "tree_wine", "--sample", sample, "--method", "kernel_shap")
    assert (", gap < 0.01 %" in printed) == says
    assert "e+" not in printed


def test_explain_prints_the_evidence(succeed):
    printed = succeed("explain", "cnn_digits", "--sample", "test:7", "--method", "random")
    assert "Not supported" in printed


def test_explain_names_columns_and_what_a_series_measures_at_a_step(succeed):
    printed = succeed("explain", "tree_wine", "--sample", "0", "--method", "occlusion")
    assert re.search(r"^  flavonoids  [+-]\d", printed, re.MULTILINE), printed
    assert "none to randomise" in printed, "what could not be checked is said"
    printed = succeed("explain", "ridge_adding_short", "--sample", "0", "--method", "occlusion")
    assert re.search(r"^  number at step \d+  [+-]\d", printed, re.MULTILINE), printed


def test_explain_a_typed_sentence(succeed, tmp_path):
    out = tmp_path / "e.html"
    sentence = "not a bad film, but never a good one"
    succeed("explain", "transformer_sst2", "--text", sentence, "--method", "kernel_shap", "--out", str(out))
    assert "never" in out.read_text()


def test_settings_are_flags(succeed, tmp_path):
    import workbench

    out = tmp_path / "e.json"
    succeed("explain", "cnn_digits", "--sample", "7", "--method", "random", "--seed", "5", "--out", str(out))
    assert workbench.load_record(out).parameters["seed"] == 5


def test_evaluate(succeed):
    """Everything on a small table; the few that grades rest on where the truth is planted."""
    table = json.loads(
        succeed("evaluate", "linear_toy2d_moons", "--methods", "all", "--metrics", "all", "--samples", "2", "--json")
    )
    assert {"Kernel SHAP", "DeepLIFT", "LRP", "Random (control)"} <= {row["Method"] for row in table}
    few = ("--methods", "gradient,occlusion,random", "--metrics", "relevance_mass,deletion", "--samples", "8")
    table = json.loads(succeed("evaluate", "cnn_shapes", *few, "--json"))
    assert table[-1]["Method"].startswith("Random")
    mass = [row["Relevance mass"]["value"] for row in table]
    assert mass[-1] == min(mass)


def test_a_league_is_kept_passed_over_and_asked(succeed, refused, tmp_path):
    where = ("--folder", str(tmp_path))
    assert "methods ×" in succeed("league", "svm_toy2d_moons", "--samples", "4", *where)
    assert "nothing has changed" in succeed("league", "svm_toy2d_moons", "--samples", "4", *where)
    for name in ("svm_toy2d_moons", "table"):
        assert name in succeed("recommend", name, *where)
    found = json.loads(succeed("recommend", "svm_toy2d_moons", "--budget", "0.0001 ms", "--json", *where))
    assert found["best"] is None
    assert "workbench league svm_wine" in refused("recommend", "svm_wine", *where)


def test_landscape(succeed, tmp_path):
    out = tmp_path / "s.html"
    succeed("landscape", "cnn_digits", "surface", "--data", "train:64", "--steps", "5", "--out", str(out))
    assert out.stat().st_size > 10_000


def test_compare(succeed):
    table = json.loads(succeed("compare", "wine", "--json"))
    assert {"linear_wine", "svm_wine", "forest_wine", "logistic_wine"} <= {row["Model"] for row in table}


def test_report_and_lesson(succeed, tmp_path):
    succeed(
        "report", "cnn_digits", "--samples", "0:2", "--methods", "gradient,random", "--out", str(tmp_path / "r.html")
    )
    succeed("lesson", "saliency", "--out", str(tmp_path / "l.html"))
    for name in ("r.html", "l.html"):
        assert "plotly" in (tmp_path / name).read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("explain", "cnn_digit", "--sample", "test:7"), ["cnn_digit", "cnn_digits"]),
        (("explain", "cnn_digits", "--sample", "test:7", "--method", "gradients"), ["gradients", "gradient"]),
        (("explain", "cnn_digits", "--sample", "test:99999"), ["99999", "898"]),
        (("explain", "cnn_digits", "--sample", "tset:7"), ["tset", "test"]),
        (("explain", "cnn_digits", "--sample", "-1"), ["-1"]),
        (("explain", "cnn_digits", "--sample", "seven"), ["seven"]),
        (("explain", "cnn_digits"), ["--sample", "--text"]),
        (("explain", "cnn_digits", "--text", "hello"), ["image"]),
        (("explain", "cnn_digits", "--sample", "7", "--target", "12"), ["12", "9"]),
        (("explain", "cnn_digits", "--sample", "7", "--target", "cat"), ["cat"]),
        (("explain", "cnn_digits", "--sample", "7", "--target", "²"), ["²"]),
        (("explain", "cnn_digits", "--sample", "7", "--name", "foo"), ["name"]),
        (("explain", "cnn_digits", "--sample", "7", "--out", "tests.html/e.html"), ["folder"]),
        (("explain", "cnn_digits", "--sample", "7", "--output", "logits"), ["logits", "logit"]),
        (("explain", "cnn_digits", "--sample", "7", "--out", "e.png"), [".png", ".html"]),
        (("explain", "cnn_digits", "--sample", "7", "--out", "no/such/folder/e.html"), ["folder"]),
        (("explain", "cnn_digits", "--sample", "7", "--n-step", "3"), ["n_step"]),
        (
            ("explain", "cnn_digits", "--sample", "7", "--method", "integrated_gradients", "--n-steps", "0"),
            ["n_steps", "0"],
        ),
        (
            ("explain", "logistic_digits", "--sample", "7", "--method", "integrated_gradients"),
            ["gradient", "occlusion"],
        ),
        (("explain", "transformer_sst2", "--text", ""), ["empty"]),
        (("explain", "transformer_sst2", "--text", "word " * 20_000), ["100,000"]),
        (("evaluate", "cnn_digits", "--metrics", "best"), ["best"]),
        (("evaluate", "cnn_digits", "--samples", "²"), ["²"]),
        (("evaluate", "cnn_digits", "--samples", "0"), ["0"]),
        (("league", "cnn_digit"), ["cnn_digits"]),
        (("recommend", "cnn_digit"), ["cnn_digits"]),
        (("recommend", "cnn_digits", "--budget", "little"), ["little", "20 ms"]),
        (("landscape", "cnn_digits", "surface", "--data", "train:²"), ["train:²"]),
        (("report", "svm_digits", "--methods", "gradient", "--out", "r.html"), ["svm_digits", "occlusion"]),
        (("landscape", "cnn_digits", "volume"), ["volume", "surface"]),
        (("landscape", "svm_digits", "surface"), ["svm_digits"]),
        (("landscape", "cnn_digits", "surface", "--data", "train:0"), ["train:0"]),
        (("compare", "numbers"), ["numbers", "digits"]),
        (("report", "cnn_digits", "--out", "r.pdf"), [".html"]),
        (("lesson", "salience", "--out", "l.html"), ["salience", "saliency"]),
    ],
)
def test_bad_input_is_one_sentence(refused, arguments, words):
    said = refused(*arguments)
    for word in words:
        assert word in said


def test_out_that_is_a_folder_is_refused_before_anything_is_computed(refused, tmp_path):
    (tmp_path / "e.html").mkdir()
    assert "is a folder" in refused("explain", "cnn_digits", "--sample", "7", "--out", str(tmp_path / "e.html"))


def test_out_may_have_a_long_name(succeed, tmp_path):
    out = tmp_path / f"{'e' * 240}.json"
    succeed("explain", "cnn_digits", "--sample", "7", "--out", str(out))
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_one_sample_has_the_same_types_as_many(succeed):
    arguments = ("--methods", "occlusion,random", "--metrics", "deletion", "--json")
    for samples in ("1", "4"):
        rows = json.loads(succeed("evaluate", "cnn_digits", "--samples", samples, *arguments))
        assert all(row["Deletion"].keys() == {"value", "low", "high", "unit", "rank"} for row in rows)
        assert all((row["Deletion"]["low"] is None) == (samples == "1") for row in rows)


def test_emoji_only_text_is_explained_or_refused_with_a_sentence(run):
    code, out, err = run("explain", "transformer_sst2", "--text", "🎬🍿", "--method", "occlusion")
    assert (code == 0 and "says" in out) or (code == 2 and err)


def test_without_network_and_mirror_sst2_says_so(tmp_path):
    """In a process of its own: what is at hand is decided once per process."""
    environment = {
        **os.environ,
        "WORKBENCH_DATA": str(tmp_path / "nowhere"),
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path / "cache"),
    }
    command = [sys.executable, "-m", "workbench", "explain", "gru_sst2", "--sample", "validation:0"]
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 2
    assert "WORKBENCH_DATA" in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_zoo_commands(succeed, refused):
    listed = json.loads(succeed("list", "--json", program="zoo"))
    assert "cnn_digits" in json.dumps(listed)
    assert "nonsense" in refused("verify", "nonsense", program="zoo")
    assert "nonsense" in refused("train", "nonsense", program="zoo")
