"""An Answer, whole or still being written, as what is shown of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.errors import ConfigError, EndpointError, RagError
from rag.schema import SIGNS, Answer, Citation, Hit, Sentence
from ui.markup import (
    Code,
    attributes,
    bare,
    code_in,
    end_mark,
    exact,
    in_parts,
    point_mark,
    prose,
    quoted,
    shown,
    start_mark,
)
from ui.store import Turn
from ui.texts import FIELDS, Say

__all__ = [
    "Failure",
    "answer_html",
    "cited_in",
    "error_html",
    "failure",
    "labelled",
    "live_html",
    "plain_text",
    "thread_html",
    "turn_html",
    "unread_html",
]

NEAREST = 3
QUOTE_PREVIEW = 400
CHIPS = 12
"""More chips than this at one place say nothing; a model that repeats itself gets no more."""

_VARIABLE = re.compile(r"\bRAG_[A-Z_]+\b")
_NUMBER = re.compile(r"\[(\d{1,4})\]")
_BEFORE_STOP = re.compile(r"(?<!\s)\s*((?:\[\d{1,4}\]\s*)+)([.。!！?？]+)(?!\w)")
_BLOCK_START = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,3}[.)]|#{1,6}|>)[ \t]+)*(?:\|[ \t]*)?")
_RULE = re.compile(r"[-|: \t]*")
_ROW_END = re.compile(r"(?<![ \t])[ \t]*\|[ \t]*((?:\[\d{1,4}\][ \t]*)*)$")


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as two sentences, and whether the settings can mend it. `variables` in them were set
    on the page: its form's labels are shown for them."""

    what: str
    do: str
    settings: bool = False
    variables: Collection[str] = ()


def failure(error: RagError) -> Failure:
    """What the page says of an error."""
    return Failure(error.what, error.do, isinstance(error, (EndpointError, ConfigError)))


def labelled(text: str, variables: Collection[str], say: Say) -> str:
    """A text with the form's labels for these variables."""

    def label(found: re.Match[str]) -> str:
        known = found[0] in variables and found[0] in FIELDS
        return say("field", label=say(FIELDS[found[0]])) if known else found[0]

    return _VARIABLE.sub(label, text)


def thread_html(turns: Sequence[Turn], say: Say, conversation: str = "") -> str:
    """All turns of a conversation that are not being worked on."""
    inner = "".join(turn_html(turn, say) for turn in turns if turn.state != "asking")
    return f'<div class="thread"{attributes({"conversation": conversation})}>{inner}</div>'


def unread_html(error: RagError, say: Say, conversation: str) -> str:
    """In place of a conversation that cannot be read."""
    told = error_html(failure(error), say, retry=False)
    return f'<div class="thread"{attributes({"conversation": conversation})}>{told}</div>'


def turn_html(turn: Turn, say: Say) -> str:
    """A question with its answer, refusal, error or what was there when it was stopped; with an
    answer that could not be kept, why."""
    if turn.answer is not None:
        body = answer_html(turn.answer, say) + (_error(turn, say) if turn.error else "")
        copied = plain_text(turn.answer)
    else:
        body = _unfinished(turn, say)
        copied = turn.text
    return (
        f'<article class="turn" {attributes({"turn": turn.id})}>'
        f"{_question(turn.question, say, turn.id)}"
        f'<section class="answer" aria-label="{quoted(say("answer"))}">{body}'
        f"{_tools(turn, copied, say)}</section></article>"
    )


def live_html(
    question: str, text: str, status: str, say: Say, run: str = "", conversation: str = ""
) -> str:
    """A question whose answer is being written; `run` is the turn's id, `conversation` whose turn
    it is: the page shows it nowhere else."""
    written = prose(
        "".join(
            bare(piece) if code else _pending(bare(piece))
            for piece, code in in_parts(text, code_in(text))
        ),
        point=lambda _, n: f'<span class="cite pending" aria-hidden="true">{n}</span>',
    )
    busy = (
        f'<p class="status" role="status"><span class="pulse" aria-hidden="true"></span>'
        f"{shown(status)}</p>"
    )
    return (
        f'<article class="turn live"{attributes({"turn": run, "conversation": conversation})}>'
        f"{_question(question, say)}"
        f'<section class="answer" aria-busy="true" aria-label="{quoted(say("answer"))}">'
        f'<div class="prose-text">{written}</div>{busy}</section></article>'
    )


def answer_html(answer: Answer, say: Say) -> str:
    """The answer's text with a chip for each citation and a mark for each verdict."""
    if answer.refused:
        return _refusal(answer, say)
    body = prose(
        _marked(answer),
        point=lambda kind, key: (
            _chip(key, answer.citations[key], say)
            if kind == "c"
            else _verdict(answer.sentences[key], say)
        ),
        wrap=lambda key: f"sentence is-{answer.sentences[key].verdict.label}",
    )
    return (
        f'<div class="prose-text">{body}</div>{_sources(answer.citations, say)}'
        f"{_warnings(answer.warnings, say)}{_meta(answer, say)}"
    )


def cited_in(answer: Answer) -> Sequence[Citation]:
    """What the answer's buttons open, by their number: its citations, or a refusal's passages."""
    if answer.refused:
        return [_whole_passage(index, hit) for index, hit in enumerate(answer.hits[:NEAREST])]
    return answer.citations


def plain_text(answer: Answer) -> str:
    """What "copy" copies: the answer with its marks, then the quotes by number."""
    quotes = [f"[{cite.n}] {cite.title} ({cite.source}): {cite.quote}" for cite in answer.citations]
    return "\n".join([answer.text, "", *quotes]).strip()


def error_html(error: Failure, say: Say, *, retry: bool = True) -> str:
    """An error as sentences with a way on."""
    buttons = ""
    if retry:
        buttons += _button("again", say("try-again"), classes="solid")
    if error.settings:
        buttons += _button("view", say("open-settings"), view="settings")
    actions = f'<div class="actions">{buttons}</div>' if buttons else ""
    told = labelled(f"{error.what} {error.do}", error.variables, say)
    return (
        f'<div class="notice error" role="alert"><p><strong>{shown(say("error-title"))}</strong> '
        f"{shown(told)}</p>{actions}</div>"
    )


def _marked(answer: Answer) -> str:
    """The answer's text with a mark at each sentence, citation and verdict."""
    text, places = answer.text, _placed(answer)
    code = code_in(text)
    pieces: list[str] = []
    at = 0
    for index, sentence in enumerate(answer.sentences):
        if not at <= sentence.start <= sentence.end <= len(text):
            continue
        pieces.append(_cited(text[at : sentence.start], places, at, code))
        at = sentence.end
        inside = text[sentence.start : sentence.end]
        if _RULE.fullmatch(inside):  # below a table's head: with a mark in it there is no table
            pieces.append(bare(inside))
            continue
        lead = _BLOCK_START.match(inside) if _at_line_start(text, sentence.start) else None
        skip = lead.end() if lead else 0
        body = inside[skip:].rstrip()
        tail = inside[skip + len(body) :]
        if _in_row(text, sentence.start) and (closing := _ROW_END.search(body)):
            # what stands behind a row's last cell is in no column, and would not be shown
            body, tail = f"{body[: closing.start()]} {closing[1]}".rstrip(), f" |{tail}"
        fenced = "```" in body or "~~~" in body
        cited = _cited(body, places, sentence.start + skip, code)
        pieces.append(
            bare(inside[:skip])
            + (cited if fenced else start_mark(index) + cited + end_mark(index))
            + ("" if fenced else point_mark("v", index))
            + bare(tail)
        )
    pieces.append(_cited(text[at:], places, at, code))
    return "".join(pieces)


def _at_line_start(text: str, position: int) -> bool:
    return not text[text.rfind("\n", 0, position) + 1 : position].strip()


def _in_row(text: str, position: int) -> bool:
    return text[text.rfind("\n", 0, position) + 1 :].lstrip().startswith("|")


def _placed(answer: Answer) -> Mapping[int, Mapping[int, int]]:
    """For each sentence's start, n → index of the citation that its chip opens.

    Several citations may share an n (other sentences of one passage): the sentences take them in
    their order, and the last one serves whatever is left.
    """
    by_number: dict[int, list[int]] = {}
    for index, citation in enumerate(answer.citations):
        by_number.setdefault(citation.n, []).append(index)
    used: dict[int, int] = {}
    placed: dict[int, dict[int, int]] = {-1: {n: those[0] for n, those in by_number.items()}}
    for sentence in answer.sentences:
        mine = {}
        for n in sentence.citations:
            if n in by_number:
                turn = used.get(n, 0)
                mine[n] = by_number[n][min(turn, len(by_number[n]) - 1)]
                used[n] = turn + 1
        placed[sentence.start] = mine
    return placed


def _pending(text: str) -> str:
    return _NUMBER.sub(lambda mark: point_mark("p", int(mark[1])), text)


def _cited(
    text: str, places: Mapping[int, Mapping[int, int]], at: int, found: Sequence[Code]
) -> str:
    """`text`, which begins at offset `at` of the answer, with its `[n]` as marks; in code they are
    indexes."""
    begin = max((start for start in places if start <= at), default=-1)
    chosen = {**places[-1], **places[begin]}
    left = CHIPS

    def mark(match: re.Match[str]) -> str:
        nonlocal left
        if int(match[1]) not in chosen:
            return match[0]
        left -= 1
        return point_mark("c", chosen[int(match[1])]) if left >= 0 else ""

    return "".join(
        bare(piece) if code else _NUMBER.sub(mark, _BEFORE_STOP.sub(r"\2\1", bare(piece)))
        for piece, code in in_parts(text, found, at)
    )


def _chip(index: int, citation: Citation, say: Say) -> str:
    return (
        f'<button type="button" class="cite"{_target(index, citation)}'
        f' aria-label="{quoted(say("source-n", n=citation.n, title=citation.title))}">'
        f"{citation.n}</button>"
    )


def _target(index: int, citation: Citation) -> str:
    return exact({"source": citation.source}) + attributes(
        {
            "act": "cite",
            "cite": index,
            "n": citation.n,
            "start": citation.start,
            "end": citation.end,
            "title": citation.title,
            "quote": _preview(citation.quote),
        }
    )


def _verdict(sentence: Sentence, say: Say) -> str:
    label = sentence.verdict.label
    name = say(label)
    if label == "unchecked" and not sentence.citations:
        name = say("uncited")
    reason = sentence.verdict.reason
    full = f"{name}: {reason}" if reason else name
    return (
        f'<button type="button" class="verdict is-{label}" data-act="verdict"'
        f' data-tip="{quoted(full)}" aria-label="{quoted(full)}">'
        f'<span aria-hidden="true">{SIGNS[label]}</span></button>'
    )


def _sources(citations: Sequence[Citation], say: Say) -> str:
    if not citations:
        return ""
    rows = "".join(
        f'<li><button type="button" class="source-row"{_target(index, cite)}>'
        f'<span class="source-n">{cite.n}</span>'
        f'<span class="source-title">{shown(cite.title)}</span>'
        f'<span class="source-quote">{shown(_preview(cite.quote, 140))}</span></button></li>'
        for index, cite in enumerate(citations)
    )
    return (
        f'<div class="sources"><h3>{shown(say("sources"))}</h3>'
        f'<ol class="source-list">{rows}</ol></div>'
    )


def _refusal(answer: Answer, say: Say) -> str:
    near = cited_in(answer)
    lead = say("refused-sub") if near else say("refused-none")
    spoken = (s for s in answer.sentences if not _NUMBER.search(answer.text[s.start : s.end]))
    head, *rest = [s.text for s in spoken] or [answer.text.strip() or say("refused")]
    said = f'<div class="prose-text">{prose(bare(" ".join(rest)))}</div>' if rest else ""
    return (
        f'<div class="notice refusal"><p class="refusal-head"><span class="refusal-sign"'
        f' aria-hidden="true">∅</span><strong>{shown(head)}</strong></p>'
        f"{said}<p>{shown(lead)}</p>{_nearest(near)}</div>"
        f"{_warnings(answer.warnings, say)}{_meta(answer, say)}"
    )


def _nearest(passages: Iterable[Citation]) -> str:
    rows = "".join(
        f'<li><button type="button" class="source-row"{_target(index, cite)}>'
        f'<span class="source-title">{shown(cite.title)}</span>'
        f'<span class="source-quote">{shown(_preview(cite.quote, 220))}</span></button></li>'
        for index, cite in enumerate(passages)
    )
    return f'<ol class="source-list">{rows}</ol>' if rows else ""


def _whole_passage(index: int, hit: Hit) -> Citation:
    found = hit.passage
    return Citation(index + 1, found.source, found.title, found.start, found.end, found.raw)


def _warnings(warnings: Sequence[str], say: Say) -> str:
    if not warnings:
        return ""
    rows = "".join(f"<li>{shown(warning)}</li>" for warning in warnings)
    return f'<ul class="warnings" aria-label="{quoted(say("warnings"))}">{rows}</ul>'


def _meta(answer: Answer, say: Say) -> str:
    parts = [
        say("by-model", model=answer.model) if answer.mode == "llm" else say("by-quotes"),
    ]
    spent = sum(answer.timings.values()) / 1000
    if spent:
        parts.append(say("seconds", seconds=f"{spent:.1f}"))
    return f'<p class="meta">{shown(" · ".join(parts))}</p>'


def _unfinished(turn: Turn, say: Say) -> str:
    written = f'<div class="prose-text">{prose(bare(turn.text))}</div>' if turn.text else ""
    if turn.state == "failed":
        return written + _error(turn, say)
    name = "ended" if turn.state == "ended" else "stopped"
    note = say(name) if turn.text else say(f"{name}-empty")
    return f'{written}<p class="notice stopped">{shown(note)}</p>'


def _error(turn: Turn, say: Say) -> str:
    what, _, rest = turn.error.partition("\n")
    do, _, settings = rest.partition("\n")
    return error_html(Failure(what, do, bool(settings), settings.split()[1:]), say)


def _question(question: str, say: Say, turn: str = "") -> str:
    edit = ""
    if turn:
        edit = (
            f'<button type="button" class="tool" data-act="edit"{exact({"text": question})}'
            f' aria-label="{quoted(say("edit"))}" data-tip="{quoted(say("edit"))}">'
            f'<span class="icon icon-edit" aria-hidden="true"></span></button>'
        )
    return (
        f'<div class="question"><h2 class="sr">{shown(say("you"))}</h2>'
        f'<p class="question-text">{shown(question)}</p>{edit}</div>'
    )


def _tools(turn: Turn, copied: str, say: Say) -> str:
    thumbs = ""
    if turn.answer is not None and not turn.error:
        thumbs = "".join(
            f'<button type="button" class="tool" data-act="thumb" data-value="{value}"'
            f' aria-pressed="{"true" if turn.thumb == value else "false"}"'
            f' aria-label="{quoted(say(name))}" data-tip="{quoted(say(name))}">'
            f'<span class="icon icon-{name}" aria-hidden="true"></span></button>'
            for value, name in ((1, "good"), (-1, "bad"))
        )
    return (
        f'<div class="tools"{attributes({"comment": turn.comment})}>'
        f"{_tool('copy', say('copy'), copied)}{_tool('again', say('retry'))}{thumbs}</div>"
    )


def _tool(act: str, label: str, copied: str = "") -> str:
    extra = exact({"copy": copied}) if copied else ""
    return (
        f'<button type="button" class="tool" data-act="{act}" aria-label="{quoted(label)}"'
        f' data-tip="{quoted(label)}"{extra}>'
        f'<span class="icon icon-{act}" aria-hidden="true"></span></button>'
    )


def _button(act: str, label: str, *, classes: str = "", **data: str) -> str:
    return (
        f'<button type="button" class="button {classes}" data-act="{act}"{attributes(data)}>'
        f"{shown(label)}</button>"
    )


def _preview(text: str, length: int = QUOTE_PREVIEW) -> str:
    line = " ".join(text[: 2 * length].split())
    return line if len(line) <= length else line[:length] + "…"
