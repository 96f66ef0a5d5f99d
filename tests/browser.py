"""A real server and a real browser for the tests, and how they are asked."""

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

import pytest
from conftest import absent

ROOT = Path(__file__).resolve().parent.parent
SCREENSHOTS = ROOT / "screenshots"
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
WIDTHS = {1280: 900, 1920: 1080}
GROUNDS = {"light": "rgb(251, 251, 249)", "dark": "rgb(20, 24, 27)"}
QUIET = 120_000
"""Milliseconds after which a page that is still busy counts as hung."""
OVERFLOW = "(e => e.scrollWidth - e.clientWidth)(document.querySelector('[data-testid=stMain]'))"
FOCUSED = "(e => (e.innerText || e.ariaLabel || '').trim())(document.activeElement)"
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


@pytest.fixture(scope="module", name="playwright")
def started_playwright() -> Iterator[Any]:
    """Playwright, where it and a Chromium are installed."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed: pip install -e '.[dev]'")
    if not any(Path(path).exists() for path in CHROMIUM):
        absent("there is no Chromium: apt-get install chromium")
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module", name="server")
def running_server(playwright: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
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


@pytest.fixture(name="window")
def opened_window(playwright: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
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
    pictured(page, path)
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})


def pictured(page: Any, path: Path, tries: int = 3) -> None:
    """A screenshot takes a tenth of a second, and yet headless Chromium has been seen to give none within half a
    minute: a frame got lost. It draws one again when the window comes to the front and changes its size."""
    from playwright.sync_api import TimeoutError as Late

    size = page.viewport_size
    for left in reversed(range(tries)):
        try:
            page.screenshot(path=path)
            return
        except Late:
            if not left:
                raise
        page.bring_to_front()
        page.set_viewport_size({**size, "height": size["height"] + 1})
        page.wait_for_timeout(400)


def link(path: Path) -> str:
    """The address of a page below the server's."""
    stem = path.stem.partition("_")[2]
    return "" if path.name[0] == "0" else stem


def check_nothing_wrong(window: Any, server: Server) -> None:
    """No error in the console, no request to anywhere else."""
    assert not window.seen.errors
    assert not window.seen.outside(server.address)
    assert window.seen.requests
