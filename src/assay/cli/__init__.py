"""Commands, one file per verb group."""
