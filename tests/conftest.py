"""What all tests share: the browser rule, and a workspace of their own."""

import os
import shutil
import signal
from pathlib import Path

import hypothesis
import pytest

from rubric_factory.workspace import Workspace

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
ROOT = Path(__file__).parent.parent
# A background job of a script starts with Ctrl-C ignored, and Python leaves it so: tests that send one would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# No test asserts wall-clock time: on a loaded machine an example may take any.
# The same examples in every run: a test that fails here fails everywhere. New ones are sought by hand: pytest --hypothesis-profile=search
hypothesis.settings.register_profile("house", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None, max_examples=2000, print_blob=True)
hypothesis.settings.load_profile("house")
_NO_BROWSER = "no browser found (" + ", ".join(BROWSERS) + ")"


def pytest_addoption(parser):
    parser.addoption("--require-browser", action="store_true", help="a test that would be skipped for want of a browser fails")


def pytest_runtest_setup(item):
    if item.get_closest_marker("browser") and not any(map(shutil.which, BROWSERS)):
        if item.config.getoption("--require-browser"):
            pytest.fail(_NO_BROWSER, pytrace=False)
        pytest.skip(_NO_BROWSER)


def pytest_terminal_summary(terminalreporter):
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"skipped {count}: {reason.removeprefix('Skipped: ')}")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    for variable in [name for name in os.environ if name.startswith("RUBRIC_FACTORY_")]:
        monkeypatch.delenv(variable)


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "workspace")
