"""The app in a real browser: every page, light and dark, narrow and wide; nothing asked of any other host."""

import re
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

import pytest
from browser import (  # noqa: F401
    FOCUSED,
    GROUNDS,
    OVERFLOW,
    QUIET,
    SCREENSHOTS,
    WIDTHS,
    Server,
    check_nothing_wrong,
    link,
    opened_window,
    pictured,
    running_server,
    settle,
    started_playwright,
    visit,
    whole,
)

from pages.ui import menu

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]


def test_answers_soon_after_it_was_started(server: Server, window: Any) -> None:
    """What was asked first is explained and graded; how soon is printed, not asserted: the machine is shared."""
    page = window.new_page()
    start = time.monotonic()
    page.goto(server.address)
    page.wait_for_selector(".wb-head h1", timeout=QUIET)
    headline = time.monotonic() - start
    settle(page)
    print(f"server {server.seconds:.1f} s, headline {headline:.1f} s, finished {time.monotonic() - start:.1f} s")
    assert page.locator(".wb-problem").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_in_every_theme(server: Server, window: Any, theme: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page = window.new_page()
    for path in menu.files():
        visit(page, f"{server.address}/{link(path)}")
        assert page.locator('[data-testid="stException"]').count() == 0, path.name
        assert page.locator(".wb-problem").count() == 0, path.name
        ground = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
        assert ground == GROUNDS[theme], path.name
        charts = page.locator(".js-plotly-plot .main-svg").first
        if charts.count():
            assert charts.evaluate("e => getComputedStyle(e).backgroundColor") == GROUNDS[theme], path.name
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            for _ in range(25):  # tables take a moment to follow the window
                if page.evaluate(OVERFLOW) <= 1:
                    break
                page.wait_for_timeout(200)
            assert page.evaluate(OVERFLOW) <= 1, f"{path.name} is wider than {width} pixels"
            whole(page, SCREENSHOTS / f"{path.stem}-{theme}-{width}.png", width)
    check_nothing_wrong(window, server)


@pytest.mark.parametrize("lost", [0, 2, 3])
def test_a_picture_that_does_not_come_is_asked_for_again(lost: int, window: Any, monkeypatch, tmp_path) -> None:
    page, taken = window.new_page(), []
    whole_picture = page.screenshot

    def screenshot(path: Any) -> None:
        taken.append(path)
        whole_picture(path=path, timeout=0.001 if len(taken) <= lost else 30_000)

    monkeypatch.setattr(page, "screenshot", screenshot)
    if lost < 3:
        pictured(page, tmp_path / "page.png")
        assert (tmp_path / "page.png").stat().st_size
    else:
        with pytest.raises(Exception, match="Timeout"):
            pictured(page, tmp_path / "page.png")
    assert len(taken) == min(lost + 1, 3)


def test_every_page_by_the_menu(server: Server, window: Any) -> None:
    """The journey of a newcomer: from the first page to each of the others by clicks."""
    page = window.new_page()
    visit(page, server.address)
    for path in menu.files():
        name = menu.title(path)
        page.locator('[data-testid="stSidebarNavLink"]', has_text=re.compile(f"^{re.escape(name)}$")).click()
        page.wait_for_url(f"{server.address}/{link(path)}*")
        settle(page)
        assert page.locator('[data-testid="stException"]').count() == 0, name
    check_nothing_wrong(window, server)


def test_two_windows_at_once(server: Server, window: Any) -> None:
    """Two people who explain different samples by one model at the same moment see what each alone would see."""
    links = [f"{server.address}/explain?sample=test:{index}" for index in (5, 6)]
    together = [window.new_page() for _ in links]
    for page, address in zip(together, links, strict=True):
        page.goto(address, wait_until="commit")
    for page in together:
        settle(page)
    found = [page.locator(".wb-answer").first.inner_text() for page in together]
    for address, answer in zip(links, found, strict=True):
        page = window.new_page()
        visit(page, address)
        assert page.locator(".wb-answer").first.inner_text() == answer
    assert found[0] != found[1]
    check_nothing_wrong(window, server)


def test_a_training_is_followed_called_off_and_gone_on_with(server: Server, window: Any) -> None:
    """The curve grows while one watches, in a second window too; what was called off goes on where it was."""
    link_of_it = f"{server.address}/train?model=cnn_digits&cnn_digits.epochs=2000"
    page, second = window.new_page(), window.new_page()
    visit(page, link_of_it)
    page.get_by_role("button", name="Train", exact=True).click()
    first = done(page)
    assert done(page, above=first) > first
    assert page.locator(".js-plotly-plot .main-svg").count()
    second.goto(link_of_it)
    assert done(second) >= first
    page.get_by_role("button", name="Call off").click()
    page.get_by_text("Called off").wait_for(timeout=QUIET)
    settle(page)
    page.get_by_role("button", name="Go on from the checkpoint").click()
    assert done(page) > first
    page.get_by_role("button", name="Call off").click()
    page.get_by_text("Called off").wait_for(timeout=QUIET)
    check_nothing_wrong(window, server)


def done(page: Any, above: int = 0) -> int:
    """How many epochs the page says are done, once there are more than so many."""
    for _ in range(300):
        said = page.get_by_text(re.compile(r"^epoch \d+ of 2000"))
        if said.count() and (epoch := int(said.first.inner_text().split()[1])) > above:
            return epoch
        page.wait_for_timeout(200)
    raise AssertionError(f"no more than {above} epochs were done in a minute")


def test_everything_that_can_be_clicked_can_be_reached_by_key(server: Server, window: Any) -> None:
    page = window.new_page()
    visit(page, f"{server.address}/explain")
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
        if reached[-1] == "Integrated gradients":  # what is chosen is one stop; the arrows move inside it
            for _ in range(5):
                page.keyboard.press("ArrowRight")
                reached.append(page.evaluate(FOCUSED))
    assert {"Models", "Lessons", "Model", "Sample", "›", "Integrated gradients", "Random (control)"} <= set(reached)
    assert any(name.endswith("Settings") for name in reached)
    assert "Download .json" in reached


def test_a_menu_link_opens_by_key(server: Server, window: Any) -> None:
    page = window.new_page()
    visit(page, server.address)
    page.locator('[data-testid="stSidebarNavLink"]', has_text=re.compile("^Models$")).focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.address}/models*")


def test_typed_markup_stays_text(server: Server, window: Any) -> None:
    """A sentence with scripts, images and markdown in it is read by the model and shown as it was written."""
    text = "<img src=x onerror=window.broken=1> **bold** ![x](http://example.com/a.png) a good film"
    page = window.new_page()
    visit(page, f"{server.address}/explain?model=gru_sst2&text={quote(text)}")
    assert page.locator(".wb-sentence").first.inner_text().strip() == text
    assert page.evaluate("window.broken") is None
    check_nothing_wrong(window, server)


@pytest.mark.parametrize("path", ["", "explain", "pages/ui/router.py", "app/static/router.py"])
def test_headers_and_nothing_but_the_app(server: Server, path: str) -> None:
    """Every answer carries the policy, and no source file is served."""
    try:
        answer = urllib.request.urlopen(f"{server.address}/{path}", timeout=10)
    except urllib.error.HTTPError as refused:
        answer = refused
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b"import streamlit" not in answer.read()


def test_an_unknown_document_is_a_sentence(server: Server) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{server.address}/document/unknown", timeout=10)
    assert refused.value.code == 404
    assert b"no longer kept" in refused.value.read()


def test_long_work_shows_how_far_it_is_and_can_be_cancelled(server: Server, window: Any) -> None:
    page = window.new_page()
    page.goto(f"{server.address}/landscape?data=512&surface.steps=101")
    button = page.get_by_role("button", name="Cancel")
    button.wait_for(timeout=QUIET)
    assert re.search(r"[\d,]+ passes done, [\d,]+ left", page.locator('[data-testid="stProgress"]').inner_text())
    button.click()
    page.get_by_text("Cancelled: loss surface").wait_for(timeout=QUIET)
    page.locator(".wb-facts dt", has_text="residual").wait_for(timeout=QUIET)
    assert page.get_by_role("button", name="Compute again").is_visible()
    check_nothing_wrong(window, server)


def test_long_work_survives_a_reload(server: Server, window: Any) -> None:
    """Whoever opens the same link finds the work where it is, not at its beginning."""
    page = window.new_page()
    page.goto(f"{server.address}/landscape?data=512&surface.steps=99&surface.seed=1")
    before = _passes(page, least=20_000)
    page.reload()
    assert _passes(page, least=1) >= before
    page.get_by_role("button", name="Cancel").click()
    check_nothing_wrong(window, server)


def _passes(page: Any, least: int) -> int:
    """How many passes the page says are done, once they are at least so many."""
    bar = page.locator('[data-testid="stProgress"]')
    bar.wait_for(timeout=QUIET)
    end = time.monotonic() + 150
    while time.monotonic() < end:
        found = re.search(r"([\d,]+) passes done", bar.inner_text())
        if found and int(found[1].replace(",", "")) >= least:
            return int(found[1].replace(",", ""))
        page.wait_for_timeout(100)
    raise AssertionError(f"the page did not reach {least} passes")


def test_a_text_too_long_is_a_sentence_and_the_page_can_be_reloaded(server: Server, window: Any) -> None:
    page = window.new_page()
    visit(page, f"{server.address}/explain?model=gru_sst2&sample=examples:0")
    page.locator("textarea").fill("long " * 20_000)
    page.keyboard.press("Control+Enter")
    page.get_by_text("100,000 characters").wait_for(timeout=QUIET)
    assert len(page.url) < 2000
    page.reload()
    settle(page)
    assert page.locator('[data-testid="stException"]').count() == 0
