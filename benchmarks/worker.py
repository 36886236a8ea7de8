"""A process that runs one library's sides of rows, so that no library pays for what another left in memory."""

import os
import pickle
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

from .libraries import load
from .measure import STEPS, Sample, calls_per_round, peak_memory, sample

ROOT = Path(__file__).parents[1]

# Which code is imported first is decided here; rows and clock are always this folder's, so that two commits do and
# time the same.
BOOT = """
import sys
package, code, harness = sys.argv[1:]
sys.path.insert(0, code)
__import__(package)
sys.path[0] = harness
from benchmarks.worker import serve
serve()
"""


Results = tuple[list[Any], list[Any]]


class SideError(Exception):
    """A side raised: the text says what and where."""


class Worker:
    """The near end: each method asks and waits for the answer. `code` is the folder that nbautograd comes from."""

    def __init__(self, library: str, threads: int = 1, code: Path = ROOT) -> None:
        self._library = library
        package = "sys" if code == ROOT else "nbautograd"
        command = [sys.executable, "-P", "-c", BOOT, package, str(code), str(ROOT)]
        self._process = subprocess.Popen(command, env={**surroundings(), **limits(threads)}, stdin=-1, stdout=-1)

    def start(self, row: str) -> None:
        """Make the side ready that the others speak of."""
        self._ask("start", row, self._library)

    def results(self) -> Results:
        """What the side gives after its first step, and the first of what it gives after a few."""
        return self._ask("results")

    def calls_per_round(self) -> int:
        return self._ask("calls_per_round")

    def sample(self, calls: int) -> Sample:
        return Sample(*self._ask("sample", calls))

    def close(self) -> None:
        self._process.communicate()

    def _ask(self, *question: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump(question, self._process.stdin)
            self._process.stdin.flush()
            good, answer = pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError):
            raise SideError(f"The process ended with {self._process.wait()}.") from None
        if not good:
            raise SideError(answer)
        return answer


def limits(threads: int) -> dict[str, str]:
    """Environment variables by which the libraries, when first imported, learn how many threads they may use."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "CPU_COUNT")
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1" if threads == 1 else ""
    return {**dict.fromkeys(names, str(threads)), "XLA_FLAGS": flags, "NBAUTOGRAD_FAST": "0"}


def surroundings() -> dict[str, str]:
    """This process's environment, but for what tunes NumPy's BLAS: PyTorch's does not listen to it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}


class _Far:
    """The far end of a Worker."""

    def start(self, name: str, library: str) -> None:
        from .rows import EVERY

        row = next(row for row in EVERY if row.name == name)
        load(library)
        self.imported = peak_memory()
        self.side = row.side(library)

    def results(self) -> Results:
        self.side.step()
        early = [*map(plain, self.side.read())]
        for _ in range(STEPS - 1):
            self.side.step()
        return early, [*map(plain, self.side.read())][:1]

    def calls_per_round(self) -> int:
        return calls_per_round(self.side.step, self.side.wait)

    def sample(self, calls: int) -> Sample:
        taken = sample(self.side.step, self.side.wait, calls)
        return taken._replace(peak=taken.peak - self.imported)


def plain(value: Any) -> Any:
    import numpy

    return numpy.array(value)  # of its own: the next step may write there


def serve() -> None:
    """Answer until nobody asks any more."""
    far, answers = _Far(), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    while True:
        try:
            question, *arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = True, getattr(far, question)(*arguments)
        except Exception:
            answer = False, traceback.format_exc()
        pickle.dump(answer, answers)
        answers.flush()
