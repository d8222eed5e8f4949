"""The fields that a file begins with: front matter, or the header of a mail that was pasted."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from itertools import takewhile

from rag.text.surrogates import sound

__all__ = ["FIELD", "front_matter", "mail_header", "unlinked"]

_FENCED = re.compile(
    r"\s*---[ \t]*(?:\r\n?|\n)(?!\s*[\r\n])(.*?)(?:\r\n?|\n)(?:---|\.\.\.)[ \t]*(?=\r|\n|\Z)",
    re.DOTALL,
)
"""A blank line after the first dashes makes them a rule: so Jekyll and Pandoc tell them apart."""
_TOML = re.compile(
    r"\s*\+\+\+[ \t]*(?:\r\n?|\n)(.*?)(?:\r\n?|\n)\+\+\+[ \t]*(?=\r|\n|\Z)", re.DOTALL
)
"""As Hugo and Zola write it."""
FIELD = re.compile(r"([A-Za-z_\u4e00-\u9fff][\w -]{0,40})[ \t]*[:：][ \t]*(.*)")
"""A line that names a field: (name, value)."""

_NESTED = re.compile(r"(?:[\[{]\s*+(?:[\"'\w]+\s*+:\s*+)?+){4}")
_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]|\[([^\[\]]*)\]\([^()]*\)")
_LONGEST = 20_000  # characters


def front_matter(text: str) -> tuple[dict[str, str], tuple[str, ...], int]:
    """(fields in lower case, tags, where the body starts). Broken YAML is read line by line. What
    rules enclose may as well be prose, or what people say: it counts where it reads like fields."""
    found = _FENCED.match(text, 0, _LONGEST) or _TOML.match(text, 0, _LONGEST)
    if found is None:
        return {}, (), 0
    toml = found.re is _TOML
    data = _toml(found[1]) if toml else _yaml(found[1].replace("\t", "  "))
    if not isinstance(data, dict) and not toml:
        data = _field_lines(found[1]) if _is_listing(found[1]) else {}
    if not isinstance(data, dict):
        return {}, (), 0
    fields = {sound(str(key)).strip(): value for key, value in data.items()}
    if not _describes(fields):
        return {}, (), 0
    fields = {key.lower(): value for key, value in fields.items()}
    tags = _values(fields.get("tags") or fields.get("tag") or fields.get("keywords"))
    if len(tags) == 1:
        tags = [tag for tag in re.split(r"[,，、;；]", tags[0]) if tag.strip()]
    plain = {key: ", ".join(_values(value)) for key, value in fields.items()}
    return plain, tuple(tag.strip().lstrip("#") for tag in tags), found.end()


def unlinked(text: str) -> str:
    """`text` with the names of wiki and Markdown links in place of the links."""
    return _LINK.sub(lambda match: match[1] or match[2] or "", text)


def _yaml(block: str) -> object:
    """The block's data with strings as its only scalars; None when it is not plain YAML.

    Aliases are refused: no essay's front matter needs them, and nested ones expand without bound.
    """
    import yaml

    if _NESTED.search(block):  # a parser in pure Python recurses into each
        return None
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(block)):
            return None
        return yaml.load(block, Loader=yaml.BaseLoader)  # noqa: S506 - it builds strings only
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError):  # "\\UDEADBEEF"
        return None


def _toml(block: str) -> object:
    """The block's data, with what its tables hold (params, taxonomies) among its fields; None when
    it is no TOML."""
    try:
        data = tomllib.loads(block)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    tables = [value for value in data.values() if isinstance(value, dict)]
    return {key: value for table in tables for key, value in table.items()} | data


_ABOUT = (
    r"(?:sub)?titles?|headline|description|summary|abstract|excerpt|keywords?|tags?|aliases"
    "|副?标题|副?標題|题目|題目|摘要|简介|簡介|标签|標籤|关键[词字]|關鍵[詞字]"
)
_SETTING = (
    r"authors?|by|translators?|date|time|created|updated|modified|published|publish|publisher"
    r"|publication|source|url|link|origin|place|location|venue|lang|language|layout|slug|draft"
    r"|permalink|categor(?:y|ies)|type|status|series|weight|image|cover|id|uid|version|license"
    r"|copyright|toc|comments|cssclass(?:es)?|format|template|theme|email"
    "|作者|译者|譯者|编辑|編輯|日期|时间|時間|地点|地點|来源|來源|出处|出處|分类|分類|类别|類別|语言|語言"
)
_AROUND = r"(?:[^\W_]+[ _-])?(?:%s)(?:[ _-][^\W_]+)?"  # date created, post_title
_IS_ABOUT = re.compile(_AROUND % _ABOUT, re.IGNORECASE)
_IS_SETTING = re.compile(_AROUND % _SETTING, re.IGNORECASE)
_IDENTIFIER = re.compile(r"[a-z][A-Za-z0-9_.-]*")
_CLOSING = "\"'”’」』)）*_ "


def _describes(data: Mapping[str, object]) -> bool:
    """Whether fields say something of a text or set something, rather than being what people said
    or sentences with a colon: their names are usual, or nothing but identifiers."""
    told = {name for name in data if _IS_ABOUT.fullmatch(name)}
    prose = {name for name, value in data.items() if _is_sentence(str(value))} - told
    usual = told | {name for name in data if _IS_SETTING.fullmatch(name)} - prose
    return len(usual) >= max(len(prose), 1) or (
        bool(data) and not prose and all(map(_IDENTIFIER.fullmatch, data))
    )


def _is_sentence(value: str) -> bool:
    words = value.rstrip(_CLOSING)
    return words[-1:] in tuple(".!?…。！？") and (len(words.split()) > 2 or not words.isascii())


_LISTED = re.compile(r"\s|- |-$|[#\]}\"']")  # how a line begins that goes on with a field


def _is_listing(block: str) -> bool:
    """Whether a block begins with a field, and nearly all of its lines belong to one."""
    lines = [line for line in block.splitlines() if line.strip() and line[0] != "#"]
    if not lines or not FIELD.match(lines[0]):
        return False
    prose = sum(not (FIELD.match(line) or _LISTED.match(line)) for line in lines)
    return 4 * prose <= len(lines)


def _field_lines(block: str) -> dict[str, object]:
    fields: dict[str, object] = {}
    key = ""
    for line in block.splitlines():
        if match := FIELD.match(line):
            key = match[1].strip()
            fields[key] = match[2].strip().strip("\"'")
        elif key and line.strip().startswith("- "):
            before = fields[key]
            listed = before if isinstance(before, list) else []
            fields[key] = [*listed, line.strip()[2:].strip().strip("\"'")]
    return fields


def _values(value: object) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _values(item)]
    if isinstance(value, dict):  # {name: Ann, orcid: …}
        return _values(value.get("name") or value.get("title"))
    if value is None:
        return []
    text = " ".join(unlinked(sound(str(value))).split())
    return [text] if text and text.lower() not in ("null", "~") else []


_MAIL = {
    "from": "author", "发件人": "author", "寄件者": "author", "寄件人": "author",
    "subject": "title", "主题": "title", "主旨": "title", "主題": "title",
    "date": "date", "sent": "date", "发送时间": "date", "日期": "date", "寄件日期": "date",
}  # fmt: skip
_FORWARDED = re.compile(r"(?:(?:re|fwd?|aw|回复|回覆|转发|轉寄)\s*[:：]\s*)+", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*[<\[(]?(?:mailto:)?[^\s<>()\[\]]+@[^\s<>()\[\]]+[>\])]?")


def mail_header(body: str) -> dict[str, str]:
    """What the header of a mail that was pasted whole says of title, author and date. It says who
    sent it and what it is about, or when."""
    top = takewhile(bool, map(str.strip, body[:_LONGEST].lstrip().splitlines()))
    fields = [FIELD.fullmatch(line) for line in top]
    found = {
        _MAIL[field[1].lower()]: field[2].strip()
        for field in reversed(fields)
        if field and field[1].lower() in _MAIL
    }
    if not fields or not fields[0] or "author" not in found or len(found) < 2:
        return {}
    found["author"] = _ADDRESS.sub("", found["author"]).strip("\"' ")
    return {**found, "title": _FORWARDED.sub("", found.get("title", ""), count=1)}
