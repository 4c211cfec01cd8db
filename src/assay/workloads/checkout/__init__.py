"""Should this booking go through? Contracts, features, rules and policy of a marketplace."""
