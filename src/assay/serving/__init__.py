"""HTTP in, decisions out."""
