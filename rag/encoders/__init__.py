"""Texts to vectors: the two bundled encoders, what was learned on top of them, and an endpoint.

`rag.embed` chooses among them.
"""
