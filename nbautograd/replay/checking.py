"""Whether a run did what a program would not do, besides what its tape has noted."""

from __future__ import annotations

from typing import Any

from nbautograd.core.dtype import get_default_dtype
from nbautograd.core.modes import is_grad_enabled
from nbautograd.replay.calls import RefusalError
from nbautograd.replay.forms import Given
from nbautograd.replay.recipe import Before
from nbautograd.replay.sameness import random_states
from nbautograd.replay.tape import Tape


def check(tape: Tape, before: Before, heard: str | None, randomness: Any, key: Any) -> None:
    """Refuse a run that did what a program would not do.

    Raises: RefusalError.
    """
    around = before.around
    why = heard or tape.problem or around.problem
    if why is None and (changed := around.change()) is not None:
        why = (
            f"it changes {changed}, which is no tensor\n"
            "  hint: do that before or after the step, or change a tensor in place"
        )
    if why is None and (scheduled := around.scheduled()) is not None:
        why = f"it calls {scheduled}.step()\n  hint: call that after the step"
    drawn = around.drawn()
    if why is None and (drawn is not None or random_states() != randomness):
        why = (
            f"it draws random numbers from {drawn or 'Python or NumPy, not from nbautograd'}\n"
            "  hint: draw by torch.rand, or before the step"
        )
    given = before.given
    after = Given(given.args, given.kwargs)
    mode = (is_grad_enabled(), get_default_dtype())
    if why is None and ((after.form, *mode) != key or not after.has_the_parts_of(given)):
        why = "it changes its arguments, or a mode that outlives it"
    if why is None and any(name[0] != "_" for t in given.tensors if not around.leads_to(t) for name in vars(t)):
        why = "an argument has attributes that a tensor has not\n  hint: give the step what they hold"
    if why is not None:
        raise RefusalError(why)
