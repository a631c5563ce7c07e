"""What `explain` writes: a whole text for each task of the sample run, read by a person."""

from __future__ import annotations

import os
from pathlib import Path

from runner.record.folding import fold
from runner.record.render.explained import explain_service, explain_task
from tests.record.sample import GRAPH, sample_events

GOLDEN = Path(__file__).parents[1] / "golden" / "record" / "explained.txt"
FOLDER = Path("runs/20260101-000000-test-0000")


def test_each_task_is_explained_as_a_person_has_read_it() -> None:
    """Every task and service of the sample run (TASKGRAPH_GOLDEN=1 writes the texts anew, to be read)."""
    report = fold(GRAPH, sample_events())
    texts = [explain_task(report, task, FOLDER, 80) for task in report.tasks]
    texts += [explain_service(service, FOLDER) for service in report.services]
    whole = "\n".join(texts)
    if os.environ.get("TASKGRAPH_GOLDEN"):
        GOLDEN.write_text(whole, encoding="utf-8")

    assert GOLDEN.read_text(encoding="utf-8") == whole
