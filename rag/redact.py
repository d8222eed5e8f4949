"""Takes secrets out of what is shown: addresses, and texts that servers and libraries wrote."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import unquote, urlsplit

__all__ = ["redact", "without_userinfo"]

SHORTEST_SECRET = 4
"""What is shorter is a stand-in such as "x", and would be taken out of the middle of words."""

HEAD = 8
"""Characters by which a key is known that a server shows in part: sk-live-*****f00d."""

HIDDEN = "…"
USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")


def without_userinfo(url: str) -> str:
    """An address as it may be shown: without the user and the password before its host."""
    return USERINFO.sub("", url)


def redact(text: str, key: str = "", url: str = "") -> str:
    """`text` without a key, without the password in `url`, and without those of any address.

    Args:
        text: what a server said, or what an exception says.
        key: what was sent to the server as its key.
        url: the address that was asked.
    """
    # The longest first: one secret may hold another.
    for secret in sorted({key.strip(), *_userinfo(url)}, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, HIDDEN)
    if len(key.strip()) > 2 * HEAD:
        masked = re.escape(key.strip()[:HEAD]) + r"[\w*•…-]*(?:\.{2,}\w*)?"
        text = re.sub(masked, HIDDEN, text)
    return without_userinfo(text)


def _userinfo(url: str) -> set[str]:
    """The password of an address, as it stands there, decoded, and as HTTP's Basic sends it."""
    given = urlsplit(url).netloc.rpartition("@")[0]
    user, _, password = given.partition(":")
    plain = f"{unquote(user)}:{unquote(password)}"
    return {password, unquote(password), b64encode(plain.encode()).decode()} if given else set()
