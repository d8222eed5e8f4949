"""The command `rag eval`, which is also `python -m eval`.

Exit status: 0 done, 1 error (also of a single question), 2 wrong usage, 4 quality dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from errno import EINVAL, EISDIR
from pathlib import Path
from tempfile import TemporaryFile

import click

from rag.errors import EvalFault, RagError
from rag.visible import visible

__all__ = ["command", "main"]

ERROR, DROPPED = 1, 4
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        status = command.main(arguments, prog_name="rag eval", standalone_mode=False)
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except RagError as error:
        _say(f"rag eval: {error.what}")
        if error.do:
            _say(error.do)
        return ERROR
    return status if isinstance(status, int) else 0


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--dataset",
    default="questions",
    show_default=True,
    metavar="SPEC",
    help="questions (over the seed essays), or squad:PATH, nomiracl:PATH, halueval:PATH, "
    "summedits:PATH, jsonl:PATH (the format of eval/questions.jsonl, asked of what is ingested), "
    "folder:PATH (essays with their questions.jsonl).",
)
@click.option(
    "--questions",
    metavar="SPEC",
    help="With squad:PATH: take the questions from squad:PATH2, paired by paragraph.",
)
@click.option("--kinds", help="Only these kinds of questions, separated by commas.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, evenly spread.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="At a time.")
@click.option("--fresh", is_flag=True, help="Do not take up a run that broke off.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    help="Compare with this report.json; exit 4 where quality dropped significantly.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for report.json and report.html [default: eval/reports in the data directory].",
)
@click.option("--write-baseline", type=click.Path(path_type=Path), help="Keep a baseline here.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def command(  # noqa: PLR0913, PLR0917  # one parameter for each option of the command
    dataset: str,
    questions: str | None,
    kinds: str | None,
    limit: int | None,
    jobs: int,
    fresh: bool,
    baseline: Path | None,
    output: Path | None,
    write_baseline: Path | None,
    as_json: bool,
) -> int:
    """Measure retrieval, answers, citations, refusals and the verifier.

    Every figure comes with its number of cases and a 95 % bootstrap interval. A run that broke off,
    or in which a question ended in an error, is taken up where it stopped, unless the settings, the
    essays, the questions, the code or the model changed since; with --baseline everything is
    measured anew.
    """
    from rich.console import Console

    from eval.compare import compare
    from eval.datasets import open_dataset
    from eval.opening import open_rag
    from eval.output import put_text, table, write
    from eval.report import Report
    from eval.runner import run
    from rag.config import Settings
    from rag.terminal import progress_bar

    console = Console(highlight=False)
    settings = Settings()
    before = Report.read(baseline) if baseline else None
    wanted = [kind.strip() for kind in kinds.split(",") if kind.strip()] if kinds else None
    chosen = open_dataset(dataset, questions)
    reports = output or settings.data_dir / "eval" / "reports" / chosen.name
    _make_room(reports, write_baseline)
    anew = fresh or before is not None
    with ExitStack() as stack:
        with progress_bar() as on_ingest:  # one bar at a time on the terminal
            rag = stack.enter_context(open_rag(chosen, settings, on_progress=on_ingest))
        with _asking() as on_progress:
            report = run(
                rag, chosen, wanted, limit, on_progress, jobs=jobs, fresh=anew, baseline=before
            )
    with _written(reports):
        data, page = write(report, reports)
    if as_json:
        click.echo(report.to_json())
    else:
        console.print(table(report))
        click.echo(f"{data}\n{page}")
    if errors := report.errors():
        _say(f"rag eval: {len(errors)} cases ended in an error, none counts.")
        _say(f"The first, {errors[0][0]}: {errors[0][1]}")
        return ERROR
    if write_baseline:
        with _written(write_baseline):
            put_text(write_baseline.resolve(), report.slim().to_json())
    if before is None:
        return 0
    comparison = compare(report, before, part=bool(wanted or limit))
    Console(stderr=as_json, highlight=False).print(comparison.table())
    return DROPPED if comparison.dropped else 0


def _say(line: str) -> None:
    """Tell of what went wrong. What files put into it does nothing to the terminal."""
    click.echo(visible(line), err=True)


def _make_room(reports: Path, baseline: Path | None) -> None:
    """Find out before the measurement, not after it, that its outcome cannot be written."""
    with _written(reports):
        reports.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=reports).close()
    if baseline:
        with _written(baseline):
            TemporaryFile(dir=baseline.parent).close()
            if baseline.is_dir():
                raise IsADirectoryError(EISDIR, "it is a folder")
            if baseline.exists() and not baseline.is_file():
                raise OSError(EINVAL, "it is no file")


@contextmanager
def _written(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EvalFault(
            f"{path} cannot be written: {error.strerror or error}.", "Name another place for it."
        ) from error


@contextmanager
def _asking() -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error with the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("asking", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
