"""A folder that mypy checks in every way it has: from nothing, with a cache, with workers, and as a daemon."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import chdir, contextmanager
from typing import TYPE_CHECKING, Final

from mypy import api
from mypy.options import Options

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

PATIENCE: Final = 120
"""Seconds until a daemon is given up."""

WORKERS: Final = ("-n2",) if hasattr(Options(), "num_workers") else ()
"""How mypy is told to check in several processes, where it can."""

SETTINGS: Final = """\
[mypy]
strict = true
plugins = fastdag_mypy
error_summary = false
pretty = false
"""


class Project:
    """Python files, and what mypy finds in them: lines, sorted, since each way has an order of its own.

    ``library`` is a cache in which nothing but libraries is known.
    """

    def __init__(self, folder: Path, library: Path) -> None:
        self.folder = folder
        self.library = library
        self.clock = 1_000_000_000
        (folder / "mypy.ini").write_text(SETTINGS)
        self.warm, self.shared = (shutil.copytree(library, folder / name) for name in ("warm", "shared"))

    @property
    def modules(self) -> list[str]:
        """The files to check."""
        return sorted(path.name for path in self.folder.glob("*.py"))

    def write(self, files: dict[str, str | None]) -> None:
        """Write files, and delete those that are ``None``; what stays as it is is not touched."""
        self.clock += 1  # mypy rounds to seconds, and may miss an edit of the same length within one
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                path.unlink(missing_ok=True)
            elif not path.exists() or path.read_text() != text:
                path.write_text(text)
                os.utime(path, (self.clock, self.clock))

    def check_cold(self) -> list[str]:
        """Check with nothing known of these files."""
        cache = shutil.copytree(self.library, self.folder / "cold")
        found = self._check("--cache-dir", str(cache))
        shutil.rmtree(cache)
        return found

    def check_without_cache(self) -> list[str]:
        """Check with nothing known at all, which takes longer."""
        return self._check("--no-incremental")

    def check_warm(self) -> list[str]:
        """Check with what the last such run has left."""
        return self._check("--cache-dir", str(self.warm))

    def check_shared(self) -> list[str]:
        """Check in two processes, with what the last such run has left."""
        return self._check("--cache-dir", str(self.shared), *WORKERS)

    def _check(self, *options: str) -> list[str]:
        with chdir(self.folder):
            out, err, _ = api.run([*options, *self.modules])
        return _findings(out + err)

    # -- the daemon --------------------------------------------------------------------------------------------------

    @contextmanager
    def daemon(self) -> Generator[None]:
        """Start the daemon, and stop it at the end."""
        with self.daemon_ended():
            assert self.ask("start") == ["Daemon started"]
            yield
            assert self.ask("stop") == ["Daemon stopped"]

    @contextmanager
    def daemon_ended(self) -> Generator[None]:
        """End the daemon of this folder, if there still is one at the end."""
        try:
            yield
        finally:
            if (self.folder / ".dmypy.json").exists():
                self.ask("kill")

    def ask(self, command: str, *options: str) -> list[str]:
        """Give the daemon a command: ``start``, ``check``, ``run`` or ``stop``."""
        files = ["--", *self.modules] if command in ("check", "run") else []
        done = subprocess.run(
            [sys.executable, "-m", "mypy.dmypy", command, *options, *files],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        return _findings(done.stdout + done.stderr)


def _findings(printed: str) -> list[str]:
    """Give the lines that are printed, without a hint that each process gives once."""
    return sorted(line for line in printed.splitlines() if "running_mypy.html#missing-imports" not in line)


def know_libraries(folder: Path) -> Path:
    """Make a cache in which the standard library and this one are known, so that every test can start from there."""
    (folder / "mypy.ini").write_text(SETTINGS)
    with chdir(folder):
        out, err, _ = api.run(["--cache-dir", "cache", "-c", "import fastdag_typed"])
    assert (out, err) == ("", "")
    return folder / "cache"
