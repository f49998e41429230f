"""Load the sources of a folder (by default ``data``) into SQLite: ``python -m examples.etl [folder] [database]``."""

import sys
from datetime import date
from pathlib import Path
from typing import Final

from fastdag_typed import Runner

from .flow import SOURCES, dag

DATABASE: Final = Path("out/etl.sqlite")


def main(folder: Path = SOURCES, database: Path = DATABASE) -> None:
    """Run the job, the sources in parallel, and tell what it loaded and what it left out."""
    metrics = Runner(dag).run({"folder": folder, "database": database, "since": date(2024, 1, 1)}, mode="parallel")
    print(f"{database}: {', '.join(f'{rows} {table}' for table, rows in metrics.results['load'].items())}")
    for country, euros in metrics.results["check"].euros.items():
        print(f"  {country}       {euros:>10,.2f} euros")
    for month, sales, cents in dag["transform"]["months"]:
        print(f"  {month}  {cents / 100:>10,.2f} euros, {sales} sales")
    for where, reason in dag["collect_rejects"]:
        print(f"  left out: {where}: {reason}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
