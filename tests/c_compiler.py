"""The mark of tests that build native code."""

from __future__ import annotations

import shutil
import sysconfig
from typing import Final

import pytest

C_COMPILER: Final = shutil.which((sysconfig.get_config_var("CC") or "cc").split()[0])
needs_c_compiler: Final = pytest.mark.skipif(C_COMPILER is None, reason="there is no C compiler")
