"""The trained model and candidate of the model room's tests, for documents of real results."""

from tests.unit.models.conftest import candidate, world

__all__ = ["candidate", "world"]
