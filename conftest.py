"""What tests and doctests share."""

import importlib.util
import os

import pytest

# Kernels begin when a test says so, not when much was computed before it.
os.environ["NBAUTOGRAD_FAST"] = "0"

collect_ignore = [] if importlib.util.find_spec("numba") else ["nbautograd/fast/kernels"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cuda-standin",
        nargs="?",
        const="all",
        choices=("few", "all"),
        help="run what needs a GPU on a stand-in for CuPy, computed by NumPy: no GPU takes part (few: some samples)",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--cuda-standin"):
        from tests.cuda import standin

        try:
            standin.install()
        except RuntimeError as error:
            raise pytest.UsageError(str(error)) from None


def pytest_report_header(config: pytest.Config) -> list[str]:
    if not config.getoption("--cuda-standin"):
        return []
    from tests.cuda.standin import BANNER

    return [BANNER]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("--cuda-standin"):
        from tests.cuda.standin import BANNER

        terminalreporter.section(BANNER, "!", red=True)
