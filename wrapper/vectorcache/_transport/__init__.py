"""Sends requests and waits for them, and decides nothing."""
