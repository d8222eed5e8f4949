"""What models write besides an answer: marks, reasoning, wrappings, loops, "I do not know"."""
