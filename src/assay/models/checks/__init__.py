"""Is the model good enough, and can somebody else see why? Tests whose results are evidence."""
