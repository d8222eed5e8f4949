"""The judge behind LlamaIndex's evaluation interface, for its batch runners and dashboards.

LlamaIndex's own FaithfulnessEvaluator asks yes or no about a whole answer and takes what it cannot
read for a no; here every sentence is judged, and an answer that could not be is `invalid_result`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from llama_index.core.evaluation import BaseEvaluator, EvaluationResult
from llama_index.core.prompts.mixin import PromptDictType

from rag.judge import Judge
from rag.sentences import sentence_spans

__all__ = ["JudgeEvaluator"]


class JudgeEvaluator(BaseEvaluator):
    """Faithfulness of a response to its contexts: passing when every sentence is supported, `score`
    the mean over the sentences, `feedback` the reasons."""

    def __init__(self, judge: Judge) -> None:
        super().__init__()
        self._judge = judge

    async def aevaluate(
        self,
        query: str | None = None,
        response: str | None = None,
        contexts: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> EvaluationResult:
        """Judge a response against its contexts. Raises ValueError without either."""
        del kwargs
        if not response or not contexts:
            raise ValueError("a response and its contexts are needed")
        sentences = [response[start:end] for start, end in sentence_spans(response)]
        evidence = [contexts] * len(sentences)
        verdicts = await asyncio.to_thread(self._judge.verdicts, sentences, evidence)
        unchecked = [verdict for verdict in verdicts if verdict.label == "unchecked"]
        result = EvaluationResult(
            query=query,
            response=response,
            contexts=contexts,
            feedback="\n".join(verdict.reason for verdict in verdicts),
        )
        if unchecked or not verdicts:
            result.invalid_result = True
            result.invalid_reason = unchecked[0].reason if unchecked else "nothing to judge"
            return result
        result.passing = all(verdict.label == "supported" for verdict in verdicts)
        result.score = sum(verdict.score for verdict in verdicts) / len(verdicts)
        return result

    def _get_prompts(self) -> PromptDictType:
        return {}

    def _update_prompts(self, prompts_dict: PromptDictType) -> None:
        """The prompts are files of this package."""
