"""Passages in a LlamaIndex pipeline: offsets are exact, also where text is repeated."""

from __future__ import annotations

from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.schema import Document
from store_support import essay

from rag.nodes import PassageNode, PassageParser, document
from rag.schema import Passage

PARSER = PassageParser(count_tokens=len)


def test_repeated_text_has_its_own_offsets() -> None:
    paragraph = "The same paragraph stands twice in this essay, word for word, with 42 in it. " * 4
    one = essay("r/a.txt", [paragraph, "# 中间", "Something else stands between.", paragraph])
    nodes = IngestionPipeline(transformations=[PARSER], disable_cache=True).run(
        documents=[document(one)]
    )
    assert len(nodes) > 2
    starts = []
    for node in nodes:
        assert isinstance(node, PassageNode)
        assert isinstance(node.passage, Passage)
        assert one.text[node.start_char_idx : node.end_char_idx] == node.passage.raw
        assert node.ref_doc_id == "r/a.txt"
        assert node.metadata == {}
        starts.append(node.start_char_idx)
    assert starts == sorted(set(starts))


def test_documents_from_elsewhere() -> None:
    text = "五层蛋糕是哪五层？能源、芯片、基础设施、模型和应用。"
    (node,) = PARSER.get_nodes_from_documents([Document(id_="x", text=text)])
    assert isinstance(node, PassageNode)
    assert (node.passage.source, node.passage.raw, node.passage.language) == ("x", text, "zh")


def test_nodes_can_be_serialised() -> None:
    (node,) = PARSER.get_nodes_from_documents([document(essay("r/a", ["One line of text."]))])
    assert "One line of text." in node.model_dump_json()
