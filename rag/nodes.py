"""Essays and passages as LlamaIndex documents and nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import (
    BaseNode,
    Document,
    MediaResource,
    NodeRelationship,
    RelatedNodeInfo,
    TextNode,
    TransformComponent,
)
from pydantic import Field

from rag import fold
from rag.clean import clean
from rag.schema import Essay, Passage
from rag.split import split

__all__ = ["EssayDocument", "PassageNode", "PassageParser", "PassageStep", "document"]


class EssayDocument(Document):
    """An essay. The text is the decoded one, that offsets point into."""

    essay: Any = Field(exclude=True, description="the Essay")


class PassageNode(TextNode):
    """A passage. Its text is the cleaned one, its character indices are in the decoded text."""

    passage: Any = Field(exclude=True, description="the Passage")


class PassageParser(NodeParser):
    """Cleans and splits documents into passages; works in any LlamaIndex pipeline."""

    count_tokens: Callable[[str], int] = Field(exclude=True, description="the embedder's count")

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex serialises it under."""
        return "PassageParser"

    def _parse_nodes(
        self,
        nodes: Sequence[BaseNode],
        show_progress: bool = False,  # noqa: ARG002  # the interface's
        **kwargs: Any,  # noqa: ARG002  # the interface's
    ) -> list[BaseNode]:
        return [node for one in nodes for node in self._parse(one)]

    def _postprocess_parsed_nodes(
        self,
        nodes: list[BaseNode],
        parent_doc_map: dict[str, Document],  # noqa: ARG002  # the interface's
    ) -> list[BaseNode]:
        # LlamaIndex would look for each node's text in the document and take the first place where
        # it stands for its offsets; the passages know theirs.
        return nodes

    def _parse(self, parent: BaseNode) -> list[PassageNode]:
        essay = parent.essay if isinstance(parent, EssayDocument) else _essay(parent)
        cleaned = clean(essay.text, start=essay.body_start, markdown=essay.markdown)
        source = parent.as_related_node_info()
        return [_node(passage, source) for passage in split(essay, cleaned, self.count_tokens)]


class PassageStep(TransformComponent):
    """A step of a pipeline that takes the passages and leaves the nodes as they are."""

    take: Callable[[Sequence[Passage]], None] = Field(exclude=True, description="is given them all")

    def __call__(self, nodes: Sequence[BaseNode], **_: Any) -> Sequence[BaseNode]:
        """Hand over the passages of the nodes."""
        self.take([node.passage for node in nodes if isinstance(node, PassageNode)])
        return nodes


def document(essay: Essay) -> EssayDocument:
    """An essay as a document, without metadata that would be embedded with its text."""
    return EssayDocument(
        id_=essay.source, text_resource=MediaResource(text=essay.text), essay=essay
    )


def _essay(parent: BaseNode) -> Essay:
    """A document that comes from elsewhere."""
    text = parent.get_content()
    title = str(parent.metadata.get("title", ""))
    return Essay(parent.node_id, text, parent.hash, title, language=fold.language(text))


def _node(passage: Passage, source: RelatedNodeInfo) -> PassageNode:
    return PassageNode(
        id_=passage.id,
        text=passage.text,
        start_char_idx=passage.start,
        end_char_idx=passage.end,
        relationships={NodeRelationship.SOURCE: source},
        passage=passage,
    )
