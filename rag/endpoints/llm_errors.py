"""What went wrong at an endpoint, as a typed error with a remedy, and whether to try again.

Servers agree on little but status codes, so what a refusal means is read from its words: OpenAI,
vLLM, llama.cpp, Ollama, LM Studio, TGI, Mistral, Anthropic and others each have their own for a
prompt that is too long.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from rag.endpoints.endpoint import Endpoint
from rag.endpoints.response import ServerSaid
from rag.errors import (
    ContextOverflow,
    EndpointDenied,
    EndpointError,
    EndpointTimeout,
    EndpointUnreachable,
    ModelNotFound,
    RateLimited,
    ServerFault,
    StreamBroken,
)
from rag.redact import redact, without_userinfo

__all__ = ["Failure", "failures", "model_not_found", "retry_after", "understand"]

BACK_OFF_SECONDS = 0.5

TOO_LONG = re.compile(
    r"context[ _](?:length|size|window)|maximum context|exceed_context_size|context the overflows"
    r"|prompt (?:is )?too long|prompt \(total length \d+\) is too long|input length exceeds"
    r"|input token count|`inputs` tokens \+|too large for model with|max_tokens must be at least 1"
    r"|tokens to keep from the initial prompt|reduce the length of the (?:messages|prompt|input)"
    r"|longer than the maximum model length|exceed context limit|exceeded model token limit"
    r"|too many tokens:|range of input length|(?:prompt|输入|輸入) ?(?:超长|超長|过长|過長)"
    r"|input is too long|greater than max_seq_len",
    re.IGNORECASE,
)
# The number in such a message that is the limit, not what was asked for.
LIMIT = re.compile(
    r"(?:maximum context length (?:is|of)|context length of only|context size \(|available context"
    r" size of|model with|> |must be <= ?|n_ctx[\"': =]+|maximum model length of|token limit:"
    r"|cannot exceed|range of input length should be \[\d+, ?|max_seq_len(?: of)?)\s*(\d{3,8})",
    re.IGNORECASE,
)
NO_MODEL = re.compile(
    r"model_not_found|model\b.{0,120}?(?:not (?:found|exist|available|loaded)|n't exist|not exist"
    r"|is not a valid model|no such model)|(?:no|not a valid|invalid|unknown) models?\b",
    re.IGNORECASE | re.DOTALL,
)
NO_CREDIT = re.compile(
    r"insufficient_quota|exceeded your current quota|\bcredits?\b|\bbilling\b|\bbalance\b",
    re.IGNORECASE,
)
# Such a message may name the page where one can pay for more.
TOO_OFTEN = re.compile(
    r"(?:try again|retry) in \d|\bper (?:second|minute|hour|day)\b|\b[RT]P[MDS]\b", re.IGNORECASE
)
NOT_FOUND = re.compile(
    r"\W*(?:error\W*)?(?:404\W*)?(?:(?:page |url |path )?not found\W*)*", re.IGNORECASE
)
PASSING = re.compile(
    r"overloaded|temporarily|unavailable|try again|rate.?limit|too many requests"
    r"|\b(?:408|429|50[0234]|529)\b",
    re.IGNORECASE,
)
SECONDS = re.compile(r"\d{1,12}(?:\.\d{1,12})?")  # more digits are no number of seconds
DEEPEST = 4
"""Levels of a body that are read for words."""
OPTIONAL = ("stream_options", "response_format", "temperature", "max_tokens")
OPTIONAL_WORDS: Mapping[str, re.Pattern[str]] = {
    "stream_options": re.compile("stream_options|include_usage"),
    "response_format": re.compile(
        "response_format|json_schema|structured output|guided|grammar|schema", re.IGNORECASE
    ),
    "temperature": re.compile("temperature"),
    "max_tokens": re.compile("max_completion_tokens"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A typed error, and what can be done about it without asking anybody.

    `retry_after` is in seconds, as the server asks, or None.
    """

    error: EndpointError
    status: int = 0
    transient: bool = False
    retry_after: float | None = None
    missing_model: bool = False
    said: str = ""

    def wait(self, sent: int) -> float:
        """Seconds to wait before sending again, after `sent` failures before this one."""
        if self.retry_after is not None:
            return self.retry_after
        # Jitter, so that many pages do not come back at the same instant.
        return float(BACK_OFF_SECONDS * 2**sent * random.uniform(0.8, 1.2))  # noqa: S311  # no secret

    def refused_parameter(self, parameters: Mapping[str, Any]) -> str:
        """The optional parameter that the server says it does not take, or ""."""
        if self.status not in (400, 422, 501) or isinstance(self.error, ContextOverflow):
            return ""
        named = (name for name in OPTIONAL if name in parameters)
        return next((name for name in named if OPTIONAL_WORDS[name].search(self.said)), "")


def failures() -> tuple[type[Exception], ...]:
    """The exceptions in which a request can end: openai's, httpx's, and unreadable bytes.

    A ValueError is bytes that are no UTF-8 or no JSON.
    """
    import httpx
    import openai

    theirs = (openai.APIError, httpx.HTTPError, httpx.StreamError)
    return (*theirs, ValueError, ServerSaid, EndpointError)


def understand(error: Exception, endpoint: Endpoint, started: bool) -> Failure:
    """The failure behind an exception; `started` when a part of the answer was already shown."""
    import httpx
    import openai

    if isinstance(error, EndpointError):
        return Failure(error, transient=isinstance(error, StreamBroken))
    if isinstance(error, openai.APIStatusError):
        return _status(error, endpoint)
    if isinstance(error, (openai.APITimeoutError, httpx.TimeoutException)):
        return Failure(_timeout(error, endpoint, started))
    if isinstance(error, openai.APIConnectionError):
        return _connection(error, endpoint)
    if isinstance(error, ServerSaid):
        return _reported(error, endpoint, started)
    if isinstance(error, httpx.HTTPError):
        return Failure(_broken(endpoint, f"({_reason(error, endpoint)})"), transient=True)
    if started:
        return Failure(_broken(endpoint, "with what is no event stream"))
    return Failure(
        ServerFault(
            f"{endpoint.host} answered with what is no chat completion.",
            "Is the base URL that of an OpenAI-compatible endpoint? It usually ends in /v1.",
        )
    )


def model_not_found(endpoint: Endpoint, models: Sequence[str]) -> ModelNotFound:
    """The error for a missing model, with the models that there are."""
    if endpoint.model in models:
        return ModelNotFound(
            f"{endpoint.host} lists the model {endpoint.model}, yet answers that there is none.",
            "Correct the base URL: it usually ends in /v1.",
        )
    what = f"{endpoint.host} has no model {endpoint.model!r}."
    if not models:
        return ModelNotFound(
            what,
            f"Correct the model's name or the base URL ({without_userinfo(endpoint.base_url)}).",
        )
    listed = ", ".join(models[:20]) + (" …" if len(models) > 20 else "")
    return ModelNotFound(what, f"There are: {listed}.")


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that a response asks to wait: Retry-After as seconds or as an HTTP date (RFC 9110,
    10.2.3), or OpenAI's retry-after-ms. None when it does not ask or cannot be read."""
    milliseconds = headers.get("retry-after-ms", "")
    if SECONDS.fullmatch(milliseconds):
        return float(milliseconds) / 1000
    value = headers.get("retry-after", "").strip()
    if SECONDS.fullmatch(value):
        return float(value)
    try:
        then = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError):
        return None
    return max(then - (time.time() if now is None else now), 0.0)


def _status(error: Any, endpoint: Endpoint) -> Failure:
    status = int(error.status_code)
    said = _said(error)
    # llama.cpp and Ollama said it with a 500.
    if status == 413 or (status != 429 and TOO_LONG.search(said)):
        return Failure(_too_long(said, endpoint), status, said=said)
    if _no_such_model(status, said, endpoint):
        return Failure(model_not_found(endpoint, ()), status, missing_model=True, said=said)
    if status in (401, 402, 403, 429):
        return _denied(error, endpoint, said)
    if 300 <= status < 400:
        where = _redacted(error.response.headers.get("location", "elsewhere"), endpoint)[:200]
        what = f"{endpoint.host} redirects to {where}; passages go only to the host that was named."
        return Failure(ServerFault(what, "Set the base URL to the final address."), status)
    shown = _shown(said, endpoint)
    if status >= 500 or status in (408, 409, 425):
        do = "Ask again later, or look at the server's log."
        failed = ServerFault(f"{endpoint.host} failed ({status}){shown}", do)
        return Failure(failed, status, True, retry_after(error.response.headers))
    refused = f"{endpoint.host} refused the request ({status}){shown}"
    do = "Check the endpoint and its model."
    if status == 404:
        do = "Check the model's name and the base URL, which usually ends in /v1."
    return Failure(ServerFault(refused, do), status, said=said)


def _no_such_model(status: int, said: str, endpoint: Endpoint) -> bool:
    """Whether a refusal says that there is no such model; a bare 404 does, other words may not."""
    if status not in (400, 404, 422):
        return False
    if NO_MODEL.search(said) is not None:
        return True
    return status == 404 and (NOT_FOUND.fullmatch(said) is not None or endpoint.model in said)


def _denied(error: Any, endpoint: Endpoint, said: str) -> Failure:
    """No key, no credit, or too often."""
    status, host, shown = int(error.status_code), endpoint.host, _shown(said, endpoint)
    if status in (401, 403):
        do = f"Check the key that belongs to {endpoint.origin}."
        refused = f"{host} refused the key ({status}){shown}"
        return Failure(EndpointDenied(refused, do, variables=[endpoint.origin]), status)
    if status == 402 or (NO_CREDIT.search(said) and not TOO_OFTEN.search(said)):
        do = "Top up the account, or use another endpoint."
        return Failure(RateLimited(f"{host} says there is no credit ({status}){shown}", do), status)
    asked = retry_after(error.response.headers)
    when = f" It asks to wait {asked:.0f} s." if asked else ""
    rate = RateLimited(f"{host} gets too many requests (429){shown}{when}", "Ask again later.")
    return Failure(rate, status, True, asked)


def _shown(said: str, endpoint: Endpoint) -> str:
    return f": {_short(said, endpoint)}" if said else "."


def _reported(error: ServerSaid, endpoint: Endpoint, started: bool) -> Failure:
    said = _said(error)
    if TOO_LONG.search(said) and not started:
        return Failure(_too_long(said, endpoint), 400, said=said)
    if started:
        return Failure(_broken(endpoint, f"with an error: {_short(said, endpoint)}"))
    what = f"{endpoint.host} answered with an error: {_short(said, endpoint)}"
    passing = PASSING.search(said) is not None and not NO_CREDIT.search(said)
    fault = ServerFault(what, "Ask again later, or look at the server's log.")
    return Failure(fault, transient=passing, said=said)


def _connection(error: Any, endpoint: Endpoint) -> Failure:
    import httpx

    cause = error.__cause__
    if isinstance(cause, httpx.ConnectError) and "CERTIFICATE_VERIFY_FAILED" in str(cause):
        what = f"{endpoint.host} shows a certificate that is not trusted ({cause})."
        do = "Name the file of the authority that signed it: SSL_CERT_FILE=…"
        return Failure(EndpointUnreachable(what, do))
    if isinstance(cause, httpx.ConnectError) or cause is None:
        what = f"Nothing answers at {endpoint.host} ({_reason(cause, endpoint)})."
        do = f"Start the server, or correct the address that {endpoint.origin} gives."
        return Failure(EndpointUnreachable(what, do, variables=[endpoint.origin]))
    # The connection was there and broke before an answer came: often a kept one, gone stale.
    return Failure(_broken(endpoint, f"({_reason(cause, endpoint)})"), transient=True)


def _timeout(error: Exception, endpoint: Endpoint, started: bool) -> EndpointError:
    import httpx

    cause = error.__cause__ or error
    if isinstance(cause, httpx.ConnectTimeout):
        return EndpointTimeout(
            f"{endpoint.host} does not accept a connection.", "Check the address and the network."
        )
    when = "in the middle of its answer" if started else "before its answer"
    return EndpointTimeout(
        f"{endpoint.host} went silent {when}.",
        "Ask again, raise RAG_LLM_TIMEOUT (seconds), or use a faster model.",
    )


def _broken(endpoint: Endpoint, how: str) -> StreamBroken:
    what = f"The answer from {endpoint.host} broke off before its end {how}"
    return StreamBroken(what.rstrip(".") + ".", "Ask again.")


def _too_long(said: str, endpoint: Endpoint) -> ContextOverflow:
    found = LIMIT.search(said)
    limit = int(found[1]) if found else 0
    shown = f" ({limit} tokens)" if limit else ""
    error = ContextOverflow(
        f"The prompt is longer than {endpoint.model} at {endpoint.host} takes{shown}.",
        "Set RAG_LLM_CONTEXT to the model's context, or ask for fewer passages (RAG_K).",
        variables=["RAG_K"],
    )
    error.limit = limit
    return error


def _said(error: Any) -> str:
    """The server's own words with its code, as far as they are words and not a web page."""
    text = _words(error.body).strip()
    return "" if text.startswith("<") else text


def _words(body: object, depth: int = 0) -> str:
    """What a body says, whichever form it has: Google's is a list of one, FastAPI's names what is
    wrong in a list of its own."""
    if isinstance(body, Sequence) and not isinstance(body, str) and depth < DEEPEST:
        return "; ".join(filter(None, (_words(part, depth + 1) for part in body)))
    if not isinstance(body, Mapping) or depth >= DEEPEST:
        return str(body or "")
    inner = body.get("error")
    if isinstance(inner, Mapping) and inner:
        return _words(inner, depth + 1)
    where = body.get("loc")
    words = [".".join(map(str, where)) if isinstance(where, Sequence) else ""]
    names = ("message", "msg", "detail", "error", "code", "type", "param")
    words += [_words(body.get(name), depth + 1) for name in names]
    words.append(f"n_ctx={body['n_ctx']}" if body.get("n_ctx") else "")
    unknown = str(dict(body)) if any(body.values()) else ""
    return " ".join(filter(None, words)) or unknown


def _short(said: str, endpoint: Endpoint) -> str:
    """At most 300 characters on one line, and never the key."""
    return _redacted(" ".join(said.split()), endpoint)[:300].rstrip(".") + "."


def _reason(error: BaseException | None, endpoint: Endpoint) -> str:
    """The innermost plain reason, such as "Connection refused"."""
    while error is not None and error.__cause__ is not None:
        error = error.__cause__
    text = str(error or "").strip()
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
    return _redacted(text, endpoint)[:200] or type(error).__name__


def _redacted(text: str, endpoint: Endpoint) -> str:
    return redact(text, endpoint.api_key.get_secret_value(), endpoint.base_url)
