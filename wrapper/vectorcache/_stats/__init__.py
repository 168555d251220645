"""Counts the calls of a client."""
