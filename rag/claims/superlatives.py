"""The most, the first or the only one, by the words for it. What values say is in
`rag/claims/extremes.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.claims.statement import Reading

__all__ = ["superlative"]


_NO_SUPERLATIVE = (
    "interest|forest|harvest|protest|contest|digest|honest|modest|request|suggest|invest|manifest"
    "|arrest|conquest|priest|guest|quest|west|northwest|southwest|midwest|test|latest|rest|nest"
    "|chest|vest|pest|zest|jest|crest|attest|detest|bequest|tempest|unrest|behest|ingest|retest"
)
_SUPERLATIVE = re.compile(
    r"\b(?:the|its|his|her|their|our|world['’]?s) (?:\w+ )?(?:most|least) \w+"
    rf"|\b(?!(?:{_NO_SUPERLATIVE})\b)[a-z]{{2,12}}est\b|\bbest\b|\bworst\b"
    r"|\bthe (?:very )?first\b(?=(?: \w+){1,6} (?:to|ever|in the world)\b)"
    "|最(?![近后终初新多少])|首[家位]|(?:全球|世界|全国|史上|历史上)(?:的)?(?:第一|首)"
)
_EXTREME = re.compile(
    r"\b(?:most|least|[a-z]{2,12}est|worst|first|top|record|leading|main|chief|prime|ultimate"
    r"|number one|no\. ?1|sole|only|unique\w*|maxim\w+|minim\w+|peak|un(?:match|rival)\w+"
    r"|unprecedented|cap(?:s|ped)?|limit\w*|ceiling|no other|than (?:any|all|every))\b"
    "|最|第一|首|头[号一]|唯一|冠|之王|顶|极|空前|史上|前所未有|比任何|所有|至[高大]|上限"
)
_ONLY_ONE = re.compile(r"\bthe (?:only|sole)\b|唯一")
_NO_OTHER = re.compile(
    r"\b(?:only|sole\w*|single|alone|just|exclusiv\w+|unique\w*|no other|nobody else)\b"
    "|[唯只仅独单]"
)


def superlative(claim: Reading, sentences: Sequence[Reading]) -> tuple[str, str] | None:
    """The most, the first or the only one told of what is one of several; values may tell it."""
    for mine, theirs in ((_SUPERLATIVE, _EXTREME), (_ONLY_ONE, _NO_OTHER)):
        found = mine.search(claim.folded)
        if found and not any(theirs.search(s.folded) or len(s.values) > 1 for s in sentences):
            return found[0], sentences[0].folded
    return None
