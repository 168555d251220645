"""Vectorcache in web frameworks and LLM libraries: one module for each, with an extra each."""
