"""The `rag` command. Thin: it parses, calls `Rag`, and prints.

Exit status: 0 done (a refusal is an answer), 1 error, 2 wrong usage, 3 done in part (some files
failed), 4 quality dropped against a baseline.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

from rag.errors import LoadError, RagError
from rag.redact import without_userinfo
from rag.visible import portable, visible

if TYPE_CHECKING:
    from rich.table import Table

    from rag.config import Settings
    from rag.engine import Rag
    from rag.schema import Answer, IngestReport

__all__ = ["main"]

IN_PART = 3
INTERRUPTED = 130
UNFOLDED = 100_000  # columns; paths are shorter


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="essay-rag", prog_name="rag")
def cli() -> None:
    """Ask a folder of essays; every sentence of the answer shows the words it rests on.

    Without a model it answers in quotes. Name one with RAG_LLM_BASE_URL and RAG_LLM_MODEL (any
    OpenAI-compatible endpoint), or start Ollama, LM Studio, vLLM or llama.cpp on this machine.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command and leave with its exit status."""
    _speak_utf8()
    # numpy's products are small here: shared among threads they take twice the processor's time and
    # are no sooner done. It reads this when it is first imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with _watched_output() as faults:
        status = _run(arguments, faults)
    sys.exit(status)


def _run(arguments: list[str] | None, faults: Sequence[OSError]) -> int:
    """The command's exit status. `faults` are those in writing its output, as they come."""
    try:
        status = cli.main(arguments, prog_name="rag", standalone_mode=False)
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except RagError as error:
        _say_error(error)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        if any(error is fault for fault in faults):
            _say(f"rag: The output cannot be written: {_told(error)}.", err=True)
            _say("Make room, or print it elsewhere.", err=True)
            _abandon_output()
        else:
            _say(f"rag: The system reports: {_told(error)}.", err=True)
        return 1
    return status if isinstance(status, int) else 0


def _told(error: OSError) -> str:
    """What the system says, with the file it is about where it names one."""
    reason = (error.strerror or str(error) or type(error).__name__).rstrip(".")
    named = [os.fsdecode(name) for name in (error.filename, error.filename2) if name]
    return without_userinfo(f"{reason} ({', '.join(named)})" if named else reason)


class _Watched:
    """A stream that adds to `faults` what fails in writing to it, and raises it.

    An error alone does not tell: the same ones, without the name of a file, come from elsewhere.
    """

    def __init__(self, stream: TextIO, faults: list[OSError]) -> None:
        self._stream = stream
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._noting():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._noting():
            self._stream.flush()

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._faults.append(error)
            raise


@contextmanager
def _watched_output() -> Iterator[Sequence[OSError]]:
    """The faults in writing to standard output and standard error, as they come."""
    faults: list[OSError] = []
    before = {name: stream for name in ("stdout", "stderr") if (stream := getattr(sys, name))}
    watched = {name: cast(TextIO, _Watched(stream, faults)) for name, stream in before.items()}
    for name, stream in watched.items():
        setattr(sys, name, stream)
    try:
        yield faults
    finally:
        for name, stream in before.items():
            # click puts a stream of its own there when the reader has gone, for Python's end.
            if getattr(sys, name) is watched[name]:
                setattr(sys, name, stream)


def _abandon_output() -> None:
    """Keep Python from complaining at exit about what could not be printed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _speak_utf8() -> None:
    """Whatever the locale. What is typed keeps the encoding of the terminal that it comes from, and
    a byte that is none of it becomes a sign that says so. ASCII is read as the UTF-8 that it is."""
    speaking = {"encoding": "utf-8", "errors": "replace"}
    hearing = speaking if _is_ascii(sys.stdin) else {"errors": "replace"}
    streams = ((sys.stdout, speaking), (sys.stderr, speaking), (sys.stdin, hearing))
    for stream, how in streams:
        reconfigure: Callable[..., None] | None = getattr(stream, "reconfigure", None)
        if reconfigure:
            with suppress(io.UnsupportedOperation):  # a program that calls this read from it before
                reconfigure(**how)


def _is_ascii(stream: TextIO | None) -> bool:
    encoding: str | None = getattr(stream, "encoding", None)
    return encoding is not None and codecs.lookup(encoding).name == "ascii"


def _say(line: str, err: bool = False) -> None:
    """Print one line. What files and models put into it does nothing to the terminal."""
    click.echo(visible(line), err=err)


def _say_error(error: RagError) -> None:
    _say(f"rag: {error.what}", err=True)
    if error.do:
        _say(error.do, err=True)


_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def _clean(text: str) -> str:
    """An argument without the surrogates that bytes outside the locale's encoding become. Where
    that is ASCII, those are all of a Chinese question, and UTF-8."""
    typed = _HALVES.sub("\N{REPLACEMENT CHARACTER}", text).encode("utf-8", "surrogateescape")
    return typed.decode("utf-8", "replace")


@contextmanager
def _open(settings: Settings | None = None) -> Iterator[Rag]:
    from rag.config import Settings
    from rag.engine import Rag

    with Rag(settings or Settings()) as rag:
        yield rag


_UNESCAPED = re.compile("[\x7f-\x9f\ud800-\udfff]")


def json_option(shape: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option to print JSON of this shape."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {shape}.")


def _print_json(value: object) -> None:
    from rag.records import to_record

    # JSON escapes some control characters; the others mean the same when they are escaped.
    text = json.dumps(to_record(value), ensure_ascii=False)
    click.echo(_UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


@cli.command()
@click.argument("question")
@click.option("--source", "sources", multiple=True, help="Search this essay only (repeatable).")
@json_option("one JSON object")
def ask(question: str, sources: tuple[str, ...], as_json: bool) -> None:
    """Answer QUESTION from the essays, with citations.

    On first use, where nothing is ingested yet, the essays in seeds/ are read in.
    """
    if not question.strip():
        raise click.UsageError('Nothing was asked. Say: rag ask "your question"')
    with _open() as rag:
        _first_use(rag, quiet=as_json)
        answer = rag.query(_clean(question), sources=[_named(rag, s) for s in sources] or None)
        if as_json:
            _print_json(answer)
        else:
            _print_answer(answer)


@cli.command()
def chat() -> None:
    """Chat in the terminal: follow-ups understood, answers streamed. An empty line leaves."""
    from rich.console import Console

    from rag.terminal import converse

    with _open() as rag:
        _first_use(rag)
        converse(rag, Console(highlight=False))


def _none_empty(
    context: click.Context, parameter: click.Parameter, paths: tuple[str, ...]
) -> tuple[str, ...]:
    del context, parameter
    if not all(paths):
        raise click.BadParameter("it is empty. For the current folder say: .")
    return paths


@cli.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(), callback=_none_empty)
@json_option("one JSON object for all PATHs together")
def ingest(paths: tuple[str, ...], as_json: bool) -> None:
    """Read in essays: each PATH is a folder or one file. Only what changed is worked on."""
    from rag.scan import place

    with _open() as rag:
        for path in paths:
            place(path)  # what is mistyped is said before anything is done
        reports, faults = _ingest_all(rag, paths, quiet=as_json)
    if not reports:
        raise click.exceptions.Exit(1)
    together = _together(reports, faults)
    if as_json:
        _print_json(together)
    if together.failed:
        raise click.exceptions.Exit(IN_PART)


@cli.command(name="list")
@json_option("one JSON list of objects")
def list_(as_json: bool) -> None:
    """Show the essays: title, language, passages, date."""
    with _open() as rag:
        essays = rag.essays()
    if as_json:
        _print_json(essays)
        return
    if not essays:
        click.echo("Nothing is ingested yet. Read in a folder with: rag ingest PATH")
        return
    from rag.terminal import essay_table

    _print_table(essay_table(essays))


@cli.command()
@click.argument("source")
def remove(source: str) -> None:
    """Forget the essay SOURCE (as `rag list` names it). The file itself stays."""
    with _open() as rag:
        rag.remove(_named(rag, source))
    _say(f"Removed {source} from the index; the file itself was left alone.")


@cli.command()
def reindex() -> None:
    """Make the index again from the texts already read in, with the present settings."""
    with _open() as rag, _progress(quiet=False) as on_progress:
        rag.reindex(on_progress=on_progress)
    click.echo("The index is made again.")


@cli.command()
@click.option("--settings", "show_settings", is_flag=True, help="List every setting and its value.")
@json_option("one JSON object")
def doctor(show_settings: bool, as_json: bool) -> None:
    """Say what was found, what was chosen, which host will see passages, and whether it works."""
    if show_settings:
        from rag.config import Settings
        from rag.terminal import settings_rows, settings_table

        settings = Settings()
        if as_json:
            _print_json({variable: value for variable, value, _ in settings_rows(settings)})
        else:
            _print_table(settings_table(settings))
        return
    with _open() as rag:
        report = rag.doctor()
    if as_json:
        _print_json(report)
    else:
        for check in report.checks:
            _say(f"{'✓' if check.ok else '✗'} {check.name}: {check.message}")
    if not report.ok:
        raise click.exceptions.Exit(1)


def _print_table(table: Table) -> None:
    """Fitted to the terminal; into a file or a pipe every row on one line, however long it is."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else UNFOLDED
    Console(highlight=False, width=width).print(table)


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=7860,
    show_default=True,
    help="The port to serve on.",
)
@click.option("--no-browser", is_flag=True, help="Do not open the page in a browser.")
def ui(host: str, port: int, no_browser: bool) -> None:
    """Chat in the browser."""
    from rag.config import Settings
    from ui.app import launch

    launch(Settings(), host=host, port=port, open_browser=not no_browser)


@cli.command(
    name="eval",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def eval_(arguments: tuple[str, ...]) -> None:
    """Measure retrieval, answers, citations and refusals (`rag eval --help` lists the options)."""
    from eval.cli import main as run_eval

    raise click.exceptions.Exit(run_eval(list(arguments)))


def _named(rag: Rag, name: str) -> str:
    """The source that is meant by `name`, which may be copied from what `rag list` shows."""
    name = portable(name)
    sources = [essay.source for essay in rag.essays()]
    if name in sources:
        return name
    return next((source for source in sources if visible(source) == visible(name)), name)


def _first_use(rag: Rag, quiet: bool = False) -> None:
    """Read in the repository's own essays where nothing is ingested yet."""
    if rag.essays():
        return
    from rag.engine import seeds

    path = seeds()
    if not quiet:
        click.echo(f"First use: reading in the essays in {path.name}/ …", err=True)
    report = _ingest(rag, path, quiet)
    for source, reason in report.failed.items():
        _say(f"rag: {source} could not be read in: {reason}", err=True)


def _ingest_all(
    rag: Rag, paths: Sequence[str], quiet: bool
) -> tuple[list[IngestReport], dict[str, str]]:
    """Ingest one path after the other, and say of each how it went as soon as it is done.

    Returns:
        The reports, and what is wrong with the paths that have none.
    """
    reports: list[IngestReport] = []
    faults: dict[str, str] = {}
    for path in paths:
        try:
            reports.append(_ingest(rag, path, quiet))
        except RagError as error:
            _say_error(error)
            faults[portable(path)] = str(error)
            if not isinstance(error, LoadError):
                break  # it is about the index, so the next path would meet it too
        else:
            if not quiet:
                _print_report(reports[-1])
    return reports, faults


def _together(reports: Sequence[IngestReport], faults: Mapping[str, str]) -> IngestReport:
    """One report of several, in which a path that could not be read in stands as a failed one."""
    from rag.schema import IngestReport

    failed: dict[str, str] = {}
    for report in reports:
        failed.update(report.failed)
    return IngestReport(
        added=tuple(source for report in reports for source in report.added),
        changed=tuple(source for report in reports for source in report.changed),
        renamed=tuple(pair for report in reports for pair in report.renamed),
        removed=tuple(source for report in reports for source in report.removed),
        unchanged=tuple(source for report in reports for source in report.unchanged),
        failed={**failed, **faults},
    )


def _ingest(rag: Rag, path: str | Path, quiet: bool) -> IngestReport:
    with _progress(quiet) as on_progress:
        return rag.ingest(path, on_progress=on_progress)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[Any], None] | None]:
    if quiet:
        yield None
        return
    from rag.terminal import progress_bar

    with progress_bar() as on_progress:
        yield on_progress


def _print_report(report: IngestReport) -> None:
    counts = {
        "new": len(report.added),
        "changed": len(report.changed),
        "renamed": len(report.renamed),
        "gone": len(report.removed),
        "unchanged": len(report.unchanged),
        "failed": len(report.failed),
    }
    shown = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    click.echo(f"Essays: {shown or 'none found'}.")
    for source, reason in report.failed.items():
        _say(f"  {source}: {reason}", err=True)


def _print_answer(answer: Answer) -> None:
    from rag.terminal import answer_lines

    for line in answer_lines(answer):
        click.echo(line)
    for warning in answer.warnings:
        _say(f"Note: {warning}", err=True)
