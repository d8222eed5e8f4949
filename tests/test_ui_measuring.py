"""What stands behind the evaluation view: runs that end, reports that are shown and compared."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from eval_support import WordRag

from eval import Report, run
from eval.cases import Question
from rag.config import Settings
from ui.desk import Ending
from ui.measuring import BEFORE, KEPT, Measuring, OnProgress
from ui.texts import speaker

SAY = speaker("en")
TEXTS = {"root/mill.txt": "The mill ground flour.\nThe river drove the mill.\n"}
QUESTIONS = [Question(f"q{n}", f"What drove mill {n}?", "fact", True) for n in range(4)]


def report_of(count: int) -> Report:
    """The report over so many questions."""
    return run(WordRag(TEXTS), QUESTIONS[:count])


def measured(
    folder: Path, *reports: Report, between: Callable[[Path], object] = lambda _: None
) -> str:
    """What is shown after runs that gave these reports; `between` may damage the one before."""
    left = list(reports)
    measuring = Measuring(lambda: Settings(data_dir=folder), folder, suite=lambda *_: left.pop(0))

    async def watch() -> str:
        return [view async for view in measuring.run(0, SAY)][-1]

    shown = asyncio.run(watch())
    while left:
        between(measuring.folder / KEPT)
        shown = asyncio.run(watch())
    assert (measuring.folder / BEFORE).exists() == (len(reports) > 1)
    measuring.close()
    return shown


def other_format(kept: Path) -> None:
    kept.write_text(json.dumps({**json.loads(kept.read_text("utf-8")), "format": 0}), "utf-8")


def test_a_report_is_compared_with_the_run_before(tmp_path: Path) -> None:
    shown = measured(tmp_path, report_of(2), report_of(2))
    assert "No significant drop" in shown
    assert "<iframe" in shown


@pytest.mark.parametrize(
    ("first", "between", "why"),
    [
        (report_of(4), lambda _: None, "2 cases are in the baseline and not in this run"),
        (report_of(1), lambda _: None, "are in this run and not in the baseline"),
        (
            replace(
                report_of(2), cases=tuple(replace(c, error="Lost.") for c in report_of(2).cases)
            ),
            lambda _: None,
            "The baseline has 2 cases that ended in an error; the first is q0: Lost.",
        ),
        (replace(report_of(2), corpus="x"), lambda _: None, "made over other essays"),
        (report_of(2), lambda kept: kept.write_text("{", "utf-8"), "is no report"),
        (report_of(2), lambda kept: kept.write_bytes(b"\xff\xfe\xff"), "cannot be read"),
        (report_of(2), other_format, "is of another version"),
    ],
)
def test_a_report_is_shown_whatever_the_run_before_was(
    first: Report, between: Callable[[Path], object], why: str, tmp_path: Path
) -> None:
    shown = measured(tmp_path, first, report_of(2), between=between)
    assert "The last run" in shown
    assert "<iframe" in shown
    assert 'role="alert"' not in shown
    assert "cannot be compared" in shown
    assert why in shown
    assert "--" not in shown


def test_a_report_of_its_own_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    measured(tmp_path, report_of(1))
    measuring = Measuring(lambda: Settings(data_dir=tmp_path), tmp_path)
    (measuring.folder / KEPT).write_text("{", "utf-8")

    async def watch() -> list[str]:
        return [view async for view in measuring.watch(SAY)]

    (shown,) = asyncio.run(watch())
    assert 'role="alert"' in shown
    assert "<iframe" not in shown
    measuring.close()


def test_closing_ends_a_run_after_the_question_that_it_is_at(tmp_path: Path) -> None:
    asking, go_on = threading.Event(), threading.Event()

    class Slow(WordRag):
        def query(self, *asked: object) -> object:
            asking.set()
            go_on.wait(30)
            time.sleep(0.1)
            return super().query(*asked)

    rag = Slow(TEXTS)

    def suite(settings: Settings, limit: int, on_progress: OnProgress) -> Report:
        return run(rag, QUESTIONS, on_progress=on_progress)

    measuring = Measuring(lambda: Settings(data_dir=tmp_path), tmp_path, suite=suite)

    async def start_and_close() -> list[str]:
        threading.Thread(target=close).start()
        return [view async for view in measuring.run(0, SAY)]

    def close() -> None:
        assert asking.wait(30)
        measuring.close()
        go_on.set()

    views = asyncio.run(asyncio.wait_for(start_and_close(), 60))
    assert all("progress" in view for view in views)
    measuring._worker.shutdown(wait=True)
    assert rag.asked < len(QUESTIONS)
    assert measuring._task
    assert isinstance(measuring._task.error, Ending)
    assert not (measuring.folder / KEPT).exists()


def test_what_fails_of_the_programs_end_is_no_defect(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Python refuses to load modules by then, which a first run still does."""
    asking, go_on = threading.Event(), threading.Event()

    def suite(settings: Settings, limit: int, on_progress: OnProgress) -> Report:
        asking.set()
        assert go_on.wait(30)
        raise RuntimeError("can't register atexit after shutdown")

    measuring = Measuring(lambda: Settings(data_dir=tmp_path), tmp_path, suite=suite)

    async def start_and_close() -> None:
        views = measuring.run(0, SAY)
        await anext(views)
        await asyncio.to_thread(asking.wait, 30)
        measuring.close()
        go_on.set()
        assert [view async for view in views if "progress" not in view] == []

    asyncio.run(asyncio.wait_for(start_and_close(), 60))
    assert measuring._task
    assert isinstance(measuring._task.error, Ending)
    assert not caplog.records


def test_less_than_no_question_is_told_and_not_asked(tmp_path: Path) -> None:
    measuring = Measuring(lambda: Settings(data_dir=tmp_path), tmp_path)

    async def start() -> list[str]:
        return [view async for view in measuring.run(-5, speaker("zh"))]

    (shown,) = asyncio.run(start())
    assert "问题数不能小于 0" in shown
    assert measuring._task is None
    measuring.close()
