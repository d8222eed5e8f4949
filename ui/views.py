"""The essay pane, the lists and the banners as HTML. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rag.schema import EssayInfo
from ui.markup import attributes, exact, quoted, shown
from ui.render import Failure, error_html
from ui.store import Conversation
from ui.texts import Say

__all__ = [
    "Banner",
    "Progress",
    "Shown",
    "banner_html",
    "conversations_html",
    "essay_html",
    "essays_html",
    "gone_html",
    "notice_html",
    "progress_html",
    "scope_html",
    "welcome_html",
]

WHOLE = 300_000
"""Longer essays are shown part by part, in characters."""

LANGUAGE_NAMES = {"zh": "中文", "en": "English", "ja": "日本語", "ko": "한국어"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the pane shows: a passage of an essay, [start, end) in its text, or no passage.

    `turn` and `cite` say which citation of which answer led here. `part` is the place that a long
    essay is shown around, by default the passage.
    """

    source: str
    start: int = 0
    end: int = 0
    turn: str = ""
    cite: int = 0
    part: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """What a long work is doing; `total` 0 where it is not known."""

    message: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Banner:
    """Which model answers; no model means quotes only. `hint` is how to change that."""

    model: str = ""
    host: str = ""
    hint: str = ""


def essay_html(info: EssayInfo, text: str, what: Shown, say: Say, *, quote: str = "") -> str:
    """The essay as it is in its file, the passage marked.

    `quote` is what the citation says: where the file was changed since, it is looked for, and
    shown by itself if it is gone.
    """
    start, end = what.start, what.end
    if quote and text[start:end] != quote:
        start = text.find(quote)
        if start < 0:
            note = f"<p>{shown(say('changed'))}</p><blockquote>{shown(quote)}</blockquote>"
            return _pane(info, f'<div class="notice">{note}</div>{_body(text, 0, 0, 0, say)}')
        end = start + len(quote)
    part = start if what.part is None else what.part
    return _pane(info, _body(text, start, end, part, say))


def gone_html(what: Shown, say: Say, *, quote: str = "") -> str:
    """The pane for an essay that was removed since."""
    told = (
        f"<p>{shown(say('gone-sub'))}</p><blockquote>{shown(quote)}</blockquote>" if quote else ""
    )
    return (
        f'<div class="pane-head"><h2>{shown(what.source)}</h2></div>'
        f'<div class="notice"><p><strong>{shown(say("gone"))}</strong></p>{told}</div>'
    )


def conversations_html(
    listed: Sequence[Conversation],
    say: Say,
    *,
    current: str = "",
    searched: bool = False,
    more: bool = False,
) -> str:
    """The list beside the chat; `more` of them are kept, or found, than are listed."""
    if not listed:
        told = say("nothing-found" if searched else "no-conversations")
        return f'<p class="faint">{shown(told)}</p>'
    talks = "".join(_talk(c, say, c.id == current) for c in listed)
    told = say("more-found" if searched else "more-kept", n=len(listed))
    rest = f'<p class="faint">{shown(told)}</p>' if more else ""
    return f'<ul class="talks">{talks}</ul>{rest}'


def essays_html(essays: Sequence[EssayInfo], chosen: Collection[str] | None, say: Say) -> str:
    """The table of essays; `chosen` are those that are searched, None for all."""
    if not essays:
        return (
            f'<div class="empty"><p><strong>{shown(say("no-essays"))}</strong></p>'
            f"<p>{shown(say('no-essays-sub'))}</p></div>"
        )
    columns = ("search", "title", "author", "date", "language", "size", "actions")
    head = "".join(
        f'<th scope="col" class="col-{name}">{shown(say(f"column-{name}"))}</th>'
        for name in columns
    )
    rows = "".join(_essay_row(e, chosen is None or e.source in chosen, say) for e in essays)
    actions = "".join(
        f'<button type="button" class="button small" data-act="{act}">{shown(say(name))}</button>'
        for act, name in (("choose-all", "select-all"), ("choose-none", "select-none"))
    )
    return (
        f'<div class="actions">{actions}</div><table class="essays"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def scope_html(total: int, chosen: Collection[str] | None, say: Say) -> str:
    """What is searched, beside the question."""
    if chosen is None:
        return (
            f'<a class="scope" href="#essays">{shown(say("scope-all", total=total))}</a>'
            if total
            else ""
        )
    label = shown(say("scope", n=len(chosen), total=total))
    return (
        f'<a class="scope is-narrow" href="#essays">{label}</a>'
        f'<button type="button" class="tool" data-act="choose-all"'
        f' aria-label="{quoted(say("scope-clear"))}" data-tip="{quoted(say("scope-clear"))}">'
        f'<span class="icon icon-close" aria-hidden="true"></span></button>'
    )


def welcome_html(questions: Sequence[str], say: Say, conversation: str = "") -> str:
    """What an empty conversation shows, or one that is not kept any more."""
    rows = "".join(
        f'<li><button type="button" class="suggestion" data-act="suggest"{exact({"text": q})}>'
        f"{shown(q)}</button></li>"
        for q in questions
    )
    listed = (
        f'<ul class="suggestions" aria-label="{quoted(say("suggestions"))}">{rows}</ul>'
        if rows
        else ""
    )
    return (
        f'<div class="welcome"{attributes({"conversation": conversation})}>'
        f"<h2>{shown(say('welcome'))}</h2>"
        f"<p>{shown(say('welcome-sub'))}</p>{listed}</div>"
    )


def banner_html(banner: Banner | None, say: Say) -> str:
    """Which model answers, or that none does and how to add one."""
    if banner is None:
        return ""
    if banner.model:
        said = say("banner-model", model=banner.model, host=banner.host)
        return f'<p class="banner"><span class="dot on" aria-hidden="true"></span>{shown(said)}</p>'
    hint = f' <span class="hint">{shown(banner.hint)}</span>' if banner.hint else ""
    return (
        f'<p class="banner"><span class="dot" aria-hidden="true"></span>'
        f"{shown(say('banner-quotes'))} <a href='#settings'>{shown(say('banner-how'))}</a>"
        f"{hint}</p>"
    )


def progress_html(progress: Progress, say: Say) -> str:
    """A message with a bar."""
    if progress.total:
        told = shown(say("progress", share=100 * progress.done // progress.total))
        sizes = f' max="{progress.total}" value="{progress.done}"'
    else:
        told = sizes = ""
    bar = f'<progress{sizes} aria-label="{quoted(progress.message)}"></progress>'
    return (
        f'<div class="notice progress" role="status"><p>{shown(progress.message)}'
        f' <span class="faint">{told}</span></p>{bar}</div>'
    )


def notice_html(done: Sequence[str], failed: Sequence[Failure], say: Say) -> str:
    """What came of a piece of work: what was done, then what was not and why."""
    lines = "".join(f"<p>{shown(line)}</p>" for line in done)
    good = f'<div class="notice good" role="status">{lines}</div>' if lines else ""
    return good + "".join(error_html(error, say, retry=False) for error in failed)


def _pane(info: EssayInfo, body: str) -> str:
    facts = " · ".join(shown(fact) for fact in (info.author, info.date, info.source) if fact)
    return (
        f'<div class="pane-head"><h2>{shown(info.title)}</h2><p class="faint">{facts}</p></div>'
        f'<div class="essay-text" tabindex="0" role="document" lang="{quoted(info.language)}"'
        f' aria-label="{quoted(info.title)}"{exact({"source": info.source})}>{body}</div>'
    )


def _body(text: str, start: int, end: int, part: int, say: Say) -> str:
    first, last = 0, len(text)
    around = ""
    if len(text) > WHOLE:
        first = max(0, min(part - WHOLE // 6, len(text) - WHOLE // 3))
        last = min(len(text), first + WHOLE // 3)
        around = (
            f'<p class="faint">{shown(say("part", start=first, end=last, total=len(text)))}</p>'
        )
    before, after = (
        text[first : max(first, min(start, last))],
        text[max(first, min(end, last)) : last],
    )
    inside = text[max(first, min(start, last)) : max(first, min(end, last))]
    mark = (
        f'<mark id="cited" class="cited"><span class="sr">{shown(say("cited-here"))}: </span>'
        f"{shown(inside)}</mark>"
        if inside.strip()
        else shown(inside)
    )
    earlier = _part_button("earlier", max(0, first - WHOLE // 6), start, end, say) if first else ""
    later = _part_button("later", last + WHOLE // 6, start, end, say) if last < len(text) else ""
    return f'{around}{earlier}<div class="raw">{shown(before)}{mark}{shown(after)}</div>{later}'


def _part_button(name: str, part: int, start: int, end: int, say: Say) -> str:
    data = attributes({"act": "part", "part": part, "start": start, "end": end})
    return f'<button type="button" class="button small"{data}>{shown(say(name))}</button>'


def _talk(kept: Conversation, say: Say, current: bool) -> str:
    title = kept.title or say("untitled")
    here = ' aria-current="true"' if current else ""
    data = attributes({"conversation": kept.id, "title": title})
    return (
        f'<li class="talk"{data}><a class="talk-title" href="?c={quoted(kept.id)}"'
        f' data-act="open"{here}>{shown(title)}</a>'
        f'<button type="button" class="tool" data-act="talk-menu" aria-haspopup="menu"'
        f' aria-expanded="false" aria-label="{quoted(say("more", title=title))}">'
        f'<span class="icon icon-more" aria-hidden="true"></span></button></li>'
    )


def _essay_row(essay: EssayInfo, chosen: bool, say: Say) -> str:
    data = exact({"source": essay.source}) + attributes({"title": essay.title})
    ticked = " checked" if chosen else ""
    size = f"{shown(say('characters', n=f'{essay.characters:,}'))}"
    return (
        f'<tr{data}><td class="col-search"><input type="checkbox" data-act="choose"'
        f' aria-label="{quoted(say("search-in", title=essay.title))}"{ticked}></td>'
        f'<th scope="row" class="col-title"><button type="button" class="link" data-act="read">'
        f'{shown(essay.title)}</button><span class="faint">{shown(essay.source)}</span></th>'
        f'<td class="col-author">{shown(essay.author)}</td>'
        f'<td class="col-date">{shown(essay.date)}</td>'
        f'<td class="col-language">{shown(LANGUAGE_NAMES.get(essay.language, essay.language))}</td>'
        f'<td class="col-size">{size}<span class="faint">'
        f"{shown(say('passages', n=essay.passages))}</span></td>"
        f'<td class="col-actions"><button type="button" class="tool danger" data-act="remove"'
        f' aria-label="{quoted(say("remove-title", title=essay.title))}"'
        f' data-tip="{quoted(say("remove"))}">'
        f'<span class="icon icon-delete" aria-hidden="true"></span></button></td></tr>'
    )
