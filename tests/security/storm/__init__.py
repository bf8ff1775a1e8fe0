"""Hostile requests by the thousand against the real web server; `python -m tests.security.storm --help`."""
