"""A claim beside its evidence: everything that can be wrong about it, a module for each sort.

`statement` takes both apart once, `comparison` asks all the others, `reasons` says what they found;
`rag.verify` makes a verdict of it.
"""
