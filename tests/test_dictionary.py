"""Words of the other language."""

from __future__ import annotations

import errno
from itertools import product
from pathlib import Path

import pytest

from rag.fold import fold
from rag.search.dictionary import Dictionary, entries, installed

LINES = [
    "# a comment",
    "馬丁·路德 马丁·路德 [Ma3 ding1 · Lu4 de2] /Martin Luther (1483-1546), reformer/",
    "亞琛 亚琛 [Ya4 chen1] /Aachen, city in Nordrhein-Westfalen, Germany/",
    "船 船 [chuan2] /boat/vessel/ship/CL:條|条[tiao2]/",
    "艦 舰 [jian4] /warship; ship/",
    "跑 跑 [pao3] /to run/to run away/",
]


@pytest.fixture
def words(tmp_path: Path) -> Dictionary:
    return Dictionary(tmp_path, lambda: LINES)


def test_terms_are_bridged_both_ways(words: Dictionary) -> None:
    assert words.bridges("Who was Martin Luther?", "en", "zh") == [("马丁·路德",)]
    assert words.bridges("The ships of Aachen", "en", "zh") == [("船", "舰"), ("亚琛",)]
    assert words.bridges("這艘船", "zh", "en") == [(" boat ", " vessel ", " ship ")]
    assert words.bridges("nobody knows", "en", "zh") == []


def test_characters_are_found_by_their_sound(tmp_path: Path) -> None:
    lines = [*LINES, "張 张 [Zhang1] /surname Zhang/", "張 张 [zhang1] /sheet of paper/"]
    lines += ["歐陽 欧阳 [Ou1 yang2] /two-character surname Ouyang/", "女 女 [nu:3] /woman/"]
    words = Dictionary(tmp_path, lambda: lines)
    assert words.sounding("zhang") == words.sounding("Chang") == "张"
    assert words.sounding("nü") == "女"
    assert words.sounding("chuan") == "船"
    assert words.sounding("smith") == ""
    assert words.family_names("zhang") == ("张",)
    assert words.family_names("ou yang") == ("欧阳",)
    assert words.family_names("chuan") == ()
    assert words.translations("Martin Luther") == ("马丁·路德",)


def test_other_languages_have_no_bridge(words: Dictionary) -> None:
    assert words.bridges("船", "ja", "en") == []
    assert words.bridges("船", "zh", "zh") == []
    assert words.bridges("bateau", "fr", "zh") == []


def test_explanations_and_measure_words_are_no_translations() -> None:
    made = entries(LINES)
    assert "germani" not in made
    assert not any("条" in translations for translations in made.values())
    assert made["run"] == ["跑"]


def test_every_term_can_be_looked_up(tmp_path: Path) -> None:
    terms = ["".join(letters) for letters in product("bdfgk", "aou", "lmnrt", "aou")]
    lines = [f"字{chr(0x5200 + n)} 字{chr(0x5200 + n)} [zi4] /{t}/" for n, t in enumerate(terms)]
    words = Dictionary(tmp_path, lambda: lines)
    for n, term in enumerate(terms):
        assert words.bridges(term, "en", "zh") == [(fold(f"字{chr(0x5200 + n)}"),)]
    assert words.bridges("aaaa zzzz balax", "en", "zh") == []


def test_the_sorted_file_is_made_once(tmp_path: Path) -> None:
    read = []

    def lines() -> list[str]:
        read.append(1)
        return LINES

    for _ in range(2):
        assert Dictionary(tmp_path, lines).bridges("ship", "en", "zh")
    assert len(read) == 1


def test_where_nothing_can_be_written_it_stays_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    words = Dictionary(tmp_path / "file" / "models", lambda: LINES)
    words.prepare()
    assert words.bridges("The ships of Aachen", "en", "zh") == [("船", "舰"), ("亚琛",)]
    assert words.bridges("這艘船", "zh", "en") == [(" boat ", " vessel ", " ship ")]


def test_a_full_disk_leaves_no_half_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        assert Dictionary(tmp_path, lambda: LINES).bridges("ship", "en", "zh") == [("船", "舰")]
    assert not list(tmp_path.iterdir())
    assert Dictionary(tmp_path, lambda: LINES).bridges("ship", "en", "zh") == [("船", "舰")]
    assert len(list(tmp_path.iterdir())) == 1


def test_an_empty_dictionary_knows_nothing(tmp_path: Path) -> None:
    assert Dictionary(tmp_path, list).bridges("ship", "en", "zh") == []


def test_the_installed_package_holds_the_lines() -> None:
    lines = installed()
    assert len(lines) > 100_000
    assert any("/Martin Luther" in line for line in lines)
