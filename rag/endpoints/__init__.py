"""Servers that models answer at: which, how they are reached, what they send and how they fail.

`rag.llm` talks to one.
"""
