"""What was found, what was chosen, which host will see passages, and whether it works."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

from rag.config import Settings
from rag.endpoints.connect import is_loopback
from rag.errors import RagError
from rag.parts import Parts
from rag.redact import without_userinfo
from rag.search.rerank import find_reranker

__all__ = ["Check", "Report", "examine"]

PACKAGES = ("llama-index-core", "chromadb", "openai", "gradio", "tiktoken", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `ok` is False only where something does not work."""

    name: str
    ok: bool
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that was looked at."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether everything works."""
        return all(check.ok for check in self.checks)


def examine(parts: Parts) -> Report:
    """Look at every part, and go on where one of them fails."""
    checks: list[Check] = []
    for name, look in (
        ("versions", _versions),
        ("index", _index),
        ("encoders", _encoders),
        ("model", _model),
        ("judge", _judge),
        ("reranker", _reranker),
    ):
        try:
            checks += look(parts)
        except RagError as error:
            checks.append(Check(name, False, str(error)))
    return Report(tuple(checks))


def _versions(parts: Parts) -> Iterator[Check]:
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    machine = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Check("versions", True, ", ".join([machine, *versions]))
    yield Check("data", True, str(parts.settings.data_dir))


def _index(parts: Parts) -> Iterator[Check]:
    parts.index.catalog.examine()
    essays = parts.index.catalog.essays()
    if not essays:
        yield Check("index", True, "empty: read in a folder with rag ingest PATH")
        return
    _ = parts.retriever, parts.dense  # opens, compares the manifest, makes the indexes agree
    passages = sum(essay.passages for essay in essays)
    yield Check("index", True, f"{len(essays)} essays, {passages} passages; all parts agree")


def _encoders(parts: Parts) -> Iterator[Check]:
    if url := parts.settings.embed_base_url:
        yield _sees(url, "to embed them")
    for role, encoder in (
        ("passages", parts.encoders.passage),
        ("sentences", parts.encoders.sentence),
    ):
        encoder.query("?")
        began = perf_counter()
        encoder.query("What does this essay say?")
        spent = (perf_counter() - began) * 1000
        yield Check(f"encoder for {role}", True, f"{encoder.name}, a question in {spent:.0f} ms")


def _model(parts: Parts) -> Iterator[Check]:
    survey = parts.survey
    for finding in survey.findings:
        models = f" ({', '.join(finding.models[:5])})" if finding.models else ""
        chosen = ", chosen" if finding.chosen else ""
        note = f"; {finding.note}" if finding.note else ""
        yield Check("found", True, f"{finding.title} at {finding.base_url}{models}{chosen}{note}")
    for hint in survey.hints:
        yield Check("hint", True, hint)
    if parts.llm is None:
        stays = "" if _remote(parts.settings) else ". No passage leaves this machine"
        yield Check("model", True, f"none: answers are quotes{stays}")
        return
    endpoint = parts.llm.endpoint
    seen = "stays on this machine" if endpoint.local else f"{endpoint.host} will see passages"
    yield Check("privacy", True, f"{endpoint}: {seen}")
    check = parts.llm.check()
    spent = f" ({check.milliseconds:.0f} ms)" if check.works else ""
    yield Check("model", check.works, f"{check.message}{spent}")


def _remote(settings: Settings) -> bool:
    """Whether passages leave the machine without a model: to be embedded or ranked."""
    reranker = find_reranker(settings)
    urls = (settings.embed_base_url, reranker.base_url if reranker else "")
    return any(url and not is_loopback(url) for url in urls)


def _sees(url: str, why: str) -> Check:
    """Who sees passages besides the model."""
    stays = ", on this machine" if is_loopback(url) else ""
    return Check("privacy", True, f"{without_userinfo(url)} sees passages {why}{stays}")


def _judge(parts: Parts) -> Iterator[Check]:
    if parts.settings.judge == "off":
        yield Check("judge", True, "off: sentences are checked without a model")
    elif parts.judge is None:
        yield Check(
            "judge", False, "RAG_JUDGE=same, but no model answers. Name one, or set it off."
        )
    elif parts.llm is None:
        yield Check("judge", True, "not asked: answers are quotes")
    else:
        judge = parts.judge
        if judge.endpoint.base_url:
            yield _sees(judge.endpoint.base_url, "to check sentences against them")
        check = judge.check()
        spent = f" ({check.milliseconds:.0f} ms)" if check.works else ""
        yield Check("judge", check.works, f"{check.message}{spent}")


def _bundled(parts: Parts) -> str:
    """When the bundled reader puts passages in order."""
    if parts.reranks(quotes=False):
        return "the bundled reader (RAG_RERANK=always)"
    return "the bundled reader, without a model" if parts.reranks(quotes=True) else "off"


def _reranker(parts: Parts) -> Iterator[Check]:
    reranker = find_reranker(parts.settings)
    if reranker is None:
        yield Check("reranker", True, _bundled(parts))
        return
    yield _sees(reranker.base_url, "to rank them")
    scores = reranker.scores("Which colour is the sky?", ["The sky is blue.", "Bread is baked."])
    order = "as expected" if scores[0] > scores[1] else "not as one would expect"
    yield Check("reranker", True, f"{reranker.name} answers; it ranks {order}")
