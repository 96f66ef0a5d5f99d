"""What holds for every test: shapes are checked, torch is single-threaded, and real data is looked for once."""

import os
import tempfile
from pathlib import Path

from jaxtyping import install_import_hook

# Before the first import of either package: functions are wrapped as their modules load.
install_import_hook(["zoo", "workbench"], "shape_checker.check")

import hypothesis  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
MIRROR = ROOT.parent / "shared" / "data"

torch.set_num_threads(1)
hypothesis.settings.register_profile("steady", deadline=None)  # a busy machine is no fault of the code
hypothesis.settings.load_profile("steady")
_RUNS = tempfile.TemporaryDirectory()
os.environ["WORKBENCH_RUNS"] = _RUNS.name  # what tests train is nobody's run
if MIRROR.is_dir():
    os.environ.setdefault("WORKBENCH_DATA", str(MIRROR))


def absent(reason: str) -> None:
    """Skip a test whose means are missing; under WORKBENCH_REQUIRE=1 fail it, so that nothing is skipped unseen."""
    if os.environ.get("WORKBENCH_REQUIRE") == "1":
        pytest.fail(f"WORKBENCH_REQUIRE=1, but {reason}")
    pytest.skip(reason)  # the mirror, a browser or a program that this machine lacks, which the reason names


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("mirror") and not Path(os.environ.get("WORKBENCH_DATA", "missing")).is_dir():
        absent("there is no mirror of real data: set WORKBENCH_DATA to its folder")


@pytest.fixture(autouse=True)
def _global_generators_untouched():
    """No test may find, and no code may leave, torch's global generator moved."""
    before = torch.random.get_rng_state()
    yield
    assert torch.equal(before, torch.random.get_rng_state()), "torch's global generator was used"
