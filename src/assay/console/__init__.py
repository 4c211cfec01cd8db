"""Pages for reviewers, engineers and validators."""
