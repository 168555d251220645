"""Vectorcache in web frameworks and other libraries: a module for each, behind an extra."""
