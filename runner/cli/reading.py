"""The report of a run for the commands that read: folded anew or, where its folder is damaged, as the run wrote it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.record.folder import RunFolder
    from runner.record.report import Report


def report_to_read(folder: RunFolder) -> Report:
    """Answer the report of a run; says on stderr if it is not what it seems.

    Raises:
        UsageError, DamagedJournal, RunnerFault: neither its journal nor its report can be read.

    """
    from runner.errors import DamagedJournal, RunnerFault, UsageError
    from runner.opening import runs_of
    from runner.record.earlier import with_previous
    from runner.record.folder import StateFolder
    from runner.record.lock import going_on
    from runner.record.remembered import as_reported, refolded

    try:
        report = refolded(folder)
        report = with_previous(report, runs_of(StateFolder(path=folder.path.parents[1]), report.graph.file))
    except (DamagedJournal, RunnerFault, UsageError) as error:  # a border: anybody may break a folder
        written = as_reported(folder)
        if written is None:
            raise
        print(f"note: {error}; this is the report that the run wrote itself", file=sys.stderr)
        return written
    pid = None if report.complete else going_on(folder.path.parents[1], report.started)
    if pid is not None:
        print(f"note: run {report.run} is going on (process {pid}); this is what is known so far", file=sys.stderr)
    return report
