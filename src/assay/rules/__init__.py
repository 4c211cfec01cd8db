"""Conditions as data: CEL, typed against contract and catalog; lists."""
