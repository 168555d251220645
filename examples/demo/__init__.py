"""A tour of semantic caching in the terminal, and a prompt for your own questions."""
