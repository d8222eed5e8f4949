"""The evaluation view: run the suite in the background, show its report, compare with the last."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from rag.config import Settings
from rag.errors import EvalFault, RagError
from ui.desk import Ending, Task
from ui.markup import shown
from ui.render import Failure, error_html, failure
from ui.texts import Say
from ui.views import Progress, progress_html

if TYPE_CHECKING:
    from eval import Comparison, Report

__all__ = ["FOLDER", "REPORT_PAGE", "Measuring", "Suite"]

FOLDER = "evaluation"
REPORT_PAGE = "report.html"
KEPT, BEFORE = "report.json", "before.json"
PACE = 0.2

OnProgress = Callable[[int, int], None]
Suite = Callable[[Settings, int, OnProgress], "Report"]


def suite(settings: Settings, limit: int, on_progress: OnProgress) -> Report:
    """The questions that came with the essays, asked with the page's settings.

    Asked of a Rag over the questions' own documents: what a person added or removed on the page is
    not what is measured.
    """
    from eval import open_dataset, run
    from eval.opening import open_rag

    dataset = open_dataset("questions")
    with open_rag(dataset, settings, on_progress=lambda _: on_progress(0, 0)) as rag:
        return run(rag, dataset, limit=limit or None, on_progress=on_progress)


class Measuring:
    """One run at a time, which any page can watch; its reports are kept in the data directory."""

    def __init__(
        self, settings: Callable[[], Settings], folder: Path, *, suite: Suite = suite
    ) -> None:
        self.folder = folder / FOLDER
        self._settings = settings
        self._suite = suite
        self._worker = ThreadPoolExecutor(1, "measuring")
        self._task: Task | None = None
        self._closed = False
        self._lock = threading.Lock()

    async def run(self, limit: int, say: Say) -> AsyncIterator[str]:
        """Start a run of `limit` questions, 0 for all, where none is under way, and watch it."""
        if limit < 0:
            told = Failure(say("eval-limit-wrong"), say("eval-limit-info"))
            yield error_html(told, say, retry=False)
            return
        with self._lock:
            running = self._task
            if running is None or running.live.over():
                task = self._task = Task()
                self._worker.submit(self._measure, limit, task).add_done_callback(
                    lambda done: task.settle(done, ending=self._closed)
                )
        async for view in self.watch(say):
            yield view

    async def watch(self, say: Say) -> AsyncIterator[str]:
        """The progress of the run under way, then the last report."""
        task = self._task
        if task and not task.live.over():
            async for progress in task.live.follow():
                if task.live.over():
                    break
                message = (
                    say("eval-running", done=progress.done, total=progress.total)
                    if progress.total
                    else say("eval-opening")
                )
                yield progress_html(Progress(message, progress.done, progress.total), say)
                await asyncio.sleep(PACE)
        if self._closed:  # the program is ending, and with it the loop's threads
            return
        yield await asyncio.to_thread(self._view, task, say)

    def close(self) -> None:
        """Take no more work, and end a run after the question that it is at."""
        self._closed = True
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _measure(self, limit: int, task: Task) -> None:
        from eval import write

        def progress(done: int, total: int) -> None:
            if self._closed:
                raise Ending
            task.report("", done, total)

        report = self._suite(self._settings(), limit, progress)
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = self.folder / KEPT
        if kept.exists():
            kept.replace(self.folder / BEFORE)
        write(report, self.folder)

    def _view(self, task: Task | None, say: Say) -> str:
        fault = ""
        if task and task.error is not None:
            error = task.error
            told = (
                failure(error)
                if isinstance(error, RagError)
                else Failure(say("defect"), say("defect-do"))
            )
            fault = error_html(told, say, retry=False)
        if not (self.folder / KEPT).exists():
            return fault or f'<p class="faint">{shown(say("eval-none"))}</p>'
        return fault + self._report_html(say)

    def _report_html(self, say: Say) -> str:
        from eval import Report

        try:
            report = Report.read(self.folder / KEPT)
        except EvalFault as error:
            return error_html(failure(error), say, retry=False)
        date = report.date[:16].replace("T", " ") + " UTC"
        address = f"evaluation/{REPORT_PAGE}?{report.code[:8]}{report.date}"
        return (
            f'<div class="report-head"><h3>{shown(say("eval-last", date=date))}</h3>'
            f'<a class="button small" href="{shown(address)}" target="_blank" rel="noopener">'
            f"{shown(say('eval-open'))}</a></div>{self._compared_html(report, say)}"
            f'<iframe class="report-frame" sandbox="allow-scripts" src="{shown(address)}"'
            f' title="{shown(say("eval-report"))}"></iframe>'
        )

    def _compared_html(self, report: Report, say: Say) -> str:
        """The report beside the run before, or why it cannot be held against that."""
        from eval import Report, compare

        before = self.folder / BEFORE
        if not before.exists():
            return ""
        try:
            return comparison_html(compare(report, Report.read(before)), say)
        except EvalFault as fault:  # what it says to do are options of the command
            return f'<p class="faint">{shown(say("eval-apart"))} {shown(fault.what)}</p>'


def comparison_html(compared: Comparison, say: Say) -> str:
    """The rows of a comparison, a drop told by its word."""
    from eval.measures import shown as figure

    head = "".join(
        f'<th scope="col">{shown(say(name))}</th>'
        for name in ("metric", "before", "after", "interval")
    )
    rows = ""
    for row in compared.rows:
        low, high = row.interval
        mark = (
            f' <strong class="is-worse">{shown(say("eval-worse"))}</strong>' if row.dropped else ""
        )
        rows += (
            f'<tr><th scope="row">{shown(row.title)}{mark}</th>'
            f"<td>{shown(figure(row.before, row.unit))}</td>"
            f"<td>{shown(figure(row.after, row.unit))}</td><td>{low:+.3g} … {high:+.3g}</td></tr>"
        )
    verdict = say("eval-dropped") if compared.dropped else say("eval-held")
    return (
        f"<details class='compared'><summary>{shown(say('eval-compared'))}: "
        f"<strong>{shown(verdict)}</strong></summary>"
        f'<div class="wide"><table class="compare"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )
