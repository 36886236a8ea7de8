"""Programs that are right are not warned about: the example programs, each of thousands of backward passes, traced."""

from __future__ import annotations

from typing import Any

import pytest

import nbautograd
from nbautograd.lint import check
from tests.examples.test_examples import PROGRAMS

RIGHT = {name: main for name, main in PROGRAMS.items() if name != "sixteen_springs"}  # as `spring`, and slower


@pytest.mark.parametrize("main", RIGHT.values(), ids=RIGHT)
def test_a_correct_program_is_not_warned_about(main: Any) -> None:
    with nbautograd.trace() as trace:
        main(nbautograd, nbautograd.float32)
    assert trace.passes
    assert [finding.title for finding in check(trace)] == []
