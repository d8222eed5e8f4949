"""Comparing token by token: what is packed, what is found, and that an index keeps it."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rag.catalog import Catalog
from rag.config import Settings
from rag.encoders.bundled import PassageEncoder, SentenceEncoder
from rag.encoders.encoder import Encoders, TokenEncoder
from rag.encoders.late import DIMENSION, Tokens, asked, joined, match, pack, unpack
from rag.ingest import Indexer
from rag.retrieve import Retriever
from rag.search.known import Known
from rag.sentences import sentence_spans

STATES = 384
MARIE = (
    "Marie Curie was born in Warsaw in 1867. She shared a prize with her husband. "
    "Later the family moved to a house by the sea."
)
EAGLE = "The eagle nests on cliffs. 它每年只产两枚蛋。 Hunters have left it alone since 1950."


@cache
def encoder() -> PassageEncoder:
    return PassageEncoder(Path(tempfile.mkdtemp()), threads=1)


def states(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, STATES)).astype(np.float32)


def test_packing_keeps_directions_and_drops_what_stands_in_no_sentence() -> None:
    rows = states(9)
    places = [-1, 0, 0, 2, 2, 2, -1, 3, -1]
    found = unpack([pack(rows, places, 5)])
    assert found.counts == ((2, 0, 3, 1, 0),)
    exact = unpack([pack(rows[[n]], [0], 1) for n in range(9) if places[n] >= 0]).rows
    assert found.rows == pytest.approx(exact)
    assert np.linalg.norm(found.rows, axis=1) == pytest.approx(1, abs=0.03)
    assert len(pack(rows, places, 5)) == 2 * (1 + 5) + 6 * 66


def test_four_bits_are_near_enough() -> None:
    rows = encoder().read([MARIE], sentence_spans)[1]
    question = encoder().query_tokens("Where was Curie born?")
    packed = unpack(rows)
    whole, (parts,) = match(question, packed)
    assert parts.argmax() == 0
    assert whole[0] >= parts.max()
    rounded = Tokens(np.round(packed.rows, 1), packed.counts)
    assert match(question, rounded)[1][0] == pytest.approx(parts, abs=0.1)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("Who did she share the prize with?", 1),
        ("玛丽·居里出生在哪座城市？", 0),
        ("Where did they go to live?", 2),
    ],
)
def test_a_question_finds_its_sentence_in_either_language(question: str, sentence: int) -> None:
    packed = encoder().read([MARIE, EAGLE], sentence_spans)[1]
    whole, parts = match(encoder().query_tokens(question), unpack(packed))
    assert whole.argmax() == 0
    assert parts[0].argmax() == sentence


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["你好。", "He left. ", "\n", "🙂", "“是。” ", "3.5 元", "é"])))
def test_every_sentence_has_its_place(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = unpack(encoder().read([text], sentence_spans)[1])
    assert [len(counts) for counts in found.counts] == [len(sentence_spans(text))]
    assert sum(found.counts[0]) == len(found.rows)
    whole, parts = match(encoder().query_tokens("Who left?"), found)
    assert np.isfinite(whole).all()
    assert [len(part) for part in parts] == [len(sentence_spans(text))]


def test_nothing_asked_and_nothing_there() -> None:
    one, two = pack(states(3), [0, 0, 1], 2), pack(states(0), [], 0)
    whole, parts = match(asked(states(0)), unpack([one, two]))
    assert whole.tolist() == [0, 0]
    assert [part.tolist() for part in parts] == [[0, 0], []]
    whole, parts = match(asked(states(2, 1)), unpack([two, one]))
    assert whole[0] == parts[1].min() <= whole[1]
    assert not match(asked(states(2)), unpack([]))[1]


def test_one_pass_gives_what_two_would() -> None:
    rows, packed = encoder().read([MARIE, EAGLE, MARIE], sentence_spans)
    assert (rows == encoder().passages([MARIE, EAGLE, MARIE])).all()
    assert packed[0] == packed[2] != packed[1]
    long = MARIE * 40  # several windows
    both, tokens = encoder().read([long], sentence_spans)
    assert (both == encoder().passages([long])).all()
    assert unpack(tokens).rows.shape[1] == DIMENSION
    assert min(unpack(tokens).counts[0]) > 0


def test_a_question_is_read_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = PassageEncoder(tmp_path, threads=1)
    network = own.network
    calls: list[str] = []
    read = network.read

    def counted(text: str, prefix: str) -> object:
        calls.append(text)
        return read(text, prefix)

    monkeypatch.setattr(network, "read", counted)
    for _ in range(3):
        own.query("Who?")
        own.query_tokens("Who?")
    assert calls == ["Who?"]


def test_an_index_keeps_tokens_and_finds_by_them(tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "a.txt").write_text(MARIE, "utf-8")
    (texts / "b.txt").write_text(EAGLE, "utf-8")
    sentence = SentenceEncoder(tmp_path / "models", threads=1)
    assert isinstance(encoder(), TokenEncoder)
    assert not isinstance(sentence, TokenEncoder)
    index = Indexer(tmp_path / "index", Encoders(encoder(), sentence))
    index.ingest(texts)
    catalog = index.catalog
    kept = catalog.passage_tokens(encoder().name, catalog.ids())
    assert sorted(kept) == catalog.ids()
    assert set(catalog.tokens(encoder().name, [MARIE, "unknown"])) == {MARIE}
    known = Known(catalog, index.lexical, catalog.generation())
    for _ in range(2):  # read, then remembered
        tokens = joined(known.tokens(encoder().name, sorted(kept)).values())
        wanted = unpack([kept[unit] for unit in sorted(kept)])
        assert tokens.counts == wanted.counts
        np.testing.assert_array_equal(tokens.rows, wanted.rows)

    def finder(without: str) -> Retriever:
        index.ready()
        used = Settings(without=without, data_dir=tmp_path)
        return Retriever(catalog, index.vectors, index.lexical, index.encoders, used)

    best = finder("").hits("How many eggs are laid each year?")[0]
    assert best.passage.source == "texts/b.txt"
    assert "tokens z" in best.signals
    assert "tokens z" not in finder("tokens").hits("How many eggs?")[0].signals
    index.remove("texts/b.txt")
    with catalog.write() as writer:
        assert writer.forget_unused_vectors() > 0
    again = Catalog(catalog.path)
    assert not again.tokens(encoder().name, [EAGLE])
    assert again.tokens(encoder().name, [MARIE])
