"""Candidates for a question and their order: what `rag.retrieve` does between question and hits."""
