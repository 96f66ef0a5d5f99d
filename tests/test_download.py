"""Downloads, from a server on this machine: what arrives whole is kept, and of all else there is one sentence."""

import errno
import hashlib
import io
import os
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from zoo import download
from zoo.errors import InputError

CONTENT = bytes(range(256)) * 1000
WHOLE = download.has_sha256(hashlib.sha256(CONTENT).hexdigest())


class _Site(BaseHTTPRequestHandler):
    """/file is whole, /short ends early, /chunks says no length, /missing is not there."""

    asked: list[str] = []

    def do_GET(self):
        self.asked.append(self.path)
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        if self.path != "/chunks":
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:100_000] if self.path == "/short" else CONTENT)

    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words):
        """Say nothing."""


@pytest.fixture(scope="module")
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    """The folder of downloads."""
    monkeypatch.setenv(download.VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


def one_sentence_and_nothing_kept(kept, address, check=WHOLE, match=""):
    with pytest.raises(InputError, match=match) as caught:
        download.fetch(address, "data.bin", check)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert not kept.exists() or list(kept.iterdir()) == []


@pytest.mark.parametrize("path", ["/file", "/chunks"])
def test_a_file_is_fetched_once(site, kept, path):
    _Site.asked.clear()
    steps = []
    for _ in range(2):
        found = download.fetch(site + path, "data.bin", WHOLE, lambda done, total: steps.append((done, total)))
        assert found == kept / "data.bin"
        assert found.read_bytes() == CONTENT
    assert _Site.asked == [path]
    assert [each.name for each in kept.iterdir()] == ["data.bin"]
    assert steps[-1] == (len(CONTENT), len(CONTENT) if path == "/file" else None)
    assert [done for done, _ in steps] == sorted({done for done, _ in steps})


def test_a_download_that_breaks_off_is_one_sentence(site, kept):
    one_sentence_and_nothing_kept(kept, f"{site}/short", match=r"broke off with 156,000 bytes missing.*Try again")


def test_a_file_with_another_checksum_is_not_kept(site, kept):
    one_sentence_and_nothing_kept(kept, f"{site}/file", download.has_sha256("0" * 64), "sha256 is [0-9a-f]{64}, not 0")


def test_a_file_in_the_cache_that_was_altered_is_named(site, kept):
    download.fetch(f"{site}/file", "data.bin", WHOLE).write_bytes(b"altered")
    with pytest.raises(InputError, match=rf"{re.escape(str(kept))}.*not the file that is expected.*Remove it"):
        download.fetch(f"{site}/file", "data.bin", WHOLE)
    assert (kept / "data.bin").read_bytes() == b"altered"


def test_a_page_that_is_not_there_is_one_sentence(site, kept):
    one_sentence_and_nothing_kept(kept, f"{site}/missing", match=r"answers 404 \(Not Found\)")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/file", "http://name.invalid/file", "nonsense"])
def test_without_a_network_it_says_what_to_do(kept, address):
    one_sentence_and_nothing_kept(kept, address, match=r"cannot be reached.*Connect to the internet.*data\.bin")


def test_a_full_disk_is_one_sentence(site, kept, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    one_sentence_and_nothing_kept(kept, f"{site}/file", match="disk is full.*MB are free.*set WORKBENCH_CACHE")


def test_a_folder_that_cannot_be_written_to_is_one_sentence(site, kept):
    kept.write_text("a file")
    with pytest.raises(InputError, match=r"cannot be kept in .*set WORKBENCH_CACHE to another\.$"):
        download.fetch(f"{site}/file", "data.bin", WHOLE)


def test_an_interrupted_download_leaves_nothing(site, kept):
    def interrupt(_, __):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download.fetch(f"{site}/file", "data.bin", WHOLE, interrupt)
    assert list(kept.iterdir()) == []


def test_what_is_at_hand_is_known_without_fetching(site):
    assert download.unavailable(f"{site}/file", "data.bin") is None
    assert "does not answer" in download.unavailable("http://127.0.0.1:9/file", "data.bin")
    download.fetch(f"{site}/file", "data.bin", WHOLE)
    assert download.unavailable("http://127.0.0.1:9/file", "data.bin") is None


def test_a_bar_is_drawn_on_a_terminal_only(site, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal, plain = Terminal(), io.StringIO()
    for stream, name in ((terminal, "one.bin"), (plain, "two.bin")):
        monkeypatch.setattr("sys.stderr", stream)
        download.fetch(f"{site}/file", name, WHOLE)
    assert terminal.getvalue().endswith("100 %\n")
    assert terminal.getvalue().startswith("\rone.bin ")
    assert plain.getvalue() == ""


def test_downloads_are_kept_in_the_users_cache_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv(download.VARIABLE)
    assert download.folder().parts[-2:] == (".cache", "interpretability-workbench")
