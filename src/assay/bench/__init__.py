"""How fast, beside whom: benchmarks with a peer in the same run."""
