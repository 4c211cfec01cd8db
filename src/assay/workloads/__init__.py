"""Ready-made definitions: contracts, features, rules and policy of each use."""
