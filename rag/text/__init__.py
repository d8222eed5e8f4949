"""What is in a file: its bytes as text, what it says of itself, and the marks in its lines.

`rag.load` and `rag.clean` put these together.
"""
