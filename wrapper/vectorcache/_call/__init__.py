"""Decides everything about one call, and never waits."""
