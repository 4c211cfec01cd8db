"""What every test is given: a process that logs as if no server had ever been started in it."""

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command that serves sets up logging for all of its process, to a stream of one test."""
    root = logging.getLogger()
    before, level, configured = list(root.handlers), root.level, structlog.is_configured()
    yield
    if structlog.is_configured() and not configured:
        structlog.reset_defaults()
        root.handlers = [*before, *(h for h in root.handlers if h.__module__.startswith("_pytest"))]
        root.setLevel(level)
