"""Columnar files: events in, values out, and what lies between the stages of a long job."""
