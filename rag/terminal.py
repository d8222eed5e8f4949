"""What the command line shows: answers, tables, a progress bar, and the chat loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from rag.errors import RagError
from rag.redact import without_userinfo
from rag.schema import SIGNS, Answer, Citation, Done, EssayInfo, Replace, Status, Token
from rag.visible import visible

if TYPE_CHECKING:
    from rag.config import Settings
    from rag.engine import Rag
    from rag.ingest import Progress as IngestProgress

__all__ = [
    "answer_lines",
    "converse",
    "essay_table",
    "progress_bar",
    "settings_rows",
    "settings_table",
]

QUOTE_WIDTH = 240  # a longer quote is cut for reading; --json has it whole


def answer_lines(answer: Answer) -> Iterator[str]:
    """The answer, each sentence with its verdict, then the sources it cites.

    In a refusal there is nothing to judge, so the sentences stand without marks.
    """
    yield visible(_marked(answer), lines=True)
    yield from _grounds(answer)


def _grounds(answer: Answer) -> Iterator[str]:
    """What stands below an answer: its sources, what is doubtful in it, how it was made."""
    if answer.citations:
        yield ""
        yield from map(_citation_line, answer.citations)
    doubts = [s for s in answer.sentences if s.verdict.label in ("partly", "unsupported")]
    if doubts:
        yield ""
        for sentence in doubts:
            doubt = f"{SIGNS[sentence.verdict.label]} {sentence.text}: {sentence.verdict.reason}"
            yield visible(doubt, lines=True)
    yield ""
    yield _how(answer)


def _marked(answer: Answer) -> str:
    if answer.refused:
        return answer.text
    parts, at = [], 0
    for sentence in answer.sentences:
        parts += [answer.text[at : sentence.end], " ", SIGNS[sentence.verdict.label]]
        at = sentence.end
    return "".join([*parts, answer.text[at:]])


def _tally(answer: Answer) -> str:
    """How many sentences have which verdict, for a text that was shown before they had one."""
    counts: Counter[str] = Counter(sentence.verdict.label for sentence in answer.sentences)
    told = [f"{sign} {counts[label]} {label}" for label, sign in SIGNS.items() if counts[label]]
    return f"(sentences: {', '.join(told)})"


def _citation_line(citation: Citation) -> str:
    quote = " ".join(citation.quote.split())
    if len(quote) > QUOTE_WIDTH:
        quote = quote[:QUOTE_WIDTH] + "…"
    where = f"{visible(citation.source)}, characters {citation.start}–{citation.end}"
    return f"[{citation.n}] “{visible(quote)}”\n    {visible(citation.title)} ({where})"


def _how(answer: Answer) -> str:
    made = (
        f"answered by {visible(answer.model)}" if answer.mode == "llm" else "quotes only, no model"
    )
    seconds = sum(answer.timings.values()) / 1000
    return f"({made}; {seconds:.1f} s; the passages hold an answer: {answer.answerable:.0%})"


def essay_table(essays: Sequence[EssayInfo]) -> Table:
    """The essays, one a row."""
    table = Table(box=None, pad_edge=False)
    for name in ("source", "title", "author", "date", "language"):
        table.add_column(name, overflow="fold")
    table.add_column("characters", justify="right")
    table.add_column("passages", justify="right")
    for essay in essays:
        named = (essay.source, essay.title, essay.author, essay.date, essay.language)
        table.add_row(
            *(Text(visible(value)) for value in named),
            f"{essay.characters:,}",
            str(essay.passages),
        )
    return table


def settings_table(settings: Settings) -> Table:
    """Every setting with its variable and its value; keys are never shown."""
    table = Table(box=None, pad_edge=False)
    for name in ("variable", "value", "meaning"):
        table.add_column(name, overflow="fold")
    for variable, shown, meaning in settings_rows(settings):
        table.add_row(variable, Text(visible(shown)), Text(meaning))
    return table


def settings_rows(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """(variable, value, meaning) of every setting, without keys and passwords."""
    for name, field in type(settings).model_fields.items():
        if name.startswith("openai_"):
            continue
        value = getattr(settings, name)
        if isinstance(value, frozenset):
            value = ", ".join(sorted(value))
        shown = "" if value is None else str(value)
        yield f"RAG_{name.upper()}", without_userinfo(shown), field.description or ""


@contextmanager
def progress_bar() -> Iterator[Callable[[IngestProgress], None]]:
    """A bar on standard error for the length of an ingest; yields the callback that moves it."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("reading", total=None, speed="")

        def show(progress: IngestProgress) -> None:
            speed = f"{progress.speed:,.0f} characters/s" if progress.speed else ""
            bar.update(
                task,
                description=progress.stage,
                completed=progress.done,
                total=progress.total or None,
                speed=speed,
            )

        yield show


def converse(rag: Rag, console: Console) -> None:
    """Ask, stream, remember, until an empty line or the end of input."""
    console.print("Ask the essays. An empty line leaves.", style="dim")
    history: list[dict[str, str]] = []
    while True:
        try:
            question = console.input("\n[bold]› [/bold]").strip()
        except EOFError:
            return
        if not question:
            return
        try:
            answer = _stream(rag, question, history, console)
        except RagError as error:
            console.print(Text(visible(str(error)), style="red"))
            continue
        history += [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer.text},
        ]


def _stream(rag: Rag, question: str, history: Sequence[dict[str, str]], console: Console) -> Answer:
    """Show an answer as it comes; then, checked, in its final form below."""
    with closing(rag.stream(question, history=history)) as events, console.status("") as status:
        shown = ""
        for event in events:
            if isinstance(event, Status):
                status.update(Text(visible(event.message)))
            elif isinstance(event, Token):
                status.stop()
                shown += event.text
                console.print(Text(visible(event.text, lines=True)), end="")
            elif isinstance(event, Replace):
                shown = ""
            elif isinstance(event, Done):
                status.stop()
                answer = event.answer
    console.print()
    if shown != answer.text:
        lines = [*answer_lines(answer)]
    elif answer.refused:
        lines = [*_grounds(answer)]
    else:
        lines = [_tally(answer), *_grounds(answer)]
    console.print(Text("\n".join(lines)))
    return answer
