"""An OpenAI-compatible HTTP server on a loopback port that answers as it is told.

It is real: bytes go over a socket, cut where the script cuts them, with the delays, the broken
connections, the status codes and the wordings of the servers that people run.

    with ScriptedEndpoint(answer("Five layers [1].")) as endpoint:
        settings = Settings(llm_base_url=endpoint.base_url, llm_model=endpoint.model)
"""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

MODEL = "scripted-1"
BREAK = object()
"""In a body: cut the connection here."""

Part = bytes | float | object
"""A piece of a body that is sent at once, seconds of silence, or BREAK."""


@dataclass(frozen=True)
class Reply:
    """One response: its body part by part."""

    parts: Sequence[Part]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream; charset=utf-8"


@dataclass
class Request:
    """What came in; `gone` is set when the other side closed before the answer's end."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    at: float
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def prompt(self) -> str:
        """All messages of a chat request as one text."""
        return "\n".join(str(message["content"]) for message in self.body["messages"])


Script = Reply | Callable[[Request], Reply]


class ScriptedEndpoint:
    """Replies in the order given, the last one for ever; a callable makes its reply from the
    request. `pages` are the JSON bodies of GET requests by path."""

    model = MODEL

    def __init__(self, *replies: Script, pages: Mapping[str, Any] | None = None) -> None:
        self.replies = list(replies) or [answer("ready")]
        self.pages = dict(pages if pages is not None else models("vllm", MODEL))
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        endpoint = self

        class Handler(_Handler):
            scripted = endpoint

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.root}/v1"

    @property
    def chats(self) -> list[Request]:
        """The chat requests so far."""
        return [request for request in self.requests if request.path.endswith("/chat/completions")]

    def reply_to(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            if request.method == "GET":
                return self._page(request.path)
            script = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return script if isinstance(script, Reply) else script(request)

    def _page(self, path: str) -> Reply:
        page = self.pages.get(path)
        if page is None:
            return error(404, "no such page")
        return page if isinstance(page, Reply) else whole(page)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is a part of the script."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scripted: ScriptedEndpoint
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer("GET", None)

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        self._answer("POST", json.loads(self.rfile.read(length) or b"null"))

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _answer(self, method: str, body: Any) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(method, self.path, headers, body, time.monotonic())
        reply = self.scripted.reply_to(request)
        begun = False
        for part in reply.parts:
            if isinstance(part, float):
                if self._left(part):
                    request.gone.set()
                    self.close_connection = True
                    return
                continue
            if not begun:
                self._begin(reply)
                begun = True
            if part is BREAK:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            assert isinstance(part, bytes)
            if part and not self._send(b"%x\r\n%s\r\n" % (len(part), part)):
                request.gone.set()
                return
        if not begun:
            self._begin(reply)
        self._send(b"0\r\n\r\n")

    def _begin(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, data: bytes) -> bool:
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except OSError:
            self.close_connection = True
            return False
        return True

    def _left(self, seconds: float) -> bool:
        """Wait; whether the other side closed in the meantime."""
        until = time.monotonic() + seconds
        while (rest := until - time.monotonic()) > 0:
            ready, _, _ = select.select([self.connection], [], [], rest)
            if ready:
                try:
                    return not self.connection.recv(1, socket.MSG_PEEK)
                except OSError:
                    return True
        return False


# --- replies ---


def event(data: object) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


def chunk(finish_reason: str | None = None, **delta: object) -> dict[str, Any]:
    """One chunk of a chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }


def answer(  # one keyword for each thing that a server may do
    text: str | Sequence[str],
    *,
    reasoning: str | Sequence[str] = (),
    reasoning_key: str = "reasoning_content",
    finish_reason: str | None = "stop",
    usage: tuple[int, int] | None = None,
    done: bool = True,
    before: float = 0.0,
    between: float = 0.0,
    break_off: bool = False,
    cut: Callable[[bytes], Sequence[bytes]] | None = None,
) -> Reply:
    """A streamed answer. `cut` takes the whole stream and gives it in pieces; `usage` is (prompt,
    completion) tokens; `before` and `between` are seconds of silence."""
    events = [event(chunk(role="assistant", content=""))]
    events += [event(chunk(**{reasoning_key: piece})) for piece in _pieces(reasoning)]
    events += [event(chunk(content=piece)) for piece in _pieces(text)]
    if finish_reason:
        events.append(event(chunk(finish_reason)))
    if usage:
        prompt, completion = usage
        tokens = {"prompt_tokens": prompt, "completion_tokens": completion}
        tokens["total_tokens"] = prompt + completion
        events.append(event({**chunk(), "choices": [], "usage": tokens}))
    if done:
        events.append(b"data: [DONE]\n\n")
    pieces = cut(b"".join(events)) if cut else events
    parts: list[Part] = [before] if before else []
    for at, piece in enumerate(pieces):  # the first event only opens the answer
        parts += [between, piece] if between and at > 1 else [piece]
    return Reply([*parts, BREAK] if break_off else parts)


def whole(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON body in one piece."""
    data = json.dumps(body, ensure_ascii=False).encode()
    return Reply([data], status, headers or {}, "application/json")


def completion(text: str, finish_reason: str = "stop") -> Reply:
    """An answer from a server that does not stream."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": MODEL}
    return whole({**body, "choices": [choice], "usage": usage})


def error(
    status: int, message: str = "", code: str = "", headers: Mapping[str, str] | None = None
) -> Reply:
    """A refusal in OpenAI's form."""
    return whole({"error": {"message": message, "code": code, "type": ""}}, status, headers)


def page(html: str = "<html><body><h1>Hello</h1></body></html>", status: int = 200) -> Reply:
    """A web page, as proxies and wrong addresses give."""
    return Reply([html.encode()], status, {}, "text/html; charset=utf-8")


def silence(seconds: float) -> Reply:
    """Nothing for a while, then an answer."""
    return answer("late", before=seconds)


def hang_up() -> Reply:
    """The connection ends where an answer should begin."""
    return Reply([BREAK])


# What servers say of a prompt that is too long: status, words, and what the body holds besides.
TOO_LONG: Mapping[str, tuple[int, str, Mapping[str, object]]] = {
    "openai": (
        400,
        (
            "This model's maximum context length is {limit} tokens. However, your messages"
            " resulted in {asked} tokens. Please reduce the length of the messages."
        ),
        {"code": "context_length_exceeded", "type": "invalid_request_error"},
    ),
    "vllm": (
        400,
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 1024. This model's maximum"
            " context length is {limit} tokens and your request has {asked} input tokens (1024 >"
            " {limit} - {asked}). None"
        ),
        {"object": "error", "type": "BadRequestError", "param": None, "code": 400},
    ),
    "vllm-old": (
        400,
        (
            "This model's maximum context length is {limit} tokens. However, you requested {asked}"
            " tokens (2848 in the messages, 100 in the completion). Please reduce the length of the"
            " messages or completion."
        ),
        {"object": "error", "type": "BadRequestError", "code": 400},
    ),
    "llamacpp": (
        400,
        (
            "request ({asked} tokens) exceeds the available context size ({limit} tokens), try"
            " increasing it"
        ),
        {"type": "exceed_context_size_error", "code": 400, "n_prompt_tokens": 2948},
    ),
    "llamacpp-old": (
        500,
        "the request exceeds the available context size. try increasing the context size",
        {},
    ),
    "ollama": (400, "the input length exceeds the context length", {}),
    "ollama-prompt": (500, "prompt too long; exceeded max context length by 900 tokens", {}),
    "lmstudio": (
        400,
        (
            "Trying to keep the first {asked} tokens when context the overflows. However, the"
            " model is loaded with context length of only {limit} tokens, which is not enough. Try"
            " to load the model with a larger context length, or provide a shorter input"
        ),
        {},
    ),
    "tgi": (
        422,
        (
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= {limit}. Given:"
            " {asked} `inputs` tokens and 100 `max_new_tokens`"
        ),
        {},
    ),
    "anthropic": (400, "prompt is too long: {asked} tokens > {limit} maximum", {}),
    "mistral": (
        400,
        (
            "Prompt contains {asked} tokens and 0 draft tokens, too large for model with {limit}"
            " maximum context length"
        ),
        {},
    ),
    "vllm-length": (
        400,
        (
            "The decoder prompt (length {asked}) is longer than the maximum model length of"
            " {limit}. Make sure that `max_model_len` is no smaller than the number of text tokens."
        ),
        {"object": "error", "type": "BadRequestError", "code": 400},
    ),
    "lmstudio-size": (400, "Context size has been exceeded.", {}),
    "anthropic-sum": (
        400,
        (
            "input length and `max_tokens` exceed context limit: {asked} + 1024 > {limit},"
            " decrease input length or `max_tokens` and try again"
        ),
        {"type": "invalid_request_error"},
    ),
    "moonshot": (
        400,
        "Invalid request: Your request exceeded model token limit: {limit} (requested: {asked})",
        {"type": "invalid_request_error"},
    ),
    "cohere": (
        400,
        (
            "too many tokens: total number of tokens in this prompt cannot exceed {limit} —"
            " received {asked}. Try using a shorter prompt, or a smaller max_tokens value."
        ),
        {},
    ),
    "dashscope": (400, "Range of input length should be [1, {limit}]", {"code": "Invalid"}),
    "zhipu": (400, "Prompt 超长", {"code": "1261"}),
    "bedrock": (400, "Input is too long for requested model.", {}),
    "tabby": (400, "Prompt length {asked} is greater than max_seq_len {limit}", {}),
    "too-large": (413, "Payload Too Large", {}),
}
OVERFLOWS = (*TOO_LONG, "in-stream")


def overflow(server: str, limit: int = 2048) -> Reply:
    """A prompt that is too long, in the words of each server; vLLM's body has no "error" around."""
    status, words, more = TOO_LONG["openai" if server == "in-stream" else server]
    body = {**more, "message": words.format(limit=limit, asked=limit + 900)}
    if server == "in-stream":
        return Reply([event({"error": body})])
    return whole(body if server.startswith("vllm") else {"error": body}, status)


def models(
    server: str, *ids: str, context: int = 4096, loaded: Sequence[str] = ()
) -> dict[str, Any]:
    """The pages by which a server of a kind is known, with its model list."""
    entries = [{"id": name, "object": "model"} for name in ids]
    listed = {"object": "list", "data": entries}

    def owned(owner: str, **more: object) -> dict[str, Any]:
        data = [{**entry, "owned_by": owner, **more} for entry in entries]
        return {"/v1/models": {"object": "list", "data": data}}

    if server == "ollama":
        running = [{"name": name, "model": name, "context_length": context} for name in loaded]
        return owned("library", created=1) | {"/api/ps": {"models": running}}
    if server == "lmstudio":
        states = [
            {
                "id": name,
                "type": "embeddings" if "embed" in name else "llm",
                "state": "loaded" if name in loaded else "not-loaded",
                **({"loaded_context_length": context} if name in loaded else {}),
            }
            for name in ids
        ]
        return owned("organization_owner") | {"/api/v0/models": {"data": states}}
    if server == "vllm":
        return owned("vllm", max_model_len=context, root="x", permission=[])
    if server == "llamacpp":
        props = {"default_generation_settings": {"n_ctx": context}}
        return owned("llamacpp", meta={"n_ctx_train": 131072}) | {"/props": props}
    return {"/v1/models": listed}


def _pieces(text: str | Sequence[str]) -> Sequence[str]:
    """A text as a model gives it, some characters at a time."""
    return [text[at : at + 3] for at in range(0, len(text), 3)] if isinstance(text, str) else text
