"""Every word of the page, in both of its languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

__all__ = ["FIELDS", "LANGUAGES", "TEXTS", "Say", "preferred", "speaker"]

LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "中文"}

TEXTS: Mapping[str, tuple[str, str]] = {
    # the frame
    "title": ("Essays", "文集问答"),
    "tagline": ("Answers you can check", "每一句都能核对的回答"),
    "nav": ("Views", "页面"),
    "chat": ("Chat", "对话"),
    "essays": ("Essays", "文章"),
    "evaluation": ("Evaluation", "评测"),
    "settings": ("Settings", "设置"),
    "language": ("中文", "English"),
    "language-tip": ("切换到中文", "Switch to English"),
    "theme": ("Theme", "外观"),
    "theme-system": ("Theme: as the system", "外观：跟随系统"),
    "theme-light": ("Theme: light", "外观：浅色"),
    "theme-dark": ("Theme: dark", "外观：深色"),
    "menu": ("Conversations", "对话列表"),
    "skip": ("Skip to the question", "跳到提问框"),
    "close": ("Close", "关闭"),
    "cancel": ("Cancel", "取消"),
    "save": ("Save", "保存"),
    "delete": ("Delete", "删除"),
    "lost": (
        "The connection to the server is lost. Is it still running?",
        "与服务器的连接已断开。它还在运行吗？",
    ),
    # conversations
    "new": ("New conversation", "新对话"),
    "search": ("Search conversations", "搜索对话"),
    "no-conversations": ("No conversation yet.", "还没有对话。"),
    "nothing-found": ("Nothing found.", "没有找到。"),
    "more-kept": (
        "These are the latest {n}. Older ones are found by searching.",
        "以上是最近的 {n} 个，更早的可以搜索找到。",
    ),
    "more-found": (
        "These are the latest {n} that were found. Another word narrows the search.",
        "以上是找到的最近 {n} 个，再加一个词可以缩小范围。",
    ),
    "untitled": ("Untitled", "未命名"),
    "rename": ("Rename", "重命名"),
    "rename-ask": ("Name of the conversation", "对话名称"),
    "delete-ask": (
        "Delete “{title}”? Its answers and your feedback on them go with it.",
        "删除“{title}”？其中的回答和反馈会一并删除。",
    ),
    "more": ("More for “{title}”", "“{title}”的更多操作"),
    "export-markdown": ("Export as Markdown", "导出 Markdown"),
    "export-json": ("Export as JSON", "导出 JSON"),
    "no-conversation": (
        "That conversation is not kept (any more). This is a new one.",
        "那个对话已不存在，这里是新对话。",
    ),
    # asking
    "ask-label": ("Your question", "你的问题"),
    "ask-hint": ("Ask the essays…", "向文章提问……"),
    "ask": ("Ask", "提问"),
    "stop": ("Stop", "停止"),
    "welcome": ("What would you like to know?", "想了解什么？"),
    "welcome-sub": (
        "Every sentence of an answer points at the exact words it rests on.",
        "回答的每一句话都指向它所依据的原文。",
    ),
    "suggestions": ("Questions to begin with", "可以这样问"),
    "you": ("You", "你"),
    "answer": ("Answer", "回答"),
    "thinking": ("Working…", "正在处理……"),
    "waiting": ("Waiting for a free place…", "正在排队……"),
    "stage-condense": ("Understanding the question", "正在理解问题"),
    "stage-retrieve": ("Looking for passages", "正在查找段落"),
    "stage-answerable": ("Judging whether the essays can answer", "正在判断文章能否回答"),
    "stage-prompt": ("Preparing the passages", "正在整理段落"),
    "stage-llm": ("Writing the answer", "正在撰写回答"),
    "stage-extract": ("Choosing the sentences", "正在挑选原句"),
    "stage-cite": ("Matching the citations", "正在核对引文"),
    "stage-verify": ("Checking every sentence", "正在逐句核查"),
    "stopped": ("Stopped. What was written so far is kept.", "已停止，已写出的部分保留在此。"),
    "stopped-empty": ("Stopped before anything was written.", "尚未写出内容就已停止。"),
    "ended": (
        "Broken off when the program ended. What was kept of it is here.",
        "程序结束时中断，已保存的部分保留在此。",
    ),
    "ended-empty": (
        "Broken off when the program ended, before anything was kept.",
        "程序结束时中断，尚未保存任何内容。",
    ),
    "ready": ("The answer is there.", "回答已完成。"),
    "retry": ("Ask again", "重新回答"),
    "edit": ("Edit the question", "修改问题"),
    "edit-label": ("Question", "问题"),
    "edit-send": ("Ask this instead", "改为这样问"),
    "copy": ("Copy", "复制"),
    "copied": ("Copied", "已复制"),
    "good": ("Good answer", "回答得好"),
    "bad": ("Bad answer", "回答得不好"),
    "comment": ("What was wrong, or missing? (optional)", "哪里不对，或缺了什么？（可不填）"),
    "send": ("Send", "提交"),
    "thanks": ("Thank you. Kept with the answer.", "谢谢，已与回答一起保存。"),
    "sources": ("Sources", "出处"),
    "source-n": ("Source {n}: {title}", "出处 {n}：{title}"),
    "open-source": ("Open the passage", "打开原文"),
    "by-model": ("by {model}", "由 {model} 撰写"),
    "by-quotes": ("Quotes only, no model", "仅摘录原文，未用模型"),
    "seconds": ("{seconds} s", "{seconds} 秒"),
    "warnings": ("Notes", "提示"),
    "refused": ("The essays do not seem to answer this.", "文章里似乎没有答案。"),
    "refused-sub": ("The nearest passages are:", "最接近的段落："),
    "refused-none": ("No passage comes near it.", "没有相近的段落。"),
    "unsafe-cut": ("…", "……"),
    # verdicts
    "supported": ("Supported by the source", "有原文支持"),
    "partly": ("Partly supported", "部分有支持"),
    "unsupported": ("Not supported by the source", "原文不支持"),
    "unchecked": ("Not checked", "未核查"),
    "uncited": ("No source given", "未注明出处"),
    "legend": ("Marks", "标记"),
    # the source pane
    "source": ("Source", "原文"),
    "close-source": ("Close the source", "关闭原文"),
    "previous": ("Previous citation", "上一条引文"),
    "next": ("Next citation", "下一条引文"),
    "of": ("{n} of {total}", "第 {n} 条，共 {total} 条"),
    "cited-here": ("cited passage", "引用的段落"),
    "gone": ("This essay is not here any more.", "这篇文章已不在了。"),
    "gone-sub": ("The quote was:", "当时的引文："),
    "changed": (
        "This essay was changed since the answer; the quote stood in the older text:",
        "回答之后这篇文章有改动；引文出自旧版：",
    ),
    "part": ("Characters {start}–{end} of {total}", "第 {start}–{end} 字，共 {total} 字"),
    "earlier": ("Earlier text", "前面的内容"),
    "later": ("Later text", "后面的内容"),
    # essays
    "essays-sub": (
        "What answers are made from. Ticked essays are searched.",
        "回答的依据。勾选的文章会被搜索。",
    ),
    "add": ("Add essays", "添加文章"),
    "add-hint": (
        "Drop text or Markdown files here, or click to choose",
        "把文本或 Markdown 文件拖到这里，或点击选择",
    ),
    "column-search": ("Search in", "搜索"),
    "column-title": ("Title", "标题"),
    "column-author": ("Author", "作者"),
    "column-date": ("Date", "日期"),
    "column-language": ("Language", "语言"),
    "column-size": ("Size", "篇幅"),
    "column-actions": ("Actions", "操作"),
    "characters": ("{n} characters", "{n} 字"),
    "passages": ("{n} passages", "{n} 段"),
    "search-in": ("Search in “{title}”", "搜索“{title}”"),
    "read": ("Read", "阅读"),
    "remove": ("Remove", "移除"),
    "remove-title": ("Remove “{title}”", "移除“{title}”"),
    "remove-ask": (
        "Remove “{title}” from what is searched? Answers given so far keep their quotes.",
        "不再搜索“{title}”？已有回答会保留引文。",
    ),
    "removed": ("“{title}” is removed.", "已移除“{title}”。"),
    "select-all": ("Search all", "搜索全部"),
    "select-none": ("Search none", "全不选"),
    "scope": ("Searching {n} of {total} essays", "在 {total} 篇中搜索 {n} 篇"),
    "scope-all": ("All {total} essays", "全部 {total} 篇文章"),
    "scope-clear": ("Search all again", "恢复搜索全部"),
    "no-essays": ("There is no essay yet.", "还没有文章。"),
    "no-essays-sub": ("Add some files to ask about.", "添加一些文件后就可以提问。"),
    "adding": ("Adding files ({n})…", "正在添加 {n} 个文件……"),
    "added": ("Added: {names}", "已添加：{names}"),
    "updated": ("Updated: {names}", "已更新：{names}"),
    "same": ("Already there: {names}", "已存在：{names}"),
    "not-added": ("“{name}” was not added:", "未添加“{name}”："),
    "no-text": ("It holds no text.", "文件里没有文字。"),
    "same-name": (
        "Another file of this name came with it, and only one of them was taken."
        " Give one of the two another name, and add it again.",
        "同时添加了另一个同名文件，只保留了其中一个。请给其中一个改名后再添加。",
    ),
    "about-folder": (
        "By its name it is about a folder, not an essay. Give it another name.",
        "按文件名看，它说明的是文件夹而不是文章。请换一个文件名。",
    ),
    # start
    "starting": ("Getting ready…", "正在准备……"),
    "opening": ("Opening the index…", "正在打开索引……"),
    "ingesting": (
        "Reading the essays for the first time. You can ask as soon as this is done.",
        "首次读取文章，完成后即可提问。",
    ),
    "progress": ("{share} %", "{share}%"),
    "start-failed": ("The page could not get ready.", "未能准备就绪。"),
    "not-ready": ("The essays are still being read.", "文章还在读取中。"),
    "not-ready-do": ("Ask again in a moment.", "请稍后再问。"),
    # banner
    "banner-model": ("Answers by {model} at {host}", "由 {host} 的 {model} 回答"),
    "banner-quotes": ("Quotes only, no model.", "仅摘录原文，未连接模型。"),
    "banner-how": ("Add a model", "添加模型"),
    # errors
    "error-title": ("That did not work.", "出了点问题。"),
    "open-settings": ("Open the settings", "打开设置"),
    "try-again": ("Try again", "重试"),
    "busy": ("{n} questions are waiting already.", "已有 {n} 个问题在排队。"),
    "busy-do": ("Ask again in a moment.", "请稍后再问。"),
    "defect": (
        "Something broke on the server.",
        "服务器出现故障。",
    ),
    "defect-do": ("Its log has the details. Ask again.", "详情见服务器日志，请重试。"),
    "closing": ("The program is ending.", "程序正在结束。"),
    "closing-do": ("Start it again, then ask again.", "请重新启动后再问。"),
    "none-ticked": (
        "No essay is ticked, so nothing is searched.",
        "没有勾选文章，因此没有可搜索的内容。",
    ),
    "none-ticked-do": (
        "Tick some under Essays, or search all again.",
        "请在“文章”中勾选，或恢复搜索全部。",
    ),
    # settings
    "settings-sub": (
        "Kept on this machine, for this page. They go before RAG_* variables.",
        "保存在本机，仅用于本页面，优先于 RAG_* 变量。",
    ),
    "use-model": ("Who answers", "由谁回答"),
    "use-auto": ("The model that is found", "自动找到的模型"),
    "use-endpoint": ("The endpoint below", "下面的接口"),
    "use-off": ("No model: quotes only", "不用模型，仅摘录"),
    "endpoint": ("Endpoint", "接口地址"),
    "endpoint-info": (
        "Any OpenAI-compatible address, up to and with /v1. It will see the passages.",
        "任何兼容 OpenAI 的地址，包含 /v1。段落会发送到那里。",
    ),
    "model": ("Model", "模型"),
    "model-info": (
        "Picked from what the server lists, or typed.",
        "从服务器列表中选择，或直接输入。",
    ),
    "list-models": ("List models", "列出模型"),
    "key": ("Key", "密钥"),
    "key-none": ("No key is kept.", "没有保存密钥。"),
    "key-kept": (
        "A key is kept on the server. It is never shown; leave empty to keep it.",
        "服务器上已保存密钥，不会显示；留空则保持不变。",
    ),
    "key-given": (
        "The key of the environment (RAG_LLM_API_KEY) is used. It is never shown; leave empty to"
        " go on with it.",
        "正在使用环境变量 RAG_LLM_API_KEY 中的密钥，不会显示；留空则继续使用。",
    ),
    "key-forget": ("Forget the kept key", "删除已保存的密钥"),
    "field": ("“{label}”", "“{label}”"),
    "k": ("Passages an answer is made from", "每个回答使用的段落数"),
    "unsupported-policy": ("Sentences the source does not support", "原文不支持的句子"),
    "policy-mark": ("Mark them", "标出"),
    "policy-drop": ("Leave them out", "删去"),
    "policy-retry": ("Answer again once", "重新回答一次"),
    "test": ("Test connection", "测试连接"),
    "testing": ("Testing…", "正在测试……"),
    "test-ok": ("{model} at {host} answers ({ms} ms).", "{host} 的 {model} 可用（{ms} 毫秒）。"),
    "test-off": ("No model is used: answers are quotes.", "未使用模型：回答均为摘录。"),
    "test-none": (
        "No model was found: answers are quotes.",
        "没有找到模型：回答均为摘录。",
    ),
    "saved": ("Saved. New questions use it.", "已保存，新问题将使用新设置。"),
    "defaults": ("Back to the defaults", "恢复默认"),
    "models-found": ("{n} models are listed.", "列出了 {n} 个模型。"),
    "models-none": (
        "The server lists no model or does not answer.",
        "服务器没有列出模型，或者没有应答。",
    ),
    "need-endpoint": ("There is no endpoint to ask.", "没有填写接口地址。"),
    "need-endpoint-do": ("Enter one above.", "请在上面填写。"),
    # evaluation
    "evaluation-sub": (
        "Ask the questions that came with the essays, and measure the answers.",
        "用随文章提供的问题提问，并衡量回答的质量。",
    ),
    "eval-limit": ("Questions", "问题数"),
    "eval-limit-wrong": (
        "The number of questions cannot be less than 0.",
        "问题数不能小于 0。",
    ),
    "eval-limit-info": ("0 asks them all.", "0 表示全部。"),
    "eval-run": ("Run the evaluation", "开始评测"),
    "eval-running": ("Asking {done} of {total}…", "正在提问 {done} / {total}……"),
    "eval-opening": ("Reading in the questions' essays…", "正在读取问题所依据的文章……"),
    "eval-worse": ("worse", "变差"),
    "eval-none": ("Nothing was measured yet.", "还没有评测结果。"),
    "eval-last": ("The last run: {date}", "上次评测：{date}"),
    "eval-compared": ("Compared with the run before", "与上一次相比"),
    "eval-apart": (
        "This run cannot be compared with the run before (the baseline):",
        "这次评测无法与上一次（基线 baseline）比较：",
    ),
    "eval-dropped": ("Quality dropped.", "质量下降。"),
    "eval-held": ("No significant drop.", "没有显著下降。"),
    "eval-report": ("Report", "报告"),
    "eval-open": ("Open the report alone", "单独打开报告"),
    "metric": ("Metric", "指标"),
    "before": ("Before", "之前"),
    "after": ("Now", "现在"),
    "interval": ("Change, 95% interval", "变化的 95% 区间"),
    # suggested questions
    "suggest-title": ("What is “{title}” about?", "《{title}》讲了什么？"),
    "suggest-heading": ("What does it say about “{heading}”?", "关于“{heading}”，文中怎么说？"),
}

FIELDS: Mapping[str, str] = {
    "RAG_LLM": "use-model",
    "RAG_LLM_BASE_URL": "endpoint",
    "RAG_LLM_MODEL": "model",
    "RAG_LLM_API_KEY": "key",
    "RAG_K": "k",
    "RAG_UNSUPPORTED": "unsupported-policy",
}
"""The labels of the settings form, by the variables that its fields go before."""


class Say(Protocol):
    """A text of the page in one language."""

    language: str

    def __call__(self, key: str, /, **values: object) -> str:
        """The text named `key` with its placeholders filled."""


class _Speaker:
    def __init__(self, language: str) -> None:
        self.language = language
        self._index = list(LANGUAGES).index(language)

    def __call__(self, key: str, /, **values: object) -> str:
        text = TEXTS[key][self._index]
        return text.format(**values) if values else text


def speaker(language: str) -> Say:
    """The texts in `language`, English where the page does not speak it."""
    return _Speaker(language if language in LANGUAGES else "en")


def preferred(accepted: str) -> str:
    """The page's language for an Accept-Language header (RFC 9110, 12.5.4)."""
    weighted = []
    for position, part in enumerate(accepted.split(",")):
        tag, _, parameters = part.strip().partition(";")
        weight = parameters.strip().removeprefix("q=") or "1"
        try:
            quality = float(weight)
        except ValueError:
            quality = 0.0
        weighted.append((-quality, position, tag.lower()))
    for quality, _, tag in sorted(weighted):
        language = tag.split("-")[0]
        if language in LANGUAGES and quality < 0:
            return language
    return "en"
