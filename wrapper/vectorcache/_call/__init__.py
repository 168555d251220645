"""The rules of one call: what to send, what an outcome means, and whether to try again."""
