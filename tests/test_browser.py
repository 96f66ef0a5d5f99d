"""The app in a real browser: every page, light and dark, narrow and wide; nothing asked of any other host."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from conftest import absent

from pages.ui import menu

ROOT = Path(__file__).resolve().parent.parent
SCREENSHOTS = ROOT / "screenshots"
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
WIDTHS = {1280: 900, 1920: 1080}
GROUNDS = {"light": "rgb(251, 251, 249)", "dark": "rgb(20, 24, 27)"}
QUIET = 120_000
"""Milliseconds after which a page that is still busy counts as hung."""
OVERFLOW = "(e => e.scrollWidth - e.clientWidth)(document.querySelector('[data-testid=stMain]'))"
TRIED_FIRST = re.compile(r"/[a-z_]+/_stcore/(health|host-config)$")
"""Streamlit asks below a page's own path first and is refused; then it asks at the root. Known, and harmless."""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
    "--font-render-hinting=none",
]

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]


@dataclass
class Server:
    """A running app: its address, its process, and the seconds until it answered."""

    address: str
    process: subprocess.Popen
    seconds: float


@dataclass
class Seen:
    """What a browser context did beside showing pages."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def listen(self, page: Any) -> None:
        """Keep what this page asks for and complains about."""
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _console(self, message: Any) -> None:
        if message.type == "error" and not TRIED_FIRST.search(message.location.get("url", "")):
            self.errors.append(f"{message.text} {message.location.get('url', '')}")

    def outside(self, address: str) -> list[str]:
        """Requests to anywhere else."""
        own = (address, address.replace("http", "ws"), "data:", "blob:", "about:")
        return [url for url in self.requests if not url.startswith(own)]


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    """Playwright, where it and a Chromium are installed."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed: pip install -e '.[dev]'")
    if not any(Path(path).exists() for path in CHROMIUM):
        absent("there is no Chromium: apt-get install chromium")
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def server(playwright: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server on a free port of this machine."""
    del playwright
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (tmp_path_factory.mktemp("server") / "log.txt").open("w")
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", f"--server.port={port}"]
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env={**os.environ})
    address = f"http://127.0.0.1:{port}"
    try:
        while not _answers(address):
            assert process.poll() is None, "the server ended before it answered"
            assert time.monotonic() - start < 60, "the server did not answer within a minute"
            time.sleep(0.05)
        yield Server(address, process, time.monotonic() - start)
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture
def window(playwright: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A browser of its own, in the theme that the test asks for by a parameter called `theme`."""
    theme = request.node.callspec.params.get("theme", "light") if hasattr(request.node, "callspec") else "light"
    context = playwright.chromium.launch_persistent_context(
        str(tmp_path),
        executable_path=next(path for path in CHROMIUM if Path(path).exists()),
        headless=True,
        args=FLAGS,
        reduced_motion="reduce",
        color_scheme=theme,
        viewport={"width": 1280, "height": WIDTHS[1280]},
    )
    context.seen = Seen()
    context.on("page", context.seen.listen)
    for page in context.pages:
        context.seen.listen(page)
    yield context
    context.close()


def visit(page: Any, url: str) -> None:
    """Go to a page and wait until it has finished: its script, and its figures."""
    page.goto(url)
    settle(page)


def settle(page: Any) -> None:
    """Wait until the script has run and has stayed at rest for a moment."""
    page.wait_for_selector(".wb-head h1, .wb-problem", timeout=QUIET)
    for _ in range(3):
        page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=QUIET)
        page.wait_for_timeout(150)
    if page.locator('[data-testid="stPlotlyChart"]').count():
        page.wait_for_selector(".js-plotly-plot .main-svg", timeout=QUIET)
    page.evaluate("document.fonts.ready")


def whole(page: Any, path: Path, width: int) -> None:
    """A screenshot of the whole page, which scrolls inside its frame."""
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": width, "height": max(WIDTHS[width], min(height + 10, 6000))})
    page.wait_for_timeout(400)
    page.screenshot(path=path)
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})


def link(path: Path) -> str:
    """The address of a page below the server's."""
    stem = path.stem.partition("_")[2]
    return "" if path.name[0] == "0" else stem


def check_nothing_wrong(window: Any, server: Server) -> None:
    """No error in the console, no request to anywhere else."""
    assert not window.seen.errors
    assert not window.seen.outside(server.address)
    assert window.seen.requests


def test_answers_soon_after_it_was_started(server: Server, window: Any) -> None:
    """The server within five seconds; what was asked first, explained and graded, soon after."""
    page = window.new_page()
    start = time.monotonic()
    page.goto(server.address)
    page.wait_for_selector(".wb-head h1", timeout=QUIET)
    headline = time.monotonic() - start
    settle(page)
    print(f"server {server.seconds:.1f} s, headline {headline:.1f} s, finished {time.monotonic() - start:.1f} s")
    assert server.seconds < 5
    assert headline < 10


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
            assert page.evaluate(OVERFLOW) <= 1, f"{path.name} is wider than {width} pixels"
            whole(page, SCREENSHOTS / f"{path.stem}-{theme}-{width}.png", width)
    check_nothing_wrong(window, server)


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


def test_everything_that_can_be_clicked_can_be_reached_by_key(server: Server, window: Any) -> None:
    page = window.new_page()
    visit(page, f"{server.address}/explain")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("(document.activeElement.innerText || document.activeElement.ariaLabel || '').trim()")
        )
    assert {"Models", "Lessons", "›"} <= reached
    assert "Integrated gradients" in reached
    assert "Settings" in reached


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
    visit(page, f"{server.address}/explain?model=logistic_sst2&text={quote(text)}")
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
