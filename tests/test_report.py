"""Reports: one file, nothing from outside, nothing of a user's text as markup, and the same again to the byte."""

import base64
import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import record_examples
from conftest import absent
from hypothesis import given
from hypothesis import strategies as st

import workbench
from workbench.explanation import methods_for
from workbench.plots import plot, surface
from workbench.records import Attribution, Grade, Table
from workbench.report import blocks, build, explanation_blocks, record_blocks, saliency_report, sections, write
from workbench.report.blocks import Block, Outcome, all_records
from workbench.report.manifest import facts_of, lists_of, manifest
from workbench.report.prose import inline, prose
from workbench.report.saliency import without_time
from workbench.storage import digest
from zoo.errors import InputError

EXAMPLES = record_examples.examples()
ODD = '<script>alert("1")</script><img src=x onerror=alert(1)>{{ 7*7 }}</style></script></script x'


class Page(HTMLParser):
    """What a browser would make of a page: its elements, its scripts, its visible text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self.inside: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.inside.append(tag)
            if tag == "script":
                self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.text += data
        elif self.inside[-1] == "script":
            attributes, content = self.scripts[-1]
            self.scripts[-1] = (attributes, content + data)

    def embedded(self, name: str) -> dict:
        return next(json.loads(content) for attributes, content in self.scripts if attributes.get("id") == name)

    @property
    def run(self) -> list[str]:
        """The scripts that a browser runs."""
        return [content for attributes, content in self.scripts if "type" not in attributes]


def everything() -> list[Block]:
    """Every kind of block."""
    matrix = blocks.Figure(content=record_examples.matrix())
    row = (record_examples.image(), dataclasses.replace(record_examples.image(), method="random"))
    graded = (record_examples.evidence(Grade.SUPPORTED), record_examples.evidence(Grade.NOT_SUPPORTED, method="random"))
    return [
        blocks.Heading(text="First"),
        blocks.Heading(text="Part", level=3),
        blocks.Text(text="Plain, **strong**, *soft*, `code`.\n\n- one\n- two"),
        blocks.Code(text="f(x) = x < 1"),
        blocks.Facts(pairs=(("name", "value"),)),
        blocks.Notice(text="Beware."),
        blocks.Figure(content=record_examples.curve(), caption="A *caption*."),
        blocks.Figure(content=go.Figure(go.Scatter(y=[1, 2]))),
        blocks.Row(attributions=row, evidence=graded),
        blocks.Table(content=record_examples.table(), shaded=frozenset({"svm_digits"})),
        blocks.Evidence(content=graded),
        blocks.Folded(title="More", content=(blocks.Text(text="Inside."), matrix)),
        blocks.Provenance(content=row),
        blocks.Question(text="Which?", options=("this", "that")),
        blocks.Verdict(claim="It is so.", outcome=Outcome.CONDITION, sentence="Only if.", answer=0),
    ]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(build(everything(), "Everything"))


def test_every_kind_of_block_is_among_them() -> None:
    def kinds(kind: type) -> set[type]:
        return {kind, *(below for child in kind.__subclasses__() for below in kinds(child))}

    assert {type(block) for block in everything()} == kinds(Block) - {Block}


def test_everything_is_on_the_page(page: Page) -> None:
    for part in (
        "Everything", "First", "Part", "strong", "f(x) = x < 1", "name", "Beware.", "A caption.", "98.9 ± 0.7",
        "● Supported", "○ Not supported", "The values add up", "More", "Inside.", "Which?", "that", "It is so.",
        "◐ Holds with a condition", "Only if.",
    ):  # fmt: skip
        assert part in page.text, part
    tags = [tag for tag, _ in page.elements]
    for tag in ("strong", "em", "code", "li", "pre", "details", "figcaption", "table", "h1", "h2", "h3", "nav"):
        assert (tag in tags) is (tag != "nav"), tag


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "srcset", "data", "poster"):
            value = attributes.get(name) or ""
            assert value == "" or value.startswith(("#", "data:")), (tag, name, value)
    css = build([], "Empty")
    assert "url(" not in css
    assert "@import" not in css


def test_the_policy_allows_these_scripts_and_nothing_else(page: Page) -> None:
    policy = next(a["content"] for tag, a in page.elements if tag == "meta" and "http-equiv" in a)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    allowed = set(rules["script-src"].split())
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in page.run}
    assert hashes == allowed
    assert len(page.run) == 2
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], tag


def test_a_page_without_figures_carries_no_script() -> None:
    source = build([blocks.Text(text="Only words.")], "Words")
    assert Page(source).run == []
    assert "script-src &#39;none&#39;;" in source
    assert len(source) < 20_000


def test_plotly_is_there_once_and_figures_in_both_themes(page: Page) -> None:
    assert sum("plotly.js v" in script for script in page.run) == 1
    places = [attributes for tag, attributes in page.elements if attributes.get("class") == "plot"]
    assert len(places) == 4
    for place in places:
        drawn = page.embedded(str(place["data-figure"]))
        assert set(drawn) == {"light", "dark"}
        grounds = [drawn[theme]["layout"]["template"]["layout"]["paper_bgcolor"] for theme in ("light", "dark")]
        assert grounds == ["#FBFBF9", "#14181B"]
        assert place["aria-label"]
    curve = page.embedded("figure-1")["light"]
    assert curve["data"] == json.loads(plot(record_examples.curve()).to_json())["data"]


def test_a_users_text_is_never_markup() -> None:
    text = record_examples.text(subject=ODD, sample_ids=(ODD,), predicted_names=(ODD,), class_names=(ODD,))
    table = dataclasses.replace(record_examples.table(), title=ODD, note=ODD, rows=((ODD, 1.0, 1.0, 1),) * 3)
    found = record_examples.evidence(sample=ODD)
    reason = dataclasses.replace(found.reasons[0], sentence=ODD, check=ODD)
    found = dataclasses.replace(found, reasons=(reason,), subject=ODD)
    content: list[Block] = [
        blocks.Heading(text=ODD),
        blocks.Text(text=f"{ODD}\n\n- {ODD} **{ODD}** `{ODD}`"),
        blocks.Code(text=ODD),
        blocks.Facts(pairs=((ODD, ODD),)),
        blocks.Notice(text=ODD),
        blocks.Figure(content=text, caption=ODD),
        blocks.Row(attributions=(text,), evidence=(found,)),
        blocks.Table(content=table),
        blocks.Evidence(content=(found,)),
        blocks.Folded(title=ODD, content=(blocks.Text(text=ODD),)),
        blocks.Provenance(content=(dataclasses.replace(text, provenance={ODD: ODD}),), title=ODD),
        blocks.Question(text=ODD, options=(ODD,)),
        blocks.Verdict(claim=ODD, outcome=Outcome.FAILS, sentence=ODD),
        *explanation_blocks(text, [found]),
    ]
    made = Page(build(content, ODD))
    assert len(made.run) == 2
    assert not [attributes for tag, attributes in made.elements if tag == "img"]
    assert made.text.count("<script>alert") > 20
    assert "49" not in made.text.replace(digest(text), "")[:2000]
    assert made.embedded("manifest")["title"] == ODD
    for attributes, content in made.scripts:
        assert "type" not in attributes or "<" not in content  # "</script x" ends an element, too


@given(st.text(max_size=200))
def test_prose_makes_no_element_of_its_own_but_the_few(text: str) -> None:
    found = {tag for tag, _ in Page(str(prose(text))).elements}
    assert found <= {"p", "ul", "li", "strong", "em", "code"}


def test_prose() -> None:
    assert str(inline("a **b** *c* `d**e**` 2 * 3 * 4")) == (
        "a <strong>b</strong> <em>c</em> <code>d**e**</code> 2 * 3 * 4"
    )
    assert str(inline("<b>")) == "&lt;b&gt;"
    assert str(prose("one\ntwo\n\n- a\nb\n- c")) == "<p>one\ntwo</p>\n<ul><li>a\nb</li><li>c</li></ul>"


def test_the_same_blocks_give_the_same_bytes() -> None:
    assert build(everything(), "A") == build(everything(), "A")
    record = record_examples.image()
    slower = dataclasses.replace(record, seconds=99.0)
    assert build(record_blocks(record), "A") == build(record_blocks(slower), "A")
    other = dataclasses.replace(record, values=record.values + 1)
    assert build(record_blocks(record), "A") != build(record_blocks(other), "A")


def test_the_manifest_names_every_record_once(page: Page) -> None:
    content = everything()
    listed = page.embedded("manifest")
    assert listed == manifest(content, "Everything")
    shown = all_records(content)
    assert [entry["record"] for entry in listed["records"]] == [record.name for record in shown]
    assert len({id(record) for record in shown}) == len(shown) == 7
    entry = manifest([blocks.Figure(content=EXAMPLES["image"])], "")["records"][0]
    assert entry["sha256"] == digest(EXAMPLES["image"])
    assert entry["provenance"]["weights_sha256"] == "ab" * 32
    body = json.dumps(listed, sort_keys=True, ensure_ascii=False)
    assert hashlib.sha256(body.encode()).hexdigest() in page.text


def test_provenance_says_how_a_record_was_made() -> None:
    facts = dict(facts_of(EXAMPLES["image"]))
    assert facts["setting n_steps"] == "32"
    assert facts["seed"] == "0"
    assert facts["passes"] == "66 forward, 64 backward"
    assert facts["record sha256"] == digest(EXAMPLES["image"])
    common, first, second = lists_of([EXAMPLES["image"], dataclasses.replace(EXAMPLES["image"], seed=1)])
    assert ("subject", "cnn_example") in common
    assert ("seed", "0") in first
    assert ("seed", "1") in second
    assert len(lists_of([EXAMPLES["image"]])) == 1


@pytest.mark.parametrize("name", EXAMPLES)
def test_any_record_makes_a_page(name: str) -> None:
    record = EXAMPLES[name]
    made = Page(build(record_blocks(record), record.title or name))
    assert digest(record) in json.dumps(made.embedded("manifest"))
    assert ("table" in [tag for tag, _ in made.elements]) is isinstance(record, Table)


def test_writing_is_atomic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write([blocks.Text(text="old")], tmp_path / "r.html", "Old")
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="No space"):
        write([blocks.Text(text="new")], path, "New")
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["r.html"]
    monkeypatch.undo()
    with pytest.raises(InputError, match="does not exist"):
        write([], tmp_path / "nowhere" / "r.html", "")


def test_an_explanation_says_what_was_answered_and_how_far_to_trust_it() -> None:
    record = record_examples.image(count=2)
    found = [record_examples.evidence(sample=sample) for sample in record.sample_ids]
    made = Page(build(explanation_blocks(record, found), "E"))
    assert "cnn_example says a (0.97), which is right" in made.text
    assert "says b (0.97), which is wrong: the label is a" in made.text
    assert "◐ Mixed: 1 of 2 checks hold" in made.text
    assert made.text.count("The values add up") == 2


@pytest.fixture(scope="module")
def digits() -> list[Block]:
    subject = workbench.load("cnn_digits")
    chosen = [workbench.method(name) for name in ("gradient", "integrated_gradients", "random")]
    return saliency_report(subject, subject.task.select("0:2"), chosen, seed=3)


def test_a_saliency_report_says_it_all(digits: list[Block]) -> None:
    made = Page(build(digits, "Saliency report: cnn_digits"))
    subject = workbench.load("cnn_digits")
    for part in (
        "cnn_digits was asked about 2 samples",
        "What this report must not be used for",
        "The control Random (control) is supported on 0 of 2",
        "on which no choice was made",
        "When it misleads",
        "Removing what ranks first",
        "--samples test:0:2",
        "--methods gradient,integrated_gradients,random",
        "--seed 3",
        subject.digest,
        "torch",
        "sundararajan2017axiomatic",
    ):
        assert part in made.text, part
    attributions = [record for record in all_records(digits) if isinstance(record, Attribution)]
    assert {record.seed for record in attributions} <= {3, None}
    grades = next(block for block in digits if isinstance(block, blocks.Table)).content
    assert [sum(row[1:4]) for row in grades.rows] == [2, 2, 2]  # type: ignore[arg-type]
    assert grades.rows[-1][0] == "Random (control)"


def test_a_saliency_report_comes_out_the_same_again(digits: list[Block]) -> None:
    subject = workbench.load("cnn_digits")
    chosen = [workbench.method(name) for name in ("gradient", "integrated_gradients", "random")]
    again = saliency_report(subject, subject.task.select("0:2"), chosen, seed=3)
    assert build(again, "R") == build(digits, "R")
    other = saliency_report(subject, subject.task.select("0:2"), chosen, seed=4)
    assert build(other, "R") != build(digits, "R")


def test_a_saliency_report_needs_a_method() -> None:
    subject = workbench.load("cnn_digits")
    with pytest.raises(InputError, match="at least one method"):
        saliency_report(subject, subject.task.select("0:1"), [])


def test_a_report_of_a_traditional_model() -> None:
    subject = workbench.load("logistic_digits")
    chosen = [kind() for kind in methods_for(subject, subject.task.select("5")).values()]
    text = Page(build(saliency_report(subject, subject.task.select("5"), chosen), "R")).text
    assert "logistic_digits was asked about 1 sample of" in text


def test_a_model_that_borrows_a_name_gets_no_card() -> None:
    subject = dataclasses.replace(workbench.load("cnn_digits"), digest="another")
    (facts,) = [block for block in sections.model(subject) if isinstance(block, blocks.Facts)]
    assert [name for name, _ in facts.pairs] == ["Model", "Data"]
    (own,) = [block for block in sections.model(workbench.load("cnn_digits")) if isinstance(block, blocks.Facts)]
    assert "Accuracy" in [name for name, _ in own.pairs]


@pytest.mark.parametrize(
    ("ids", "shown"),
    [
        (("test:0", "test:1", "test:2"), "test:0:3"),
        (("test:7",), "test:7"),
        (("test:7", "test:3"), "test:7,3"),
        (("test:7", "train:8"), ""),
        (("typed:0",), ""),
        (("mine",), ""),
    ],
)
def test_samples_are_named_as_the_command_line_takes_them(ids: tuple[str, ...], shown: str) -> None:
    assert sections.reference(ids) == shown
    if shown:
        assert workbench.load("cnn_digits").task.select(shown).ids == ids


def test_settings_that_are_not_the_default_are_written_in_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = workbench.load("cnn_digits")
    chosen = [workbench.method("integrated_gradients", n_steps=8)]
    content = saliency_report(subject, subject.task.select("0:1"), chosen)
    (code,) = [block.text for block in content if isinstance(block, blocks.Code)]
    assert "n_steps=8" in code
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert (tmp_path / "report.html").read_text() == build(content, "Saliency report: cnn_digits")


def test_formulas_are_told_from_sentences() -> None:
    assert sections.is_formula("a_i = ∂f(x) / ∂x_i")
    assert not sections.is_formula("It is zero where x = 0.")
    parts = sections.explained("One.\n\na = b\n\nWhen it misleads: never.")
    assert [type(part) for part in parts] == [blocks.Text, blocks.Code, blocks.Text]


def test_clocks_stay_out_of_the_league() -> None:
    table = record_examples.table()
    clock = dataclasses.replace(table.columns[2], title="Time")
    timed = dataclasses.replace(table, columns=(*table.columns[:2], clock, table.columns[3]))
    kept = without_time(timed)
    assert [column.title for column in kept.columns] == ["Model", "Accuracy", "Parameters"]
    assert kept.rows[0] == ("cnn_digits", 98.9, 20_000)
    assert kept.low is not None
    assert kept.low.shape == (3, 3)
    np.testing.assert_array_equal(kept.low[:, 1], table.low[:, 1])  # type: ignore[index]


def test_records_are_not_mentioned_twice() -> None:
    shown = blocks.Figure(content=EXAMPLES["curve"])
    assert len(all_records([shown, blocks.Folded(title="", content=(shown,))])) == 1
    assert re.search(r"1 record ", build([shown], "One"))


CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Any]:
    """A page of a real browser that keeps what it asked for and complained about."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed: pip install -e '.[dev]'")
    found = [path for path in CHROMIUM if Path(path).exists()]
    if not found:
        absent("there is no Chromium: apt-get install chromium")
    with sync_playwright() as started:
        context = started.chromium.launch_persistent_context(
            str(tmp_path / "profile"), executable_path=found[0], headless=True, args=FLAGS
        )
        page = context.pages[0]
        page.asked, page.errors = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        yield page
        context.close()


GROUND = "() => getComputedStyle(document.querySelector('.plot .main-svg')).backgroundColor"


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_a_browser_draws_the_page_in_both_themes_and_prints_it_light(window: Any, tmp_path: Path) -> None:
    relief = surface.figure(record_examples.surface(), view="3d")
    path = write([*everything(), blocks.Figure(content=relief)], tmp_path / "report.html", "Everything")
    for theme, ground in (("light", "rgb(251, 251, 249)"), ("dark", "rgb(20, 24, 27)")):
        window.emulate_media(color_scheme=theme)
        window.goto(f"file://{path}")
        window.wait_for_selector(".plot .main-svg")
        assert window.evaluate(GROUND) == ground
        assert window.evaluate("getComputedStyle(document.body).backgroundColor") == ground
        assert window.locator(".plot").count() == window.locator(".plot:has(.main-svg)").count() == 5
    opened = "document.querySelector('details').open"
    window.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert (window.evaluate(GROUND), window.evaluate(opened)) == ("rgb(251, 251, 249)", True)
    window.evaluate("dispatchEvent(new Event('afterprint'))")
    assert (window.evaluate(GROUND), window.evaluate(opened)) == ("rgb(20, 24, 27)", False)
    window.emulate_media(color_scheme="light")
    window.wait_for_timeout(500)
    assert window.evaluate(GROUND) == "rgb(251, 251, 249)"
    printed = window.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    assert not window.evaluate(opened)
    assert {url for url in window.asked if not url.startswith(("data:", "blob:"))} == {f"file://{path}"}
    assert window.errors == []


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_a_browser_refuses_every_other_script(window: Any, tmp_path: Path) -> None:
    path = write(everything(), tmp_path / "report.html", "Everything")
    window.goto(f"file://{path}")
    window.evaluate("""() => {
        const script = document.createElement('script');
        script.text = 'window.entered = 1';
        const image = document.createElement('img');
        image.setAttribute('onerror', 'window.entered = 2');
        image.src = 'data:broken';
        document.body.append(script, image);
    }""")
    window.wait_for_timeout(300)
    assert window.evaluate("window.entered") is None
    assert any("Content Security Policy" in error for error in window.errors)
