"""Keeps a client within its rate limit."""
