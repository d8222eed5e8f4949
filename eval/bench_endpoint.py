"""A model that always says the same at the same pace: an OpenAI-compatible server.

    with serving() as base_url: ...        # in a process of its own

It waits FIRST seconds before its first piece and PACE seconds between pieces, so that what a
program adds to that is the program's own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["MODEL", "bare_first_piece", "main", "serving"]

MODEL = "bench-scripted"
CONTEXT = 32_768
FIRST = 0.030
PACE = 0.002
REPLY = "The first passage says it in so many words [1]. 第二段也这样说，没有别的说法 [2]。"
STEP = 4  # characters a piece


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        model = {"id": MODEL, "object": "model", "owned_by": "vllm", "max_model_len": CONTEXT}
        known = self.path == "/v1/models"
        self._whole({"object": "list", "data": [model]} if known else {}, 200 if known else 404)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        asked = json.loads(self.rfile.read(length) or b"{}")
        time.sleep(FIRST)
        if not asked.get("stream"):
            message = {"role": "assistant", "content": REPLY}
            self._whole(_completion({"message": message, "finish_reason": "stop"}), 200)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(REPLY), STEP):
            if at:
                time.sleep(PACE)
            delta = {"role": "assistant", "content": REPLY[at : at + STEP]}
            self._event(json.dumps(_completion({"delta": delta, "finish_reason": None})))
        self._event(json.dumps(_completion({"delta": {}, "finish_reason": "stop"})))
        self._event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, data: str) -> None:
        body = f"data: {data}\n\n".encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(body), body))
        self.wfile.flush()

    def _whole(self, value: object, status: int) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _completion(choice: dict[str, object]) -> dict[str, object]:
    kind = "chat.completion.chunk" if "delta" in choice else "chat.completion"
    base = {"id": "bench", "object": kind, "created": 0, "model": MODEL}
    return {**base, "choices": [{"index": 0, **choice}]}


@contextmanager
def serving() -> Iterator[str]:
    """The base URL of a server that runs in a process of its own until the end."""
    command = [sys.executable, "-m", "eval.bench_endpoint"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(process.stdout.readline()) if process.stdout else 0
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


def bare_first_piece(base_url: str, prompt: str, times: int) -> list[float]:
    """Seconds until the first piece of an answer, asked over a bare kept-alive connection."""
    import httpx

    message = {"role": "user", "content": prompt}
    body = {"model": MODEL, "messages": [message], "stream": True}
    found = []
    with httpx.Client(trust_env=False) as client:
        for _ in range(times):
            since = time.perf_counter()
            with client.stream("POST", f"{base_url}/chat/completions", json=body) as reply:
                lines = reply.iter_lines()
                next(lines)
                found.append(time.perf_counter() - since)
                for _ in lines:
                    pass
    return found


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: object) -> None:
        """A program that was measured may hang up when it has read what it needs."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def main() -> None:
    """Serve on a free loopback port, which is printed first."""
    server = _Server(("127.0.0.1", 0), _Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
