"""The composition root: settings and wiring."""
