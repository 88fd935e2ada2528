"""Measurements against other tools; see benchmarks/README.md."""
