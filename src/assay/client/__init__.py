"""Calling Assay from Python: decisions with a declared answer when none comes."""

from assay.client.client import Client
from assay.client.decision import Decision, Reason

__all__ = ["Client", "Decision", "Reason"]
