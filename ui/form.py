"""The settings view: the form as it is kept, saved or tried, and the banner on who answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from rag.config import Settings
from rag.endpoints.endpoint import Endpoint, find_endpoint, list_models
from rag.errors import ConfigError, RagError
from ui.desk import Desk
from ui.preferences import Preferences
from ui.render import Failure, error_html, labelled
from ui.session import Patch, Session
from ui.texts import Say
from ui.views import Banner, banner_html, notice_html

__all__ = ["Form"]


OF_AN_ENDPOINT = ("RAG_LLM_BASE_URL", "RAG_LLM_MODEL", "RAG_LLM_API_KEY")
"""Their fields are seen, and count, where the form's own endpoint is to answer."""


class Form:
    """The settings of a data directory, which all its pages share."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._found: tuple[Settings, Endpoint | RagError | None] | None = None

    def view(self, session: Session) -> Patch:
        """The form as it is kept, never with a key; or why what is kept does not count."""
        preferences = self._desk.preferences
        kept, fault = preferences.settings(), preferences.fault
        use = "off" if kept.llm == "off" else "endpoint" if kept.llm_base_url else "auto"
        return {
            "form": {
                "use": use,
                "endpoint": kept.llm_base_url,
                "model": kept.llm_model,
                "key": "",
                "k": kept.k,
                "policy": kept.unsupported,
            },
            "key_note": session.say(_key_note(preferences)),
            **({"outcome": error_html(_told(fault), session.say, retry=False)} if fault else {}),
        }

    def save(self, form: Mapping[str, Any], session: Session) -> Patch:
        """Keep the form; new questions are answered with it."""
        try:
            settings = self._desk.preferences.keep(**_changes(form, self._desk.preferences.given))
            self._desk.replace(settings)
        except RagError as error:
            return {"outcome": _fault(error, session.say, form)}
        return self._saved(session)

    def reset(self, session: Session) -> Patch:
        """Forget what was set on the page: `RAG_*` variables count again."""
        try:
            self._desk.replace(self._desk.preferences.reset())
        except RagError as error:
            return {"outcome": _fault(error, session.say)}
        return self._saved(session)

    def _saved(self, session: Session) -> Patch:
        say = session.say
        return {
            **self.view(session),
            "banner": self.banner_html(say),
            "outcome": notice_html((say("saved"),), (), say),
        }

    def models(self, form: Mapping[str, Any], session: Session) -> Patch:
        """The models that the endpoint in the form lists."""
        say, preferences = session.say, self._desk.preferences
        try:
            # A model's name is made up where there is none: it is not needed for asking the list.
            endpoint = find_endpoint(
                preferences.tried(
                    **_changes({**form, "model": form["model"] or "-"}, preferences.given)
                )
            )
            if endpoint is None:
                raise ConfigError(say("need-endpoint"), say("need-endpoint-do"))
            names = list_models(endpoint)
        except RagError as error:
            return {"outcome": _fault(error, say, form)}
        told = say("models-found", n=len(names)) if names else say("models-none")
        return {"models": names, "outcome": notice_html((told,), (), say)}

    def test(self, form: Mapping[str, Any], session: Session) -> Patch:
        """Whether the endpoint in the form answers, in one sentence."""
        from rag.llm import LLM

        say = session.say
        try:
            settings = self._desk.preferences.tried(**_changes(form, self._desk.preferences.given))
            endpoint = find_endpoint(settings)
            if endpoint is None:
                told = say("test-off" if settings.llm == "off" else "test-none")
                return {"outcome": notice_html((told,), (), say)}
            began = time.perf_counter()
            with closing(LLM(endpoint, settings)) as llm:
                llm.complete([{"role": "user", "content": "Say: ok"}])
                spent = round(1000 * (time.perf_counter() - began))
        except RagError as error:
            return {"outcome": _fault(error, say, form)}
        told = say("test-ok", model=endpoint.model, host=endpoint.host, ms=spent)
        return {"outcome": notice_html((told,), (), say)}

    def banner_html(self, say: Say) -> str:
        """Which model answers. Looked for once for each settings: looking may take 0.3 s."""
        settings = self._desk.settings
        if self._found is None or self._found[0] != settings:
            self._found = (settings, _found(settings))
        found = self._found[1]
        if isinstance(found, Endpoint):
            return banner_html(Banner(found.model, found.host), say)
        fault = self._desk.preferences.fault
        if fault:
            hint = labelled(str(fault), fault.variables, say)
        else:
            hint = labelled(str(found or ""), self._desk.preferences.variables, say)
        return banner_html(Banner(hint=hint), say)


def _fault(error: RagError, say: Say, form: Mapping[str, Any] | None = None) -> str:
    """An error in the settings, where there is no need to lead to them. It names the fields of the
    form that they are from; a hidden field is none of them."""
    hidden = () if form and form["use"] == "endpoint" else OF_AN_ENDPOINT
    named = [name for name in error.variables if form and name not in hidden]
    return error_html(Failure(error.what, error.do, variables=named), say, retry=False)


def _told(fault: ConfigError) -> Failure:
    """An error in the settings that are kept, which are all the form's."""
    return Failure(fault.what, fault.do, variables=fault.variables)


def _found(settings: Settings) -> Endpoint | RagError | None:
    try:
        return find_endpoint(settings)
    except RagError as error:
        return error


def _changes(form: Mapping[str, Any], given: Settings) -> dict[str, Any]:
    """The form's fields as settings; None forgets what was set here, so that `given` counts."""
    common = {"k": int(form["k"]), "unsupported": form["policy"]}
    if form["use"] == "endpoint":
        if not str(form["endpoint"] or "").strip():
            raise ConfigError("There is no endpoint.", "Enter its address, up to and with /v1.")
        return {
            "llm": "auto",
            "llm_base_url": form["endpoint"].strip(),
            "llm_model": (form["model"] or "").strip(),
            "llm_api_key": form["key"] or "",
            **common,
        }
    nothing = {"llm_base_url": None, "llm_model": None, "llm_api_key": None}
    found = "auto" if given.llm == "off" else None
    return {"llm": "off" if form["use"] == "off" else found, **nothing, **common}


def _key_note(preferences: Preferences) -> str:
    if preferences.key_kept:
        return "key-kept"
    return "key-given" if preferences.key_given else "key-none"
