"""A model's own words for "the passages do not tell", where it forgets the sentinel or says it of a
part of the question.

They speak of the passages or of the model itself. What somebody in an essay did not say, find or
know is none.
"""

from __future__ import annotations

import re

__all__ = ["abstains", "only_abstains"]

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
_NONE = (
    r"(?:no|not enough|insufficient) (?:\w+ )?(?:information|mention|answer|details?|indication"
    r"|evidence|data|context|reference)"
)
_ABSTAINS = re.compile(
    rf"\b{_SOURCE}\b.{{0,60}}?\b(?:(?:do|does|did)(?: not|n['’]t)|never)\b"
    rf"(?: \w+ly| even| in fact)? {_TELL}\b"
    rf"|\b{_SOURCE}\b.{{0,40}}?\b(?:contains? no|has no|have no|gives? no|makes? no|lacks?)\b"
    rf"|\b{_NONE}\b.{{0,60}}?\b{_SOURCE}\b"
    rf"|\b{_SOURCE}\b.{{0,30}}?\bthere (?:is|was|are|were) {_NONE}\b"
    rf"|\b(?:none|neither) of (?:the|these|those) (?:\w+ )?{_SOURCE}\b.{{0,20}}?\b{_TELL}s?\b"
    rf"|\b(?:answer|information)\b.{{0,60}}?\bis(?: not|n['’]t) (?:\w+ )?in\b.{{0,20}}?{_SOURCE}\b"
    r"|\b(?:not possible|impossible) to (?:answer|determine|say|tell|know)\b"
    rf".{{0,80}}?\b{_SOURCE}\b"
    rf"|\b{_SOURCE}\b.{{0,30}}?\b(?:is|are)(?: not|n['’]t)? (?:insufficient|sufficient|enough) to\b"
    rf"|(?:\A|[.!?]\s+)(?:[^.!?\"“”]{{0,40}}, )?(?:but |however,? )?the (?:text|essay|article)s?"
    r" (?:do|does|did)(?: not|n['’]t)(?: \w+ly)? (?:mention|specify|state|provide|say|indicate"
    r"|contain|discuss|address|explain|describe|disclose|reveal)\b"
    rf"|\Anot (?:\w+ly )?{_TOLD} in\b.{{0,30}}?{_SOURCE}\b|\AN/?A\W*\Z"
    rf"|\b(?:is|are|was|were)(?: not|n['’]t)(?: \w+ly)? {_TOLD}\b.{{0,30}}?\b{_SOURCE}\b"
    r"|(?:\A|[.!?]\s+)(?:[^.!?\"“”]{0,80}, )?I (?:cannot|can['’]t|am unable to|could not"
    r"|do not|don['’]t)\b.{0,30}?\b(?:answer|find|determine|know)\b"
    r"|(?:\A|[。！？\n])\s{0,9}(?:抱歉|对不起|對不起|很遗憾|很遺憾|遗憾的是|遺憾的是|不好意思)?[，,]?\s{0,9}"
    r"(?:但是?|不过|不過|然而)?[，,]?(?:根据|根據|从|從|在|就)?(?:您|你|我)?(?:所|已)?"
    r"(?:提供|给出|給出|给定|給定|给|給|检索到|檢索到|找到|以上|上述|现有|現有|这些|這些|这几个|這幾個|这|這|该|該)?的?"
    rf"(?:几个|几段|這些|这些)?{_HAN_SOURCE}.{{0,12}}?"
    rf"(?:没有|沒有|没|沒|未|并未|並未|不|无法|無法|不能)(?:能)?{_HAN_TOLD}"
    r"|\A(?:抱歉|对不起|對不起)?[，,]?\s{0,9}(?:我)?(?:无法|無法|不能)(?:回答|确定|確定|得知)"
    rf"|(?:\A|[。！？\n])[^。！？\n]{{0,20}}{_HAN_SOURCE}.{{0,12}}?不足以(?:回答|确定|確定|判断|判斷|得出|说明|說明)"
    rf"|(?:\A|[。！？\n，,])\s{{0,9}}(?:无法|無法|不能)(?:根据|根據|从|從|由).{{0,12}}?{_HAN_SOURCE}"
    "[^。！？\n]{0,12}(?:回答|确定|確定|得知|判断|判斷|看出|知道)"
    rf"|\A(?:答案)?(?:不|没有|沒有)(?:在|包含于).{{0,8}}?{_HAN_SOURCE}[之]?[中内內里裡]?[。.]?\Z"
    rf"|\A(?:并|並)?(?:未|没有|沒有){_HAN_TOLD}[。.]?\Z",
    re.IGNORECASE | re.DOTALL,
)

# What nothing but the passages that were given is called.
_GIVEN = (
    r"(?:passages?|excerpts?|(?:provided|given|retrieved|available|supplied) (?:texts?|context"
    r"|information|documents?|essays?|sources?|materials?))"
)
_TELLS = rf"(?:{_TELL}s?|(?:identif|specif)(?:y|ies)|address(?:es)?|disclos(?:es)?|discuss(?:es)?)"
_OF_GIVEN = rf"(?:the|these|those|any of the|any of these) (?:\w+ )?{_GIVEN}"
_CANNOT_BE = (
    r"can(?: ?not|['’]t) be (?:answered|determined|established|known|said|inferred|found"
    r"|identified)"
)
_HAN_LEAVE = "(?:很?抱歉|对不起|對不起|很遗憾|很遺憾|不好意思)?[，,]?"
_HAN_GIVEN = "(?:段落|原文|文章|文中|材料|资料|資料|文档|文檔|片段|文字)"
_IN_OTHER_WORDS = re.compile(
    rf"\b(?:no|neither) (?:passage|excerpt)s?\b(?: \w+ly)? {_TELLS}\b"
    rf"|\bnone of (?:the|these|those) (?:\w+ )?{_GIVEN}(?: \w+ly)? {_TELLS}\b"
    rf"|\b{_GIVEN}\b[^.!?]{{0,80}}\b(?:none|neither) of (?:them|these|which)(?: \w+ly)? {_TELLS}\b"
    rf"|\bnothing in {_OF_GIVEN}\b"
    rf"|\b{_GIVEN}\b.{{0,20}}?\b(?:(?:provide|offer|include)s? no|(?:say|contain|tell)s? nothing"
    r"|(?:is|are|remains?) silent)\b"
    rf"|\b{_CANNOT_BE}\b.{{0,40}}?\b{_OF_GIVEN}\b"
    rf"|\b{_OF_GIVEN}\b(?: alone)?,? .{{0,30}}?\b(?:{_CANNOT_BE}"
    r"|(?:is|remains) (?:not clear|unclear|unknown))\b"
    rf"|\b(?:is|remains) (?:not clear|unclear|unknown)\b.{{0,20}}?\b{_OF_GIVEN}\b"
    r"|(?:\A|[.!?]\s+)I (?:was unable to|couldn['’]t) (?:find|answer|determine)\b"
    # what is a whole reply
    r"|\A(?:sorry,? |unfortunately,? )?there is (?:no|not enough|insufficient) (?:\w+ )?information"
    r"(?: (?:about|on|regarding) [^.!?,;]{1,60})?[.!]?\Z"
    r"|\Ano (?:mention|information|details?) (?:is|are|was) (?:made|given|provided|available)\b"
    rf"[^.!?,;]{{0,60}}[.!]?\Z|\A(?:unknown|unclear|not (?:\w+ly )?{_TOLD})[.!]?\Z"
    r"|\A(?:(?:it|(?:this|that|the)(?: information| answer| detail)?)(?: is| was)|(?:it|that)['’]s)"
    rf"(?: not|n['’]t)(?: \w+ly)? {_TOLD}[.!]?\Z"
    r"|\A(?:who|what|when|where|why|how|which|whether)\b[^.!?,;]{1,80} (?:is|was|are|were)"
    rf"(?: not|n['’]t)(?: \w+ly)? {_TOLD}[.!]?\Z"
    rf"|\A{_HAN_LEAVE}我?(?:不知道|不清楚|无从得知|無從得知|未知|不详|不詳)[。.]?\Z"
    rf"|\A{_HAN_LEAVE}(?:{_HAN_GIVEN}|信息|資訊)不足"
    rf"|\A{_HAN_LEAVE}(?:并|並|暂|暫)?(?:未|没有?|沒有?|无|無)(?:能)?(?:找到|查到|检索到|檢索到)?"
    r"(?:任何)?(?:相关|相關|有关|有關)?的?(?:信息|資訊|内容|內容|资料|資料|答案|说明|說明|记载|記載)[。.]?\Z"
    rf"|(?:\A|[。！？\n])[^。！？\n，,他她]{{0,10}}(?:段落|原文|文中|材料|资料|資料|片段)[中里裡内內]?"
    "[^。！？\n，,]{0,6}(?:看不出|查不到|找不到|只字未提|隻字未提)"
    rf"|(?:\A|[。！？\n])[^。！？\n，,他她]{{0,10}}在[^。！？\n，,]{{0,6}}{_HAN_GIVEN}[中里裡内內](?:没有|沒有)答案"
    rf"|(?:\A|[。！？\n，,])(?:没有|沒有)(?:任何)?(?:一[个個段篇])?(?:段落|片段|材料|资料|資料){_HAN_TOLD}"
    rf"|(?:\A|[。！？\n]){_HAN_LEAVE}我?在[^。！？\n，,]{{0,8}}{_HAN_GIVEN}[中里裡内內]?(?:没有?|沒有?|未)(?:能)?找到"
    rf"|(?:\A|[。！？\n])(?:目前|当前|當前)的?{_HAN_GIVEN}[^。！？\n，,]{{0,6}}"
    "(?:没有|沒有|未|无法|無法|不能)(?:提|说|說|确定|確定|判断|判斷|回答|得知)"
    rf"|(?:\A|[。！？\n])(?:提供|给出|給出|这|這|以上|上述)[^。！？\n，,]{{0,6}}{_HAN_GIVEN}[^。！？\n，,]{{0,3}}"
    "(?:没有|沒有)任何(?:关于|關於|有关|有關|相关|相關)"
    rf"|(?:\A|[。！？\n])(?:这|這)[几幾些][段篇个個]?文字[^。！？\n，,]{{0,2}}(?:没有?|沒有?|未){_HAN_TOLD}",
    re.IGNORECASE,
)

# The same as the whole of a sentence: nothing is told beside it, whatever it cites.
_ONLY = re.compile(
    rf"\A(?:[^.!?,]{{0,40}}, )?(?:(?:none|neither) of (?:the|these) (?:\w+ )?{_SOURCE}"
    rf"|(?:(?:the|these) )?(?:\w+ )?{_SOURCE} (?:do|does|did)(?: not|n['’]t)(?: \w+ly)?) {_TELL}\b"
    rf"|\A(?:(?!\b(?:but|and|while|although|though|however)\b)[^.!?,;]){{1,100}}\b(?:is|are|was|were)"
    rf"(?: not|n['’]t)(?: \w+ly)? {_TOLD} in {_OF_GIVEN}\W*\Z"
    rf"|\A(?:以上|上述|这|這)?(?:些|几个|幾個|几段|幾段)?(?:提供|给出|給出|给定|給定)?的?{_HAN_SOURCE}[中里裡内內都均并並也]{{0,3}}"
    rf"(?:没有|沒有|没|沒|未|并未|並未|不|无法|無法|不能)(?:能)?{_HAN_TOLD}",
    re.IGNORECASE,
)


def only_abstains(sentence: str) -> bool:
    """Whether a sentence says of the passages that they do not tell, and nothing else."""
    return abstains(sentence) and _ONLY.search(sentence) is not None


def abstains(text: str) -> bool:
    """Whether a text says of the passages that they do not tell, or of the model that it cannot."""
    return any(words.search(text) for words in (_ABSTAINS, _IN_OTHER_WORDS))
