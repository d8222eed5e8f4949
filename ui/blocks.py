"""Layout and wiring in Gradio. Imported only once a page is built: Gradio is heavy."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import gradio as gr

from rag.config import Settings
from ui.form import Form
from ui.frame import heading_html, pane_bar_html, side_html, top_html
from ui.handlers import Handlers
from ui.measuring import Measuring
from ui.session import Gaze, Patch, Session
from ui.shelf import Shelf
from ui.texts import Say, speaker
from ui.views import Shown

__all__ = ["layout", "theme"]

SYSTEM = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "PingFang SC",
          "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"]  # fmt: skip
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]

COLOURS = {
    "body_background_fill": "ground",
    "body_text_color": "ink",
    "body_text_color_subdued": "soft",
    "background_fill_primary": "surface",
    "background_fill_secondary": "sunken",
    "border_color_primary": "line",
    "color_accent": "accent",
    "color_accent_soft": "accent-soft",
    "block_background_fill": "ground",
    "block_info_text_color": "soft",
    "block_label_background_fill": "surface",
    "block_label_text_color": "soft",
    "block_title_text_color": "ink",
    "input_background_fill": "surface",
    "input_background_fill_focus": "surface",
    "input_border_color": "line-strong",
    "input_border_color_focus": "accent",
    "input_placeholder_color": "soft",
    "slider_color": "accent",
    "checkbox_background_color_selected": "accent",
    "checkbox_border_color": "line-strong",
    "checkbox_border_color_selected": "accent",
    "checkbox_label_background_fill": "surface",
    "checkbox_label_background_fill_hover": "sunken",
    "checkbox_label_background_fill_selected": "accent-soft",
    "checkbox_label_border_color": "line",
    "checkbox_label_border_color_selected": "accent",
    "checkbox_label_text_color": "ink",
    "checkbox_label_text_color_selected": "ink",
    "button_primary_background_fill": "accent",
    "button_primary_background_fill_hover": "accent",
    "button_primary_border_color": "accent",
    "button_primary_text_color": "accent-ink",
    "button_primary_text_color_hover": "accent-ink",
    "button_secondary_background_fill": "surface",
    "button_secondary_background_fill_hover": "sunken",
    "button_secondary_border_color": "line-strong",
    "button_secondary_text_color": "ink",
    "button_secondary_text_color_hover": "ink",
}
"""Gradio's names for colours → those of base.css, which know light and dark."""


def theme() -> gr.themes.Base:
    """Gradio's plain theme in the page's colours, with system fonts: no other host is asked."""
    made = gr.themes.Base(
        neutral_hue=gr.themes.colors.stone,
        font=SYSTEM,
        font_mono=MONO,
        radius_size=gr.themes.sizes.radius_lg,
        text_size=gr.themes.sizes.text_md,
    )
    known = inspect.signature(made.set).parameters
    values = {
        name: f"var(--{colour})"
        for base, colour in COLOURS.items()
        for name in (base, f"{base}_dark")
        if name in known
    }
    return made.set(
        **values, button_border_width="1px", block_border_width="0px", input_border_width="1px"
    )


EVENTS = ("speak", "open", "again", "suggest", "rename", "drop", "judge", "choose",
          "remove", "refresh", "measured")  # fmt: skip
"""What the script reports (as do_…), each to a handler of its own."""

BRIDGE = "window.essayRag.connect(trigger); // " + " ".join(f"'do_{name}'" for name in EVENTS)
"""Gradio knows a custom event by its quoted name in the script."""

VIEWS = ("essays", "evaluation", "settings")
FORM = ("use", "endpoint", "model", "key", "k", "policy")

CHAT = ("session", "history", "live", "talks", "question", "toast")
SHELF = ("session", "essays", "scope", "added", "toast", "files")
SETTINGS = (*FORM, "endpoint-group", "banner", "outcome")

READ_NAMES = """(files, _, session) => [
  files, JSON.stringify((files || []).map((file) => file.orig_name || "")), session
]"""
"""As they are in their folder: Gradio's own are cut, and lack what is forbidden elsewhere."""

READ_QUERY = """(...values) => {
  const page = window.essayRag.opened();
  return [page.conversation, page.language, page.chosen, ...values.slice(3)];
}"""

Parts = Mapping[str, Any]


def layout(handlers: Handlers, measuring: Measuring, *, events: int) -> gr.Blocks:
    """The page. `events` is how many answers may be watched or wait at once."""
    say = speaker("en")
    with gr.Blocks(title=say("title"), analytics_enabled=False, fill_width=True) as blocks:
        parts = _components(say, handlers.shelf)
        _wire_page(blocks, parts, handlers)
        _wire_chat(parts, handlers)
        _wire_essays(parts, handlers.shelf)
        _wire_settings(parts, handlers.form)
        _wire_measuring(parts, measuring)
    blocks.max_threads = events + 40  # Gradio's limit on events under way; followers count
    blocks.queue(api_open=False, default_concurrency_limit=None)
    return cast(gr.Blocks, blocks)


# --- components ---


def _html(name: str, value: str = "") -> gr.HTML:
    return gr.HTML(value, elem_id=name, apply_default_css=False, js_on_load=None)


def _components(say: Say, shelf: Shelf) -> Parts:
    """Everything on the page, by name. The texts of the person's language come with `load`."""
    parts: dict[str, Any] = {"session": gr.State(Session())}
    parts["bridge"] = gr.HTML("", elem_id="bridge", apply_default_css=False, js_on_load=BRIDGE)
    parts["asked-conversation"] = gr.Textbox("", visible=False)
    parts["asked-language"] = gr.Textbox("", visible=False)
    parts["asked-choice"] = gr.Textbox("", visible=False)
    parts["names"] = gr.Textbox("", visible=False)
    parts["top"] = _html("top", top_html(say))
    parts["toast"] = _html("toast")
    with gr.Row(elem_id="frame", equal_height=False):
        with gr.Column(elem_id="side", scale=0, min_width=0):
            _side(parts, say)
        with gr.Column(elem_id="view-chat", elem_classes="view", min_width=0):
            _chat(parts, say)
        with gr.Column(elem_id="view-essays", elem_classes="view", min_width=0):
            _essays(parts, say)
        with gr.Column(elem_id="view-evaluation", elem_classes="view", min_width=0):
            _measuring(parts, say)
        with gr.Column(elem_id="view-settings", elem_classes="view", min_width=0):
            _settings(parts, say)
        with gr.Column(elem_id="pane-box", scale=0, min_width=0):
            parts["pane-bar"] = _html("pane-bar", pane_bar_html(say))
            parts["pane"] = _pane(shelf)
    return parts


def _pane(shelf: Shelf) -> gr.HTML:
    """The essay beside the chat. The script asks for it directly: it must be quick, and the last
    of several clicks counts."""

    def show(asked: dict[str, Any]) -> str:
        def number(name: str) -> int:
            return int(asked.get(name) or 0)

        what = Shown(
            str(asked["source"]),
            number("start"),
            number("end"),
            str(asked.get("turn") or ""),
            number("cite"),
            number("part") if asked.get("part") else None,
        )
        return shelf.show(what, speaker(str(asked.get("language"))))

    return gr.HTML(
        "",
        elem_id="pane",
        apply_default_css=False,
        js_on_load="window.essayRag.pane(server, props);",
        server_functions=[show],
    )


def _side(parts: dict[str, Any], say: Say) -> None:
    parts["side"] = _html("side-head", side_html(say))
    parts["search"] = gr.Textbox(
        label=say("search"),
        placeholder=say("search"),
        show_label=False,
        max_lines=1,
        container=False,
        elem_id="search",
    )
    parts["talks"] = _html("talks")


def _chat(parts: dict[str, Any], say: Say) -> None:
    parts["banner"] = _html("banner")
    with gr.Column(elem_id="scroll"):
        parts["start"] = _html("start")
        parts["history"] = _html("history")
        parts["live"] = _html("live")
    with gr.Column(elem_id="composer"):
        with gr.Row(elem_id="composer-row", equal_height=False):
            parts["question"] = gr.Textbox(
                label=say("ask-label"),
                placeholder=say("ask-hint"),
                show_label=False,
                lines=1,
                max_lines=8,
                container=False,
                elem_id="question",
            )
            parts["ask"] = gr.Button(say("ask"), variant="primary", elem_id="ask", scale=0)
            parts["stop"] = gr.Button(say("stop"), elem_id="stop", scale=0)
        parts["scope"] = _html("scope")


def _essays(parts: dict[str, Any], say: Say) -> None:
    parts["essays-head"] = _html("essays-head", heading_html("essays", say))
    parts["files"] = gr.File(
        label=say("add-hint"), file_count="multiple", elem_id="files", height=110
    )
    parts["added"] = _html("added")
    parts["essays"] = _html("essays")


def _settings(parts: dict[str, Any], say: Say) -> None:
    parts["settings-head"] = _html("settings-head", heading_html("settings", say))
    parts["use"] = gr.Radio(_uses(say), value="auto", label=say("use-model"), elem_id="use")
    with gr.Column(visible=False, elem_id="endpoint-group") as group:
        parts["endpoint-group"] = group
        parts["endpoint"] = gr.Textbox(
            label=say("endpoint"),
            info=say("endpoint-info"),
            max_lines=1,
            placeholder="http://127.0.0.1:11434/v1",
            elem_id="endpoint",
        )
        parts["key"] = gr.Textbox(
            label=say("key"),
            info=say("key-none"),
            type="password",
            max_lines=1,
            elem_id="key",
        )
        with gr.Row(equal_height=False, elem_id="model-row"):
            parts["model"] = gr.Dropdown(
                [],
                label=say("model"),
                info=say("model-info"),
                allow_custom_value=True,
                elem_id="model",
            )
            parts["list-models"] = gr.Button(say("list-models"), elem_id="list-models", scale=0)
    least, most = _bounds("k")
    parts["k"] = gr.Slider(least, most, value=5, step=1, label=say("k"), elem_id="k", buttons=[])
    parts["policy"] = gr.Radio(
        _policies(say), value="mark", label=say("unsupported-policy"), elem_id="policy"
    )
    with gr.Row(elem_id="settings-actions"):
        parts["save"] = gr.Button(say("save"), variant="primary", elem_id="save", scale=0)
        parts["test"] = gr.Button(say("test"), elem_id="test", scale=0)
        parts["reset"] = gr.Button(say("defaults"), elem_id="reset", scale=0)
    parts["outcome"] = _html("outcome")


def _bounds(setting: str) -> tuple[int, int]:
    """The least and the greatest value that a setting of whole numbers may have."""
    rules = Settings.model_fields[setting].metadata
    above = next(rule.gt for rule in rules if hasattr(rule, "gt"))
    most = next(rule.le for rule in rules if hasattr(rule, "le"))
    return above + 1, most


def _measuring(parts: dict[str, Any], say: Say) -> None:
    parts["evaluation-head"] = _html("evaluation-head", heading_html("evaluation", say))
    with gr.Row(elem_id="measuring-actions", equal_height=False):
        parts["limit"] = gr.Number(
            0,
            label=say("eval-limit"),
            info=say("eval-limit-info"),
            precision=0,
            elem_id="limit",
            scale=0,
            min_width=180,
        )
        parts["measure"] = gr.Button(say("eval-run"), variant="primary", elem_id="measure", scale=0)
    parts["measured"] = _html("measured")


def _uses(say: Say) -> list[tuple[str, str]]:
    return [(say(f"use-{name}"), name) for name in ("auto", "endpoint", "off")]


def _policies(say: Say) -> list[tuple[str, str]]:
    return [(say(f"policy-{name}"), name) for name in ("mark", "drop", "retry")]


BUTTONS = {
    "ask": "ask",
    "stop": "stop",
    "save": "save",
    "test": "test",
    "reset": "defaults",
    "list-models": "list-models",
    "measure": "eval-run",
}
LABELLED = ("top", "side", "pane-bar", "essays-head", "evaluation-head", "settings-head", "search",
            "question", "files", "limit", "use", "endpoint", "model", "key", "k", "policy",
            *BUTTONS)  # fmt: skip


def _labels(say: Say) -> dict[str, Any]:
    """Every fixed text of the page in one language."""
    return {
        "top": top_html(say),
        "side": side_html(say),
        "pane-bar": pane_bar_html(say),
        **{f"{view}-head": heading_html(view, say) for view in VIEWS},
        "search": {"label": say("search"), "placeholder": say("search")},
        "question": {"label": say("ask-label"), "placeholder": say("ask-hint")},
        "files": {"label": say("add-hint")},
        "limit": {"label": say("eval-limit"), "info": say("eval-limit-info")},
        "use": {"label": say("use-model"), "choices": _uses(say)},
        "endpoint": {"label": say("endpoint"), "info": say("endpoint-info")},
        "model": {"label": say("model"), "info": say("model-info")},
        "key": {"label": say("key")},
        "k": {"label": say("k")},
        "policy": {"label": say("unsupported-policy"), "choices": _policies(say)},
        **{name: {"value": say(key)} for name, key in BUTTONS.items()},
    }


# --- wiring ---


def _updates(parts: Parts, patch: Patch) -> dict[Any, Any]:
    """A patch as Gradio takes it: component → update, the composite parts spread out."""
    merged: dict[str, dict[str, Any]] = {}
    for name, value in patch.items():
        for part, update in _spread(name, value).items():
            more = update if isinstance(update, dict) else {"value": update}
            merged.setdefault(part, {}).update(more)
    # A plain value is cheaper than an update, for which Gradio makes the component anew.
    updates = {
        parts[name]: more["value"] if more.keys() == {"value"} else gr.update(**more)
        for name, more in merged.items()
    }
    if "session" in patch:
        updates[parts["session"]] = patch["session"]
    return updates


def _spread(name: str, value: Any) -> Mapping[str, Any]:
    match name:
        case "session":
            return {}
        case "labels":
            return _labels(value)
        case "form":
            return {**value, "endpoint-group": {"visible": value["use"] == "endpoint"}}
        case "models":
            return {"model": {"choices": list(value)}}
        case "key_note":
            return {"key": {"info": value}}
        case _:
            return {name: value}


def _on(
    parts: Parts,
    trigger: Callable[..., Any],
    fn: Callable[..., Any],
    inputs: Iterable[str],
    outputs: Iterable[str],
    **more: Any,
) -> Any:
    return trigger(
        fn,
        [parts[name] for name in inputs],
        [parts[name] for name in dict.fromkeys(outputs)],
        show_progress="hidden",
        api_name=False,
        concurrency_limit=None,
        **{"trigger_mode": "multiple", **more},
    )


def _streamed(
    parts: Parts, method: Callable[..., AsyncIterator[Patch]], *fields: str
) -> Callable[..., Any]:
    """A listener to the script: `method` gets fields of what it reported, then the session."""

    async def listen(event: gr.EventData, session: Session) -> AsyncIterator[Any]:
        patches = method(*(_data(event, name) for name in fields), session)
        async for update in _flow(parts, patches):
            yield update

    return listen


async def _flow(parts: Parts, patches: AsyncIterator[Patch]) -> AsyncIterator[Any]:
    """Patches as Gradio takes them, at least one: an event that yields nothing empties all that it
    may change."""
    some = False
    async for patch in patches:
        some = True
        yield _updates(parts, patch)
    if not some:
        yield gr.skip()


async def _looked_at(views: AsyncIterator[str], gaze: Gaze) -> AsyncIterator[Any]:
    """What is shown until something else is there: the same in another language."""
    looking = gaze.take()
    yield gr.skip()  # an event that yields nothing empties all that it may change
    async for view in views:
        if not looking():
            return
        yield view


def _told(parts: Parts, method: Callable[..., Patch], *fields: str) -> Callable[..., Any]:
    """As `_streamed`, for a method that answers once."""

    def listen(event: gr.EventData, session: Session) -> Any:
        return _updates(parts, method(*(_data(event, name) for name in fields), session))

    return listen


def _wire_page(blocks: gr.Blocks, parts: Parts, do: Handlers) -> None:
    everything = (*CHAT, *SHELF, *SETTINGS, *LABELLED, "start")

    async def load(
        conversation: str, language: str, choice: str, session: Session, request: gr.Request
    ) -> AsyncIterator[Any]:
        patches = do.load(conversation, request.headers, language, choice, session)
        async for update in _flow(parts, patches):
            yield update

    asked = ("asked-conversation", "asked-language", "asked-choice", "session")
    _on(parts, blocks.load, load, asked, everything, js=READ_QUERY)
    speak = _streamed(parts, do.speak, "language")
    _on(parts, parts["bridge"].do_speak, speak, ["session"], everything)


def _wire_chat(parts: Parts, do: Handlers) -> None:
    bridge = parts["bridge"]

    async def ask(question: str, session: Session) -> AsyncIterator[Any]:
        async for update in _flow(parts, do.ask(question, session)):
            yield update

    def search(words: str, session: Session) -> Any:
        return _updates(parts, do.search(words, session))

    typed, alone = ["question", "session"], ["session"]
    asking = [
        _on(parts, parts["question"].submit, ask, typed, CHAT),
        _on(parts, parts["ask"].click, ask, typed, CHAT),
        _on(parts, bridge.do_suggest, _streamed(parts, do.ask, "text"), alone, CHAT),
        _on(parts, bridge.do_again, _streamed(parts, do.again, "turn", "text"), alone, CHAT),
    ]
    opening = _streamed(parts, do.open, "conversation")
    _on(parts, bridge.do_open, opening, alone, CHAT, cancels=asking)
    _on(parts, bridge.do_drop, _told(parts, do.delete, "conversation"), alone, CHAT)
    _on(parts, parts["stop"].click, do.stop, alone, [], queue=False)
    rename = _told(parts, do.rename, "conversation", "text")
    _on(parts, bridge.do_rename, rename, alone, ["talks", "toast"])
    judge = _told(parts, do.judge, "turn", "value", "text")
    _on(parts, bridge.do_judge, judge, alone, ["history", "toast"])
    found = ["session", "talks"]
    typing = ["search", "session"]
    _on(parts, parts["search"].change, search, typing, found, trigger_mode="always_last")


def _wire_essays(parts: Parts, do: Shelf) -> None:
    bridge = parts["bridge"]

    def choose(event: gr.EventData, session: Session) -> Any:
        chosen = event._data.get("sources") if event._data else None
        return _updates(parts, do.choose(chosen, session))

    async def add(files: list[str] | None, names: str, session: Session) -> AsyncIterator[Any]:
        async for update in _flow(parts, do.add(_named(files or (), names), session)):
            yield update

    _on(parts, bridge.do_choose, choose, ["session"], SHELF)
    _on(parts, bridge.do_remove, _told(parts, do.remove, "source"), ["session"], SHELF)
    _on(parts, bridge.do_refresh, _told(parts, do.view), ["session"], SHELF)
    adding = ["files", "names", "session"]
    _on(parts, parts["files"].upload, add, adding, SHELF, js=READ_NAMES)


def _named(files: Sequence[str], names: str) -> list[tuple[Path, str]]:
    """Files with the names that the browser gave, or else those under which they arrived."""
    paths = [Path(file) for file in files]
    given = json.loads(names) if names else [""] * len(paths)
    return [(path, name or path.name) for path, name in zip(paths, given, strict=True)]


def _wire_settings(parts: Parts, do: Form) -> None:
    def form(*values: Any) -> tuple[dict[str, Any], Session]:
        return dict(zip(FORM, values, strict=False)), values[-1]

    def save(*values: Any) -> Any:
        return _updates(parts, do.save(*form(*values)))

    def test(*values: Any) -> Any:
        return _updates(parts, do.test(*form(*values)))

    def models(*values: Any) -> Any:
        return _updates(parts, do.models(*form(*values)))

    def reset(session: Session) -> Any:
        return _updates(parts, do.reset(session))

    def use(value: str) -> Any:
        return gr.update(visible=value == "endpoint")

    filled = (*FORM, "session")
    _on(parts, parts["save"].click, save, filled, SETTINGS)
    _on(parts, parts["test"].click, test, filled, ["outcome"])
    _on(parts, parts["list-models"].click, models, filled, ["model", "outcome"])
    _on(parts, parts["reset"].click, reset, ["session"], SETTINGS)
    _on(parts, parts["use"].input, use, ["use"], ["endpoint-group"], queue=False)


def _wire_measuring(parts: Parts, measuring: Measuring) -> None:
    async def measure(limit: float, session: Session) -> AsyncIterator[Any]:
        async for shown in _looked_at(measuring.run(int(limit or 0), session.say), session.report):
            yield shown

    async def measured(session: Session) -> AsyncIterator[Any]:
        async for shown in _looked_at(measuring.watch(session.say), session.report):
            yield shown

    _on(parts, parts["measure"].click, measure, ["limit", "session"], ["measured"])
    _on(parts, parts["bridge"].do_measured, measured, ["session"], ["measured"])


def _data(event: gr.EventData, name: str) -> str:
    """A field of what the script reported, "" where it is missing."""
    value = (event._data or {}).get(name)
    return "" if value is None else str(value)
