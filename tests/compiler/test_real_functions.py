"""Functions that others wrote, compiled, do what they do; ``python -m tests.compiler.real`` goes through many more."""

from __future__ import annotations

import sys

import pytest

from tests.compiler.corpora import FIXED
from tests.compiler.real import Account, account, table


@pytest.mark.parametrize("corpus", FIXED)
def test_real_functions_do_the_same_when_they_are_compiled(corpus: str) -> None:
    found = account(corpus)
    assert isinstance(found, Account), found
    assert found.mismatches == [], table({corpus: found})
    assert "rule internal" not in found.reasons
    untested = corpus in sys.stdlib_module_names and found.called == 0  # Python's own tests are not everywhere
    assert found.compared > 10 or untested, table({corpus: found})
