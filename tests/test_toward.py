"""Where a question's vector is moved to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.config import Settings
from rag.embed import open_encoders
from rag.encoders.bundled import SentenceEncoder
from rag.encoders.toward import TOWARD, toward

ASKED = {  # a question, what answers it, and what only looks like it
    "Why did she leave the orchestra?": (
        "Her left hand had grown too stiff for the cello.",
        "She had wanted to be in an orchestra since she was a child.",
    ),
    "How much did the new roof cost?": (
        "The carpenter's bill came to 14,000 euros.",
        "Everyone was glad about the new roof.",
    ),
    "他为什么卖掉了船？": ("冬天没有人坐渡轮，油钱又涨了一倍。", "他的船是蓝色的，停在码头。"),
    "图书馆几点关门？": (
        "读者要在晚上九点前离开。",
        "图书馆在公园对面。",
    ),
    "Who repaired the clock tower?": (
        "一位叫卢卡的退休钳工花了三个月让它重新走起来。",
        "钟楼是城里最高的建筑。",
    ),
    "谁最先发现了泄漏？": (
        "The night guard smelled gas at four and called the firemen.",
        "The leak was in the papers for weeks.",
    ),
}


def written(path: Path, **changed: np.ndarray) -> Path:
    arrays = {"in": np.zeros((3, 2)), "in.b": np.zeros(2), "out": np.ones((2, 3))}
    np.savez(path, allow_pickle=False, **{**arrays, "out.b": np.zeros(3), **changed})
    return path


def test_what_has_learned_nothing_moves_nothing(tmp_path: Path) -> None:
    vector = np.array([0.6, 0.0, 0.8], np.float32)
    moved = toward(written(tmp_path / "none.npz"))(vector)
    np.testing.assert_allclose(moved, vector, atol=1e-6)


def test_what_comes_out_is_added_and_of_length_one(tmp_path: Path) -> None:
    path = written(tmp_path / "some.npz", **{"in.b": np.array([1.0, -1.0])})
    moved = toward(path)(np.array([1.0, 0.0, 0.0], np.float32))
    np.testing.assert_allclose(moved, np.array([2, 1, 1]) / 6**0.5, atol=1e-6)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        toward(tmp_path / "nowhere.npz")


def test_questions_are_moved_and_sentences_are_not(tmp_path: Path) -> None:
    models = Settings().models
    plain, moving = SentenceEncoder(models), SentenceEncoder(models, questions=TOWARD)
    (question, told), *_ = ASKED.items()
    assert moving.name == plain.name  # an index serves both
    np.testing.assert_array_equal(moving.passages(told), plain.passages(told))
    assert 0.3 < float(moving.query(question) @ plain.query(question)) < 0.99
    assert np.linalg.norm(moving.query(question)) == pytest.approx(1, abs=1e-5)


def test_an_answer_is_nearer_beside_what_looks_like_the_question() -> None:
    models = Settings().models
    plain, moving = SentenceEncoder(models), SentenceEncoder(models, questions=TOWARD)

    def ahead(encoder: SentenceEncoder) -> list[float]:
        told = (encoder.passages(pair) @ encoder.query(asked) for asked, pair in ASKED.items())
        return [float(answer - alike) for answer, alike in told]

    before, now = ahead(plain), ahead(moving)
    assert np.mean(now) > np.mean(before) + 0.03
    assert sum(b < n for b, n in zip(before, now, strict=True)) > len(ASKED) / 2


def test_it_can_be_turned_off(tmp_path: Path) -> None:
    bare = open_encoders(Settings(without=frozenset({"toward"})), Settings().models)
    plain = SentenceEncoder(Settings().models)
    (question, _), *_ = ASKED.items()
    np.testing.assert_array_equal(bare.sentence.query(question), plain.query(question))
