"""Every page with every model, through the router, without a browser: links, bad links, typed texts."""

import ast
import html
import importlib
import json
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import zoo
import zoo.errors
from pages.ui import menu
from zoo.recipe import Recipe

ROOT = Path(__file__).resolve().parent.parent
ROUTER = ROOT / "pages" / "ui" / "router.py"
PAGES = [path.stem.partition("_")[2] for path in menu.files()]
TEXT_MODEL = "gru_sst2"


def opened(page: str, **link: str | list[str]) -> AppTest:
    """A page as a browser would get it by a link."""
    app = AppTest.from_file(ROUTER, default_timeout=120)
    for key, value in link.items():
        app.query_params[key.replace("__", ".")] = value
    app.switch_page(str(menu.found(page)))
    return app.run()


def shown(app: AppTest) -> str:
    """All the words and markup of a page, sidebar included."""
    return "\n".join(str(piece.proto.body) for piece in app.get("html"))


def problems(app: AppTest) -> list[str]:
    """What the page says is wrong."""
    return [html.unescape(found) for found in re.findall(r'<div class="wb-problem">(.*?)</div>', shown(app), re.DOTALL)]


def question(page: str) -> str:
    """The question in a page's docstring."""
    return (ast.get_docstring(ast.parse(menu.found(page).read_text("utf-8"))) or "").partition("|")[2].strip()


def figures(app: AppTest) -> list[str]:
    """The data of every figure of a page."""
    return [chart.proto.spec for chart in app.get("plotly_chart")]


def _first_of_each(*of: Callable[[Recipe], object]) -> list[str]:
    """The first model of each kind, as the functions tell kinds."""
    found: dict[tuple, str] = {}
    for name, plan in zoo.RECIPES.items():
        found.setdefault(tuple(tell(plan) for tell in of), name)
    return list(found.values())


MODELS = _first_of_each(
    lambda plan: zoo.task(plan.task).kind,
    lambda plan: plan.training is None,
    lambda plan: zoo.task(plan.task).regression,
    lambda plan: plan.family in ("seq2seq", "decoder"),
)
"""A network and a traditional model for each kind of sample, for numbers and for sequences."""
FAMILIES = _first_of_each(lambda plan: plan.family, lambda plan: zoo.task(plan.task).kind)
QUICK = {
    "landscape": {"data": "128", "surface.steps": "5", "slice.steps": "5", "top_eigenvalue.most": "4"},
    "report": {"methods": ["Random (control)"]},
    "evaluate": {"view": "here", "methods": ["Occlusion", "Random (control)"]},
}
"""Settings under which a page that computes for long does so for less; other tests open it with its own."""


CASES = dict.fromkeys([*product(PAGES, MODELS), *product(("explain", "models"), FAMILIES)])
"""Every page with every kind of model, and the two that show most of a model with every family."""


def _marks(model: str) -> list:
    """What a model needs whose data is only at hand in a mirror."""
    return [pytest.mark.mirror] if zoo.task(zoo.recipe(model).task).unavailable() else []


@pytest.mark.parametrize(("page", "model"), [pytest.param(*case, marks=_marks(case[1])) for case in CASES])
def test_every_page_runs_with_every_kind_of_model(page: str, model: str) -> None:
    few = {"methods": ["Occlusion", "Random (control)"]} if page == "explain" and model not in MODELS else {}
    app = opened(page, model=model, **QUICK.get(page, few))
    assert not app.exception
    assert not problems(app)
    if page != "learn":
        assert f"<h1>{question(page)}</h1>" in html.unescape(shown(app))


BAD_LINKS = [
    ("explain", {"model": "cnn_digit"}, "There is no model called 'cnn_digit'. Did you mean 'cnn_digits'?"),
    ("explain", {"sample": "test:99999"}, "Sample 99999 is not in split 'test'"),
    ("explain", {"sample": "nowhere:1"}, "There is no split of digits called 'nowhere'"),
    ("explain", {"sample": "test:many"}, "does not name samples"),
    ("explain", {"sample": "test:0:8"}, "names 8 samples; this page shows one"),
    ("explain", {"methods": ["Integrated gradients", "magic"]}, "There is no method called 'magic'"),
    ("explain", {"target": "class 77"}, "There is no explained class called 'class 77'"),
    ("explain", {"output": "feeling"}, "There is no explained scalar called 'feeling'"),
    ("explain", {"integrated_gradients__n_steps": "1e9"}, "n_steps"),
    ("explain", {"integrated_gradients__n_steps": "many"}, "n_steps"),
    ("evaluate", {"view": "here", "samples": "-4"}, "There is no samples called '-4'"),
    ("evaluate", {"view": "everything"}, "There is no shown called 'everything'"),
    ("evaluate", {"view": "league", "budget": "a lot"}, "The budget 'a lot' is neither"),
    ("evaluate", {"view": "league", "category": "beauty"}, "There is no metrics of called 'beauty'"),
    ("landscape", {"view": "sideways", **QUICK["landscape"]}, "There is no view called 'sideways'"),
    ("compare", {"one": "nobody"}, "There is no one model called 'nobody'"),
    ("learn", {"lesson": "alchemy"}, "There is no lesson called 'alchemy'"),
    ("learn", {"answer": "17"}, "There is no answer '17'"),
    ("report", {"samples": "test:0:800"}, "this page takes at most"),
    ("report", {"seed": "-1"}, "Seed '-1' in the link"),
]


@pytest.mark.parametrize(("page", "link", "sentence"), BAD_LINKS)
def test_a_bad_link_is_answered_by_a_sentence(page: str, link: dict, sentence: str) -> None:
    app = opened(page, **link)
    assert not app.exception
    assert any(sentence in problem for problem in problems(app)), problems(app)
    assert "<h1>" in shown(app)


def test_a_map_of_zeros_is_said_to_be_one_and_is_drawn() -> None:
    """The tree gives the sample and the mean of all wines the same leaf."""
    app = opened("explain", model="tree_wine", sample="test:0", methods=["kernel_shap", "occlusion"])
    assert "nothing moved it (all values are 0)" in shown(app)
    assert json.loads(figures(app)[0])["layout"]["xaxis"]["range"] == pytest.approx([-1.08, 1.08])


def test_what_stands_over_bars_has_room_on_the_page() -> None:
    layout = json.loads(figures(opened("explain", model="logistic_wine"))[0])["layout"]
    over = [note["text"] for note in layout["annotations"] if (note.get("y"), note.get("yanchor")) == (1, "bottom")]
    assert len(over) > 2
    assert layout["margin"]["t"] >= 14 * max(text.count("<br>") + 1 for text in over)


def test_a_model_without_a_league_is_measured_now_or_says_how_to_compute_one(monkeypatch) -> None:
    monkeypatch.setattr("workbench.archive.kept", lambda: ())
    app = opened("evaluate", view="league", model="svm_digits")
    assert any("No league of svm_digits is kept. Compute it with" in problem for problem in problems(app))
    assert not problems(opened("evaluate", model="svm_digits"))


GOOD_LINKS = [
    ("explain", {"model": "svm_digits", "sample": "test:9", "methods": ["Occlusion", "Random (control)"]}),
    ("explain", {"model": "gru_sst2", "text": "not a bad film, but never a good one", "target": "class positive"}),
    (
        "evaluate",
        {
            "model": "logistic_digits",
            "view": "A few, measured now",
            "metrics": ["Deletion", "Insertion"],
            "samples": "32",
        },
    ),
    ("evaluate", {"model": "cnn_digits", "category": "Faithfulness", "method": "Gradient", "metric": "Deletion"}),
    ("evaluate", {"model": "cnn_digits", "budget": "100 passes"}),
    ("landscape", {"view": "relief", "data": "128", "surface.steps": "5", "slice.steps": "5"}),
    ("compare", {"one": "svm_digits", "refitted": "logistic_digits"}),
    ("report", {"model": "logistic_digits", "samples": "test:3:5", "seed": "2"}),
]


@pytest.mark.parametrize(("page", "link"), GOOD_LINKS)
def test_a_view_is_its_link(page: str, link: dict) -> None:
    """What a link says is chosen, stays in the address, and shows the same to whoever opens it."""
    first = opened(page, **link)
    assert not first.exception
    assert not problems(first)
    for key, value in link.items():
        assert first.query_params[key] == value, key
    second = opened(page, **first.query_params)
    assert shown(second) == shown(first)
    assert figures(second) == figures(first)
    plain = opened(page, **({"model": link["model"]} if "model" in link else {}))
    assert (shown(first), figures(first)) != (shown(plain), figures(plain)), "the link changed nothing"


def test_a_link_may_use_names_where_the_page_shows_titles() -> None:
    by_name = opened("explain", methods=["kernel_shap", "random"], target="label")
    by_title = opened("explain", methods=["Kernel SHAP", "Random (control)"], target="labelled class")
    assert not problems(by_name)
    assert figures(by_name) == figures(by_title)


def test_links_differ_where_their_views_do() -> None:
    """Guards the tests above: pages that always showed the same would pass them."""
    assert shown(opened("explain", sample="test:1")) != shown(opened("explain", sample="test:2"))
    assert figures(opened("explain", sample="test:1")) != figures(opened("explain", sample="test:2"))


def test_settings_of_a_method_change_its_result() -> None:
    few = opened("explain", methods=["Occlusion"], occlusion__window="1")
    many = opened("explain", methods=["Occlusion"], occlusion__window="3")
    assert not problems(few)
    assert not problems(many)
    assert figures(few) != figures(many)


def test_the_neighbour_of_a_sample_is_one_click_away() -> None:
    app = opened("explain", sample="test:1")
    app.button("next").click().run()
    assert app.text_input("sample").value == "test:2"
    app.button("previous").click().run()
    app.button("previous").click().run()
    assert app.text_input("sample").value == "test:0"
    app.button("previous").click().run()
    assert app.text_input("sample").value == "test:898", "before the first comes the last"
    assert not app.exception


def test_another_task_begins_with_its_own_sample() -> None:
    app = opened("explain", model="cnn_digits", sample="test:7")
    app.selectbox("model").set_value("svm_digits").run()
    assert app.text_input("sample").value == "test:7", "another model of the same task keeps the sample"
    app.selectbox("of").set_value("sst2").run()
    assert app.selectbox("model").value == TEXT_MODEL, "the first model of the task"
    assert app.text_input("sample").value.endswith(":0")
    assert not app.exception
    assert not problems(app)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("   ", "text"), ("a" * 100_000, "100,000"), ("😀😀😀", None), ("x", None), ("<b>fine</b> & good", None)],
)
def test_typed_texts(text: str, sentence: str | None) -> None:
    """A text that cannot be used is refused in a sentence; any other is explained. Neither breaks the page."""
    app = opened("explain", model=TEXT_MODEL)
    app.text_area("text").set_value(text).run()
    assert not app.exception
    assert "<h1>What moved the output?</h1>" in shown(app)
    found = problems(app)
    if sentence is None:
        assert not found
        assert figures(app)
    else:
        assert any(sentence in problem for problem in found), found


def test_an_empty_text_is_the_sample_again() -> None:
    app = opened("explain", model=TEXT_MODEL)
    before = figures(app)
    app.text_area("text").set_value("a wonderful film").run()
    assert figures(app) != before
    app.text_area("text").set_value("").run()
    assert figures(app) == before


def test_a_typed_text_is_never_markup() -> None:
    text = "<script>alert(1)</script> **film** <img src=x>"
    app = opened("explain", model=TEXT_MODEL, text=text)
    assert not app.exception
    assert "<script" not in shown(app)
    assert "<img" not in shown(app)
    assert html.escape(text) in shown(app)
    assert not any("film" in piece.value for piece in app.markdown)


def test_no_page_allows_unsafe_html() -> None:
    for path in (ROOT / "pages").rglob("*.py"):
        source = path.read_text("utf-8")
        assert "unsafe_allow" not in source, path
        assert "st.markdown" not in source, path


def test_without_the_reviews_text_pages_offer_our_own_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network and no mirror: typed text and the examples still work, and what needs the data says so."""
    task = zoo.task("sst2")
    load = type(task).load

    def missing(self: object, split: str) -> object:
        if split == "examples":
            return load(self, split)
        raise zoo.errors.InputError("The reviews are not at hand. Set WORKBENCH_DATA.")

    monkeypatch.setattr(type(task), "load", missing)
    monkeypatch.setattr(type(task), "unavailable", lambda _: "The reviews are not at hand. Set WORKBENCH_DATA.")
    _forget_samples()
    try:
        for page in ("home", "explain", "evaluate", "report"):
            app = opened(page, model="gru_sst2")
            assert not app.exception
            assert not problems(app), page
        assert opened("explain", model="gru_sst2").text_input("sample").value == "examples:0"
        for page in ("models", "landscape", "compare"):
            app = opened(page, model="gru_sst2")
            assert not app.exception
            assert any("WORKBENCH_DATA" in problem for problem in problems(app)), page
    finally:
        _forget_samples()


def _forget_samples() -> None:
    importlib.import_module("zoo.task")._load.cache_clear()


def test_a_league_opens_at_once_and_measures_only_what_is_chosen() -> None:
    """The table is there without a figure; the samples behind a number are measured when one is chosen."""
    app = opened("evaluate", model="cnn_digits")
    words = html.unescape(shown(app))
    assert "is recommended on cnn_digits" in words
    assert re.search(r"<tr class=\"control\"><td[^>]*>Random \(control\)</td>", words)
    assert not figures(app)
    assert not problems(app), "it is of the weights, methods and metrics that there are"
    chosen = opened("evaluate", model="cnn_digits", category="faithfulness", method="gradient", metric="deletion")
    assert "wb-rank first" in shown(chosen)
    assert len(figures(chosen)) == 1
    assert "best and the worst samples" in shown(chosen)


def test_a_budget_changes_what_is_recommended() -> None:
    dear, cheap = (html.unescape(shown(opened("evaluate", model="cnn_digits", budget=most))) for most in ("", "10"))
    assert "within 10 passes per sample" in cheap
    assert dear != cheap


def test_where_methods_disagree_is_computed_when_asked() -> None:
    few = {"view": "here", "model": "logistic_wine", "metrics": ["deletion"]}
    assert "Least alike" not in shown(opened("evaluate", **few))
    assert "Least alike" in shown(opened("evaluate", disagreement="true", **few))


def test_the_default_choice_stays_small_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty more methods: four are chosen, found by typing, and not one is computed that nobody chose."""
    explanation = importlib.import_module("workbench.explanation")
    known = explanation.methods()
    many = known | {f"copy_{i}": type(f"Copy{i}", (known["gradient"],), {"name": f"copy_{i}"}) for i in range(20)}
    for module in ("workbench.explanation", "workbench.evaluation", "pages.ui.explained", "pages.ui.work"):
        monkeypatch.setattr(importlib.import_module(module), "methods", lambda: many)
    app = opened("explain", model="cnn_digits")
    assert not app.exception
    assert len(app.multiselect("methods").options) > 20
    assert len(app.multiselect("methods").value) == 4
    assert len(figures(app)) <= 4


def test_evaluate_shows_random_worst_where_the_truth_is_planted() -> None:
    """The control's row is last and shaded, and the page says in words that nothing is worse."""
    app = opened("evaluate", model="cnn_shapes", view="here", sort="Time")  # by which the control is best
    words = html.unescape(shown(app))
    assert "By relevance mass on the planted evidence" in words
    assert "<b>Random (control)</b> is worst" in words
    assert "every method beats random numbers" in words
    league = words.partition("</table>")[0]
    rows = re.findall(r"<tr( class=\"control\")?><td[^>]*>([^<]*)</td>", league)
    assert len(rows) == 4
    assert rows[-1] == (' class="control"', "Random (control)")
    assert all(not shaded for shaded, _ in rows[:-1])


def test_a_grade_stands_under_every_map() -> None:
    app = opened("explain")
    words = html.unescape(shown(app))
    assert len(re.findall(r"<tr[^>]*><td[^>]*>[^<]*</td><td[^>]*><span class=\"wb-grade", words)) == 4
    assert "checks hold" in words
    assert any(grade in figures(app)[0] for grade in ("Supported", "Mixed", "Not supported"))


def test_a_method_that_does_not_fit_says_why() -> None:
    words = html.unescape(shown(opened("explain", model="svm_digits")))
    assert "Integrated gradients needs gradient, which svm_digits does not offer." in words


def test_a_lesson_waits_for_the_prediction() -> None:
    app = opened("learn")
    assert not figures(app), "nothing is drawn before the prediction"
    app.button("answer 0").click().run()
    assert figures(app)
    assert app.query_params["answer"] == "0"
    assert "wb-verdict" in shown(app)


def test_a_network_is_trained_from_the_app_with_a_live_curve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Press Train, see the curve, read what it reaches; then call off a longer one, and go on with it."""
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path))
    link = {"cnn_digits.batch": "256", "cnn_digits.epochs": "2"}
    app = opened("train", model="cnn_digits", **link)
    assert not app.exception
    assert "from its card" in shown(app)
    app.button("train").click().run()
    trainings = importlib.import_module("pages.ui.trainings")
    found = trainings.board().busy() or trainings.board().find(
        trainings.plan_of("cnn_digits", 0, epochs=2, batch_size=256)
    )
    assert found.over.wait(120)
    app.run()
    assert "reaches" in shown(app)
    assert len(figures(app)) == 1
    longer = opened("train", model="cnn_digits", **(link | {"cnn_digits.epochs": "200"}))
    longer.button("train").click().run()
    assert "is being trained" in shown(longer)
    busy = trainings.board().busy()
    assert busy is not None
    while busy.epoch < 1:
        busy.over.wait(0.05)
    longer.button("call off").click().run()
    assert "Called off" in shown(longer)
    assert trainings.board().busy() is None
    longer.button("resume").click().run()
    assert trainings.board().busy() is not None
    longer.button("call off").click().run()
    assert not longer.exception


def test_every_page_is_declared_with_a_title_and_a_question() -> None:
    for path in menu.files():
        docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        title, bar, asked = docstring.partition(" | ")
        assert title, path.name
        assert bar, path.name
        assert asked.endswith("?"), path.name
        assert path.name[0] in menu.SECTIONS
    found = {path.name for path in menu.files()}
    assert found == {path.name for path in (ROOT / "pages").glob("*.py")} - {"__init__.py"}
