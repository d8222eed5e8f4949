"""The page's frame as HTML: header, headings of the views, the pane's controls. Pure."""

from __future__ import annotations

import json

from ui.markup import attributes, quoted, shown
from ui.texts import LANGUAGES, Say

__all__ = ["heading_html", "pane_bar_html", "side_html", "top_html"]

VIEWS = ("chat", "essays", "evaluation", "settings")

SCRIPT_TEXTS = (
    "add-hint", "cancel", "close", "close-source", "comment", "copied", "delete", "delete-ask",
    "edit-label", "edit-send", "export-json", "export-markdown", "lost", "of", "remove",
    "remove-ask", "rename", "rename-ask", "save", "send", "theme-dark", "theme-light",
    "theme-system", "ready",
)  # fmt: skip
"""What the script shows by itself: menus, dialogs and tips."""


def top_html(say: Say) -> str:
    """The bar on top: name, views, language, theme; with the texts that the script needs."""
    links = "".join(
        f'<a href="#{view}" data-view="{view}"><span class="icon icon-{view}" aria-hidden="true">'
        f"</span><span>{shown(say(view))}</span></a>"
        for view in VIEWS
    )
    other = next(code for code in LANGUAGES if code != say.language)
    texts = json.dumps({name: say(name) for name in SCRIPT_TEXTS}, ensure_ascii=False)
    return (
        f'<a class="skip" href="#question">{shown(say("skip"))}</a>'
        f'<header class="top"{attributes({"language": say.language, "texts": texts})}>'
        f"{_tool('menu', 'menu', say('menu'))}"
        f'<h1 class="brand">{shown(say("title"))}'
        f'<span class="tagline">{shown(say("tagline"))}</span></h1>'
        f'<nav class="views" aria-label="{quoted(say("nav"))}">{links}</nav>'
        f'<div class="top-tools"><button type="button" class="button small" data-act="language"'
        f' data-to="{other}" lang="{other}" aria-label="{quoted(say("language-tip"))}">'
        f"{shown(say('language'))}</button>{_tool('theme', 'theme', say('theme'))}</div></header>"
    )


def side_html(say: Say) -> str:
    """The button above the list of conversations."""
    return (
        f'<button type="button" class="button solid wide" data-act="new">'
        f'<span class="icon icon-new" aria-hidden="true"></span>{shown(say("new"))}</button>'
    )


def heading_html(view: str, say: Say) -> str:
    """A view's heading with a line of what it is for."""
    return (
        f'<div class="view-head"><h2>{shown(say(view))}</h2>'
        f"<p>{shown(say(f'{view}-sub'))}</p></div>"
    )


def pane_bar_html(say: Say) -> str:
    """Previous, which one, next, close."""
    return (
        f'<div class="pane-bar"><span class="pane-nav">'
        f"{_tool('previous', 'previous', say('previous'))}"
        f'<span class="pane-count" aria-live="polite"></span>'
        f"{_tool('next', 'next', say('next'))}</span>"
        f"{_tool('close-source', 'close', say('close-source'))}</div>"
    )


def _tool(act: str, icon: str, label: str) -> str:
    return (
        f'<button type="button" class="tool" data-act="{act}" aria-label="{quoted(label)}"'
        f' data-tip="{quoted(label)}">'
        f'<span class="icon icon-{icon}" aria-hidden="true"></span></button>'
    )
