"""The imperative shell: read, call the pure row, write."""
