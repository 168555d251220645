"""Answers many prompts, several at a time."""
