"""What can go wrong, typed by what the caller can do next.

    RagError
    ├── ConfigError            a setting is wrong or unknown
    ├── InvalidArgument        a call was given what it cannot take; also a ValueError
    ├── LoadError              a file cannot be read as an essay
    │   └── UnknownFormat
    ├── SourceNotFound         no essay of that name is ingested
    ├── IndexFault             the index cannot be used as it is
    │   ├── NothingIngested
    │   ├── IndexMismatch      made with other settings or another version
    │   └── IndexBusy          another process is writing
    ├── EvalFault              an eval cannot be run or compared
    └── EndpointError          the model's endpoint
        ├── EndpointUnreachable
        ├── EndpointTimeout
        ├── EndpointDenied     401, 403
        ├── ModelNotFound      404
        ├── RateLimited        429
        ├── ServerFault        5xx and what is no chat completion
        ├── ContextOverflow    the prompt does not fit the model
        ├── StreamBroken       the answer broke off
        └── EmptyAnswer        the model said nothing

Every message says what happened, with the facts, and then what to do. The command line shows it as
it is and the page shows it as a sentence, so it is written for the person who asked.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "ConfigError",
    "ContextOverflow",
    "EmptyAnswer",
    "EndpointDenied",
    "EndpointError",
    "EndpointTimeout",
    "EndpointUnreachable",
    "EvalFault",
    "IndexBusy",
    "IndexFault",
    "IndexMismatch",
    "InvalidArgument",
    "LoadError",
    "ModelNotFound",
    "NothingIngested",
    "RagError",
    "RateLimited",
    "ServerFault",
    "SourceNotFound",
    "StreamBroken",
    "UnknownFormat",
]


class RagError(Exception):
    """Something that a person can mend. `what` happened, and what to `do` about it.

    `variables` are those of the environment that it is about, as its words name them: where they
    were set elsewhere, as in a form, others can be put in their place.
    """

    def __init__(self, what: str, do: str = "", *, variables: Sequence[str] = ()) -> None:
        super().__init__(what, do)
        self.what = what
        self.do = do
        self.variables = tuple(variables)

    def __str__(self) -> str:
        return f"{self.what} {self.do}".strip()


class ConfigError(RagError):
    """A setting is wrong or unknown."""


class InvalidArgument(RagError, ValueError):
    """A call was given what it cannot take."""


class LoadError(RagError):
    """A file cannot be read as an essay."""


class UnknownFormat(LoadError):
    """No reader is registered for this kind of file."""


class SourceNotFound(RagError):
    """No essay of that name is ingested."""


class IndexFault(RagError):
    """The index cannot be used as it is."""


class NothingIngested(IndexFault):
    """There is no essay to ask yet."""


class IndexMismatch(IndexFault):
    """The index was made with another embedder, splitter or cleaner than this one."""


class IndexBusy(IndexFault):
    """Another process is writing to the index."""


class EvalFault(RagError):
    """An evaluation cannot be run or compared."""


class EndpointError(RagError):
    """The model's endpoint did not give an answer. Never the same as "no answer found"."""


class EndpointUnreachable(EndpointError):
    """Nothing listens there, or the connection was refused."""


class EndpointTimeout(EndpointError):
    """The endpoint did not answer in time."""


class EndpointDenied(EndpointError):
    """401 or 403: the key is missing or wrong."""


class ModelNotFound(EndpointError):
    """404: the endpoint does not have this model."""


class RateLimited(EndpointError):
    """429: too many requests, or no credit left."""


class ServerFault(EndpointError):
    """5xx, or an answer that is no chat completion."""


class ContextOverflow(EndpointError):
    """The prompt does not fit the model's context. `limit` in tokens, as told, or 0."""

    limit: int = 0


class StreamBroken(EndpointError):
    """The answer broke off before its end."""


class EmptyAnswer(EndpointError):
    """The model said nothing."""
