"""The usual way in two libraries, thirty lines each, with the same encoder and the same model.

They stand beside essay-rag in `eval.bench`. Both follow their library's own first tutorial: default
splitting, five passages, the question put to the model with the passages before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from eval.bench_endpoint import CONTEXT, MODEL
from rag.embed import as_llama_index
from rag.encoders.encoder import Encoder

__all__ = ["BASELINES", "Baseline", "LangChainBaseline", "LlamaIndexBaseline", "missing"]

K = 5
Found = tuple[str, str]
"""A file's name and the words of a passage in it."""


class Baseline(Protocol):
    """What the benchmark asks of a system."""

    def ingest(self, folder: Path) -> None:
        """Read in the files of `folder`, and keep what was made."""

    def retrieve(self, question: str) -> list[Found]:
        """The nearest passages, best first."""

    def stream(self, question: str) -> Iterator[str]:
        """The model's answer, piece by piece."""


class LlamaIndexBaseline:
    """A folder, a vector index in memory that is kept as files, a query engine."""

    def __init__(self, home: Path, encoder: Encoder, base_url: str = "") -> None:
        from llama_index.core import StorageContext, load_index_from_storage
        from llama_index.llms.openai_like import OpenAILike

        self._home = str(home)
        self._embedding = as_llama_index(encoder)
        self._llm = OpenAILike(
            model=MODEL, api_base=base_url, api_key="none", is_chat_model=True,
            context_window=CONTEXT,
        )  # fmt: skip
        self._index: Any = None
        if (home / "docstore.json").exists():
            storage = StorageContext.from_defaults(persist_dir=self._home)
            self._index = load_index_from_storage(storage, embed_model=self._embedding)

    def ingest(self, folder: Path) -> None:
        from llama_index.core import SimpleDirectoryReader, VectorStoreIndex

        documents = SimpleDirectoryReader(str(folder), recursive=True).load_data()
        self._index = VectorStoreIndex.from_documents(documents, embed_model=self._embedding)
        self._index.storage_context.persist(self._home)

    def retrieve(self, question: str) -> list[Found]:
        nodes = self._index.as_retriever(similarity_top_k=K).retrieve(question)
        return [(node.metadata["file_name"], node.text) for node in nodes]

    def stream(self, question: str) -> Iterator[str]:
        engine = self._index.as_query_engine(llm=self._llm, streaming=True, similarity_top_k=K)
        yield from engine.query(question).response_gen


class LangChainBaseline:
    """Pieces of a thousand characters in Chroma, and a chain: retriever, prompt, model."""

    def __init__(self, home: Path, encoder: Encoder, base_url: str = "") -> None:
        from langchain_chroma import Chroma

        embedding: Any = _Embeddings(encoder)
        self._store = Chroma("essays", embedding, persist_directory=str(home))
        self._base_url = base_url

    def ingest(self, folder: Path) -> None:
        from langchain_core.documents import Document
        from langchain_text_splitters import RecursiveCharacterTextSplitter

        documents = [
            Document(path.read_bytes().decode(), metadata={"source": path.name})
            for path in sorted(folder.rglob("*"))
        ]
        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        self._store.add_documents(splitter.split_documents(documents))

    def retrieve(self, question: str) -> list[Found]:
        found = self._store.as_retriever(search_kwargs={"k": K}).invoke(question)
        return [(document.metadata["source"], document.page_content) for document in found]

    def stream(self, question: str) -> Iterator[str]:
        yield from self._chain().stream(question)

    def _chain(self) -> Any:
        import openai
        from langchain_core.prompts import ChatPromptTemplate
        from langchain_core.runnables import RunnableLambda, RunnablePassthrough

        client = openai.OpenAI(base_url=self._base_url, api_key="none")

        def model(prompt: Any) -> Iterator[str]:
            asked: Any = [{"role": "user", "content": prompt.to_string()}]
            for part in client.chat.completions.create(model=MODEL, messages=asked, stream=True):
                yield part.choices[0].delta.content or ""

        prompt = ChatPromptTemplate.from_template(
            "Answer the question based only on the following context:\n{context}\n\n"
            "Question: {question}"
        )
        retriever = self._store.as_retriever(search_kwargs={"k": K})
        joined = retriever | (lambda found: "\n\n".join(piece.page_content for piece in found))
        asking: Any = {"context": joined, "question": RunnablePassthrough()}
        return asking | prompt | RunnableLambda(model)


class _Embeddings:
    """The encoder as LangChain calls one."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def embed_documents(self, texts: Sequence[str]) -> list[list[float]]:
        rows: list[list[float]] = self._encoder.passages(texts).tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        row: list[float] = self._encoder.query(text).tolist()
        return row


BASELINES: dict[str, Callable[[Path, Encoder, str], Baseline]] = {
    "LlamaIndex": LlamaIndexBaseline,
    "LangChain": LangChainBaseline,
}

NEEDED = {
    "LlamaIndex": ("llama_index.core", "llama_index.llms.openai_like"),
    "LangChain": ("langchain_core", "langchain_chroma", "langchain_text_splitters"),
}


def missing(system: str) -> list[str]:
    """The modules that a baseline needs and that are not installed."""
    return [name for name in NEEDED.get(system, ()) if not _there(name)]


def _there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is not there
        return False
