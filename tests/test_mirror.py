"""Where real data comes from: the hub, a mirror, or neither."""

import os
import subprocess
import sys

import pytest

import zoo
from zoo import mirror
from zoo.errors import InputError

SST2 = zoo.task("sst2")


def test_a_mirror_without_the_set_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv(mirror.VARIABLE, str(tmp_path))
    assert "no folder stanfordnlp/sst2" in SST2.unavailable()
    with pytest.raises(InputError, match="WORKBENCH_DATA"):
        SST2.load("validation")
    assert len(SST2.load("examples")) == 12


@pytest.mark.parametrize("content", [b"", b"not parquet at all"])
def test_a_broken_mirror_is_one_sentence(monkeypatch, tmp_path, content):
    folder = tmp_path / "stanfordnlp" / "sst2" / "data"
    folder.mkdir(parents=True)
    (folder / "validation-00000-of-00001.parquet").write_bytes(content)
    monkeypatch.setenv(mirror.VARIABLE, str(tmp_path))
    with pytest.raises(InputError, match="cannot be read") as caught:
        SST2.load("validation")
    assert "\n" not in str(caught.value)


def test_without_hub_and_mirror_there_is_soon_one_sentence_and_nothing_is_written(tmp_path):
    """In a process of its own, since the library that loads data reads its settings once."""
    code = "import zoo; t = zoo.task('sst2'); print(t.unavailable()); print(len(t.samples('examples')))"
    environment = {k: v for k, v in os.environ.items() if k != mirror.VARIABLE}
    environment |= {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=30, check=True
    )
    sentence, count = done.stdout.strip().splitlines()
    assert "WORKBENCH_DATA" in sentence
    assert count == "12"
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size and "lock" not in path.name
    ]
