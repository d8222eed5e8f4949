"""A model's own words for "the passages do not tell", where it forgets the sentinel or says it of a
part of the question.

They speak of the passages or of the model itself. What somebody in an essay did not say, find or
know is none.
"""

from __future__ import annotations

import re

__all__ = ["abstains"]

_SOURCE = (
    r"(?:passages?|(?:provided|given|retrieved|available|supplied)"
    r" (?:texts?|context|information|documents?|essays?|sources?|excerpts?|materials?)"
    r"|context|documents?|excerpts?)"
)
_TELL = (
    r"(?:say|state|mention|specify|contain|provide|include|give|indicate|discuss|address|answer"
    r"|tell|explain|describe|cover|have|disclose|reveal|identify|name|offer|report|list|show"
    r"|refer|make (?:any )?mention)"
)
_TOLD = (
    r"(?:said|stated|mentioned|specified|contained|provided|included|given|indicated|discussed"
    r"|addressed|answered|explained|described|covered|disclosed|revealed|identified|named|found"
    r"|reported|listed|known|clear)"
)
_HAN_SOURCE = (
    "(?:段落|原文|文章|文中|文本|资料|資料|材料|信息|資訊|内容|內容|上下文|文档|文檔|片段"
    "|来源|來源)"
)
_HAN_TOLD = (
    "(?:足够|足夠|提到|提及|说|說|写|寫|讲|講|说明|說明|包含|给出|給出|涉及|记载|記載|找到|提供|回答|确定|確定|"
    "得知|透露|交代|介绍|介紹|描述|列出|指出|相关|相關|明确|明確|具体|具體|直接|关于|關於|答案)"
)
_ABSTAINS = re.compile(
    rf"\b{_SOURCE}\b.{{0,60}}?\b(?:(?:do|does|did)(?: not|n['’]t)|never)\b"
    rf"(?: \w+ly| even| in fact)? {_TELL}\b"
    rf"|\b{_SOURCE}\b.{{0,40}}?\b(?:contains? no|has no|have no|gives? no|makes? no|lacks?)\b"
    r"|\bno (?:information|mention|answer|details?|indication)\b"
    rf".{{0,60}}?\b{_SOURCE}\b"
    rf"|\b(?:is|are|was|were)(?: not|n['’]t)(?: \w+ly)? {_TOLD}\b.{{0,30}}?\b{_SOURCE}\b"
    r"|(?:\A|[.!?]\s+)(?:[^.!?\"“”]{0,80}, )?I (?:cannot|can['’]t|am unable to|could not"
    r"|do not|don['’]t)\b.{0,30}?\b(?:answer|find|determine|know)\b"
    r"|(?:\A|[。！？\n])\s*(?:抱歉|对不起|對不起|很遗憾|很遺憾|遗憾的是|遺憾的是|不好意思)?[，,]?\s*"
    r"(?:但是?|不过|不過|然而)?[，,]?(?:根据|根據|从|從|在|就)?(?:您|你|我)?(?:所|已)?"
    r"(?:提供|给出|給出|给定|給定|给|給|检索到|檢索到|找到|以上|上述|现有|現有|这些|這些|这几个|這幾個|这|這|该|該)?的?"
    rf"(?:几个|几段|這些|这些)?{_HAN_SOURCE}.{{0,12}}?"
    rf"(?:没有|沒有|没|沒|未|并未|並未|不|无法|無法|不能)(?:能)?{_HAN_TOLD}"
    r"|\A(?:抱歉|对不起|對不起)?[，,]?\s*(?:我)?(?:无法|無法|不能)(?:回答|确定|確定|得知)",
    re.IGNORECASE | re.DOTALL,
)


def abstains(text: str) -> bool:
    """Whether a text says of the passages that they do not tell, or of the model that it cannot."""
    return _ABSTAINS.search(text) is not None
