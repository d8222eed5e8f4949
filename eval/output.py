"""A report as people get it: a table in the terminal, and `report.json` and a page in a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from eval.measures import MAIN, MEASURES, main_measures, shown
from eval.page import render
from eval.report import Report
from rag.visible import visible

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

__all__ = ["put_text", "table", "write"]


def write(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write `report.json` and `report.html` into the folder, which is made. Each is whole or as it
    was before.

    Returns:
        Where the two are.

    Raises:
        OSError: they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data, page = folder / "report.json", folder / "report.html"
    put_text(data, report.to_json())
    put_text(page, render(report))
    return data, page


def put_text(path: Path, text: str) -> None:
    """Make a file hold the text: all of it, or what it held before. Raises OSError."""
    # no temporary file of tempfile's: its mode would keep a report in a shared folder from others
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def table(report: Report) -> Group:
    """The figures for the terminal: all of them with n and interval, then the main ones by kind."""
    from rich.console import Group
    from rich.table import Table

    count = f"{len(report.cases)} questions, {len(report.pairs)} pairs"
    whole = Table(title=_plain(f"{report.dataset}: {count}"))
    whole.add_column("")
    for name in ("value", "95 % interval", "n"):
        whole.add_column(name, justify="right")
    group = ""
    for measure in MEASURES:
        figure = report.figure(measure)
        if figure.value is None:
            continue
        if group and group != measure.group:
            whole.add_section()
        group = measure.group
        between = f"{shown(figure.low, measure.unit)} … {shown(figure.high, measure.unit)}"
        whole.add_row(measure.title, shown(figure.value, measure.unit), between, str(figure.n))
    parts: list[Table] = [whole]
    if len(report.kinds()) > 1:
        parts.append(_by_kind(report))
    return Group(*parts)


def _plain(text: str) -> Text:
    """What a file put there, which is no markup and does nothing to the terminal."""
    from rich.text import Text

    return Text(visible(text))


def _by_kind(report: Report) -> Table:
    from rich.table import Table

    by_kind = Table(title="by kind", padding=0)
    by_kind.add_column("", no_wrap=True)
    by_kind.add_column("n", justify="right", no_wrap=True, min_width=2)
    for measure in main_measures():
        by_kind.add_column(MAIN[measure.name], justify="right", no_wrap=True)
    for kind in report.kinds():
        count = sum(case.kind == kind for case in report.cases)
        values = [shown(report.figure(m, kind).value, m.unit) for m in main_measures()]
        by_kind.add_row(_plain(kind), str(count), *values)
    return by_kind
