"""The bytes of a file → its text: which encoding they are in, and where they are damaged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rag.errors import LoadError
from rag.text.surrogates import sound

__all__ = ["decode"]


def decode(data: bytes) -> tuple[str, str]:
    """The text of `data` without a byte order mark, line ends left as they are, and its encoding.

    Tried in this order: byte order marks, UTF-16 by its zero bytes, the encodings that hide other
    characters in ASCII, strict UTF-8, then the Chinese encodings against charset-normalizer's
    guess, whichever gives the likelier text; encodings of a byte for a character are told apart by
    the letters that they put into words.

    Nothing is put in place of bytes that do not fit: quotes are exact, and a quote of what the file
    does not hold would not be. The error says which byte it is, so that it can be mended.

    Raises:
        LoadError: they are no text, a damaged one, or one in two encodings.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data, mark, encoding), encoding
    if b"\0" in data:
        return _with_zeros(data)
    if data.isascii():
        return _of_ascii(data)
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        _refuse_damaged(data, error)
        _refuse_mixed(data, error)
    return _guess(data)


_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_SEVERAL_BYTES = ("gb18030", "big5hkscs", "shift_jis", "euc_jp", "euc_kr")
_TWO_BYTES = re.compile(rb"[\x80-\xff]{2}")
"""Somewhere in such a text: a sign alone (5 µm, 2×4, ½ cup) is no half of a character."""
LONGEST_CHARACTER = 4  # bytes
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
_IN_ASCII = (
    ("iso2022_jp_2", re.compile(rb"\x1b\$(?:[@AB]|\(D)"), 0.0),
    ("iso2022_kr", re.compile(rb"\x1b\$\)C"), 0.0),
    ("hz", re.compile(rb"~\{(?:[!-w][!-~]){3,}~\}"), 0.7),
    ("utf-7", re.compile(rb"\+(?=[0-9]*[A-Za-z+/])[A-Za-z0-9+/]{3}"), 0.9),  # +150 is a number
)
"""Encodings that write other characters in ASCII's bytes, what such a stretch looks like, and how
likely a text it must give: an escape is sure, "a+bcd" is not."""

_HIDDEN = re.compile("[A-Za-z]?[^\x00-\x7f]+[a-z]?")

_UTF8_STRETCH = re.compile("(?:[^\x00-\x7f\udc80-\udcff][\x00-\x7f]*+){16}")
"""Of another encoding's bytes a pair in seven passes for a character of UTF-8, so many never."""

_NOT_TEXT = "it is not text in any known encoding."
_SAVE_AS = "Save it as UTF-8."


def _strictly(data: bytes, mark: bytes, encoding: str) -> str:
    try:
        return data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise LoadError(
            f"it begins like {encoding} but byte {len(mark) + error.start} does not fit.", _SAVE_AS
        ) from error


def _refuse_damaged(data: bytes, error: UnicodeDecodeError) -> None:
    """Raise LoadError if `data` is UTF-8 but for a few bytes.

    It is where four of five characters beyond ASCII are whole: of another encoding's, one pair of
    bytes in seven happens to be one.
    """
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd") - data.count("\ufffd".encode())
    whole = len(_BEYOND_ASCII.findall(text)) - bad
    if whole < 4 * bad:
        return
    if error.reason == "unexpected end of data":
        raise _cut_off("utf-8", error.start) from error
    places = "one place" if bad == 1 else f"{bad} places, the first"
    raise LoadError(
        f"it is UTF-8 but for {places} at byte {error.start}.",
        "Mend it there: quotes are exact, so nothing is put in place of what is damaged.",
    ) from error


def _refuse_mixed(data: bytes, error: UnicodeDecodeError) -> None:
    """Raise LoadError if a part of `data` is UTF-8 and a part is not."""
    text = data.decode("utf-8", "surrogateescape")
    found = _UTF8_STRETCH.search(text)
    if found is None:
        return
    begun = len(text[: found.start()].encode("utf-8", "surrogateescape"))
    place = max(begun, error.start)
    first, then = ("UTF-8", "another") if place == error.start else ("another encoding", "UTF-8")
    raise LoadError(
        f"it is in two encodings: {first} up to byte {place}, {then} after it.",
        "Save its parts as UTF-8, and join them then.",
    ) from error


def _of_ascii(data: bytes) -> tuple[str, str]:
    """ASCII, unless an encoding that hides other characters in it gives likely ones."""
    for encoding, stretch, least in _IN_ASCII:
        found = _likeliest(data, [encoding]) if stretch.search(data) else None
        hidden = "".join(_HIDDEN.findall(found[1])) if found else ""
        if len(hidden) > 1 and _likelihood(hidden) >= least:
            return data.decode(encoding), encoding
    return data.decode("ascii"), "utf-8"


def _cut_off(encoding: str, byte: int) -> LoadError:
    return LoadError(
        f"it is {encoding} but ends in the middle of a character, at byte {byte}: it was cut off.",
        "Bring the whole file, or take the last character away.",
    )


def _with_zeros(data: bytes) -> tuple[str, str]:
    """UTF-16 or UTF-32 without its mark, known by where the zero bytes are; UTF-8 with one that
    strayed in; else a binary file."""
    candidates = ["utf-16-le", "utf-16-be"]
    if len(data) % 4 == 0:
        candidates += ["utf-32-le", "utf-32-be"]
    best = _likeliest(data, candidates)
    if best is not None and best[0] >= 0.9:
        return best[1], best[2]
    try:
        text = data.decode("utf-8")
        strayed = len(_CONTROL.findall(text))
        if strayed <= max(1, len(text) // 1000) and 20 * strayed <= len(text):
            return text, "utf-8"
    except UnicodeDecodeError:
        pass
    count = data.count(0)
    raise LoadError(
        f"it holds zero bytes ({count:,}, the first at byte {data.index(0)}), so it is not text.",
        "Leave it out, or save it as UTF-8.",
    )


def _guess(data: bytes) -> tuple[str, str]:
    candidates = ["cp1252", *(_SEVERAL_BYTES if _TWO_BYTES.search(data) else ())]
    if len(data) % 2 == 0:
        candidates += ["utf-16-le", "utf-16-be"]
    best = _likeliest(data, candidates)
    alone = _in_single_bytes(data)
    if alone is not None and (best is None or _likelihood(alone[0]) >= best[0]):
        return alone
    if best is not None and best[0] >= 0.9:
        return best[1], best[2]
    import charset_normalizer  # slow, and wrong on short Chinese texts: only for the rest

    found = charset_normalizer.from_bytes(data).best()
    if found is not None and _likelihood(text := str(found)) >= 0.7 and not _JUDGED.search(text):
        return text, found.encoding
    if best is not None and best[0] >= 0.7:
        return best[1], best[2]
    for missing in range(1, LONGEST_CHARACTER):
        cut = _likeliest(data[:-missing], _SEVERAL_BYTES)
        if cut is not None and cut[0] >= 0.9:
            raise _cut_off(cut[2], len(data) - missing)
    raise LoadError(_NOT_TEXT, _SAVE_AS)


_SCRIPTS = (
    (("cp1251", "koi8_u", "iso8859_5", "cp866", "mac_cyrillic"), "\u0400-\u04ff", "оеаинтсрвлкмі"),
    (("cp1253", "iso8859_7"), "\u0370-\u03ff", "αοιετσνηυρπκςλμάίόέή"),
    (("cp1255",), "\u0590-\u05ff", "יוהלאמרתבשנ"),
    (("cp1256", "iso8859_6"), "\u0600-\u06ff", "اليمنوربتعةده"),
    (("cp874",), "\u0e00-\u0e7f", "านรกอเงมยลว่้ทตดค"),
)
"""Encodings of a script, its letters, and those that are common: two of three in running text, one
of three in a wrong decoding."""
_JUDGED = re.compile(f"[{''.join(script for _, script, _ in _SCRIPTS[1:])}]{{2}}")
"""What `_of_script` has refused already. A short text in Cyrillic it may leave to others."""
_NO_LETTER = "\u00a0«»°·§©®\u2010-\u2027\u2030-\u203a€™،؛؟\u200c-\u200f"  # beside any words
_ASCII_LETTER = re.compile("[A-Za-z]")
_FOREIGN = re.compile(f"[^\x00-\x7f{_NO_LETTER}]")
_IN_WORDS = re.compile(
    f"(?<=[A-Za-z])[^\x00-\x7f{_NO_LETTER}]|[^\x00-\x7f{_NO_LETTER}](?=[A-Za-z])"
    f"|(?<=[^\x00-\x7f{_NO_LETTER}])[^\x00-\x7f{_NO_LETTER}]"
)
_WESTERN = (
    "äöüßé", "äöüåé", "æøåéó", "àâçèéêëîïôùûüÿœæ", "áéíñóúü", "ãõáéíóúâêôàçü", "àèéìòùîó",
    "àéèíïóòúüç", "ëïéèöüáóêç", "áéíóúýþðæö", "áíóúýøæð", "äöüõšž", "ëç",
)  # fmt: skip
_LETTERS = (
    (("cp1250", "iso8859_2"), ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű",
                               "ăâîşţ", "čćđšž")),
    (("cp1254",), ("çğıöşüâîûİ",)),
    (("cp1257",), ("ąčęėįšųūž", "āčēģīķļņšūž")),
)  # fmt: skip
"""The letters beyond ASCII of each language that an encoding is for."""
_WEST = "àáâãäåæçèéêëìíîïñòóôõöøùúûüßœ"
_PLACED = re.compile(
    "(?<=[a-z0-9])[¹²³ªº](?![a-z\x80-\xff])|œ(?=[uidts])|(?<=[0-9 \u00a0])µ(?=[a-z])"
    "|±(?=[0-9])|[¼½¾]",
    re.IGNORECASE,
)
"""Signs of cp1252 that stand beside letters of any language, and where they do."""
_MISPLACED = re.compile("(?<=[^\\W_])þ|ý(?![^\\W_])|(?<![^\\W_])ð|[ìù](?=[^\\W_])|œ", re.IGNORECASE)
_RARE = "ľĺŕĽĹŔ"  # what ISO 8859-2 has for ž and others is these in cp1250
_SURE = 0.95  # of the letters in words


def _in_single_bytes(data: bytes) -> tuple[str, str] | None:
    """The text of an encoding of one byte for a character, other than cp1252, that the letters in
    its words speak for."""
    encoding = _of_script(data[:_SAMPLE]) or _of_letters(data[:_SAMPLE])
    return next(_decoded(data, [encoding] if encoding else []), None)


def _of_script(data: bytes) -> str | None:
    """The encoding of letters that are not Latin: most are of one script, and the common ones."""
    best, found = 0.65, None
    for encodings, script, common in _SCRIPTS:
        for text, encoding in _decoded(data, encodings):
            words = [_in_lower_case(run) for run in re.findall(f"[{script}]+", text)]
            letters = "".join(words)
            others = max(_SURE * len(_FOREIGN.findall(text)), len(_ASCII_LETTER.findall(text)) / 3)
            if len(letters) < max(4, 2 * len(words), others) or len(set(letters)) < 3:
                continue
            known = sum(map(letters.count, common)) + len(letters) / 10  # the rest breaks ties
            score = known / len(_BEYOND_ASCII.findall(text))
            if score > best:
                best, found = score, encoding
    return found


def _in_lower_case(word: str) -> str:
    """The word, unless capitals stand inside it, where those of a wrong decoding do."""
    return word.lower() if word.isupper() else word[:1].lower() + word[1:]


def _of_letters(data: bytes) -> str | None:
    """The encoding in which one language beyond the West has all the letters in words, where no
    Western one has those of cp1252."""
    plain = data.decode("cp1252", "replace")
    best, found = max(_western(plain) + 0.04, _SURE - 0.01), None
    for encodings, alphabets in _LETTERS:
        for text, encoding in _decoded(data, encodings):
            letters = _IN_WORDS.findall(text)
            score = max(_share(letters, alphabet) for alphabet in alphabets)
            if text != plain and score > best and 100 * len(letters) >= len(text):
                best, found = score, encoding
    return found


def _western(text: str) -> float:
    """How much of the letters in words a language of Western Europe has. Names of several ones in
    one text are usual where they are few."""
    for opening, closing in ("¿?", "¡!"):
        if text.count(opening) <= text.count(closing):
            text = text.replace(opening, " ")
    letters = _IN_WORDS.findall(_MISPLACED.sub("\x80", _PLACED.sub(" ", text)))
    mixed = 0.9 if len(set(letters)) > 2 else 1.0
    alone = max(_share(letters, alphabet) for alphabet in _WESTERN)
    return max(alone, mixed * _share(letters, _WEST))


def _share(letters: Sequence[str], alphabet: str) -> float:
    known = frozenset(alphabet + alphabet.upper())
    if not letters:
        return 1.0
    rare = sum(letter in _RARE for letter in letters) / 50  # it breaks ties
    return (sum(letter in known for letter in letters) - rare) / len(letters)


def _decoded(data: bytes, encodings: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The texts that `encodings` give, without those that leave control characters."""
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not _CONTROL.search(text[:_SAMPLE]):
            yield text, encoding


def _likeliest(data: bytes, encodings: Sequence[str]) -> tuple[float, str, str] | None:
    """(likelihood, text, encoding) of the best of `encodings`; the first wins a tie."""
    best: tuple[float, str, str] | None = None
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if sound(text) != text:  # UTF-7 can spell half a character, which nothing can keep
            continue
        score = _likelihood(text)
        if best is None or score > best[0]:
            best = (score, text, encoding)
    return best


_SAMPLE = 20_000
_COMMON = frozenset(
    "的一是不了在人有我他这個个们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能而子那得于着下自"
    "之年过過发發后後作里用道行所然家种種事成方多经經么去法学學如都同现現当當没動动面起看定天分还還进進好小部"
    "其些主样樣理心她本前开開但因只从從想实實這与與最新或长長让讓把被给給很它更并及已由此无無"
)
_CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ue000-\uf8ff\ufffd\ufdd0-\ufdef\uffff]"
)
_HAN = re.compile("[\u3400-\u9fff]")
_OTHER = re.compile(
    "[\u3040-\u30ff\uac00-\ud7af\u0370-\u03ff\u0400-\u04ff\u0590-\u06ff\u0e00-\u0e7f\u200c-\u200f"
    "\u3000-\u303f\uff01-\uff60]"
)
_LATIN = re.compile("[A-Za-z0-9\\s!-/:-@\\[-`{-~]")
_ACCENTED = re.compile(
    "(?<=[A-Za-z])[\u00c0-\u017f’]|[\u00c0-\u017f](?=[a-z])|[–—‘’“”„…«»°§©®™£¥¢²³µ×÷±¼½¾·¬¿¡]"
)


def _likelihood(text: str) -> float:
    """How much `text` looks like writing, 0…1: a wrong decoding gives rare, unrelated characters.

    Han characters count by how common they are: about one in four of running Chinese is among the
    150 commonest, against one in fifty of a wrong decoding.
    """
    sample = text[:_SAMPLE]
    if not sample:
        return 1.0
    if len(sample) >= 20 and len(set(sample).difference(" \r\n")) < 3:
        return 0.0  # one byte over and over is some character in most encodings
    if _CONTROL.search(sample):
        return 1.0 - min(1.0, 0.2 + 10 * len(_CONTROL.findall(sample)) / len(sample))
    han = _HAN.findall(sample)
    common = sum(character in _COMMON for character in han) / len(han) if han else 0.0
    han_worth = min(1.0, 0.75 + common)
    plain = (
        len(_LATIN.findall(sample)) + len(_ACCENTED.findall(sample)) + len(_OTHER.findall(sample))
    )
    return (plain + han_worth * len(han)) / len(sample)
