"""Benchmarks: the same work on Carillon and on a peer, side by side in one run; the ratio is what counts."""
