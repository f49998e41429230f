"""Where tests put the workflow that they make up."""

from __future__ import annotations

from fastdag_typed import DAG, Workflow

dag: Workflow = DAG("random")
