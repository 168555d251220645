"""Sends requests over connections, and waits for their answers."""
