"""What a configuration puts around the calls of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..step import Layer
from .bind import bind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..plan import Plan
    from ..step import Policy
    from .bind import Program
    from .config import Validate


class How(NamedTuple):
    """All that a program depends on beside the plan and the policies that a runner is given."""

    elsewhere: bool
    """Sync nodes run in processes."""
    heavy: bool
    """Heavy nodes run in processes."""
    observed: bool
    lossy: bool
    """The run goes on after a failure."""
    isolated: bool
    timed: bool
    """The run has a deadline."""
    seconds: float | None
    retries: bool
    validate: Validate


def prepare(plan: Plan, policies: Sequence[Policy], how: How) -> Program:
    """Bind a plan with the policies of a runner and those that its configuration asks for."""
    around = [*policies, *_asked(plan, how)]
    program = bind(plan, around, observed=how.observed, lossy=how.lossy, ignored=() if how.retries else (Layer.RETRY,))
    if how.elsewhere or policies or plan.has_policies:
        from ..policies.place import input_check

        program = program._replace(check=input_check(plan, around))
    return program


def _asked(plan: Plan, how: How) -> list[Policy]:
    found: list[Policy] = []
    if how.elsewhere:
        from ..policies.place import Place

        found.append(Place("process", strict=False))
    if how.seconds is not None or how.timed:
        from ..policies.timeout import Timeout

        found.append(Timeout(how.seconds))
    if how.heavy:
        from .shape import heavy_place

        found.append(heavy_place(plan))
    if how.isolated:
        from ..policies.isolate import ISOLATION

        found.extend(ISOLATION)
    if how.validate != "off":
        from ..policies.validate import Validate, needed

        if how.validate == "all" or needed(plan):
            found.append(Validate(how.validate, plan))
    return found
