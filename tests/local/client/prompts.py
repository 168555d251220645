"""A question, and the same one in other words."""

RESET = "How do I reset my password?"
RESET_AGAIN = "I forgot my password, how can I reset it?"
