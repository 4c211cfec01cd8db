"""Spark as a host: it moves rows by key to workers, which call the kernel of every other path."""
