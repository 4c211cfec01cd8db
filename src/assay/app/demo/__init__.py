"""The main job, end to end, as a newcomer first meets it."""
