"""What comes in: event contracts, typed decode, labels, quarantine reasons."""
