"""Is this card payment fraud? Contracts, features, rules and policy of a card issuer."""
