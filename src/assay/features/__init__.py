"""What we know about an entity at a moment: definitions, exact aggregates, catalog, receipts."""
