"""What does a server do that nobody asked for? It keeps asking whether its model may decide."""

import asyncio
import logging
from time import monotonic

from assay.app.platform import Platform

#: A suspended model stops deciding within about this.
ASK_EVERY_S = 1.0

_log = logging.getLogger("assay.upkeep")


async def upkeep(platform: Platform) -> None:
    """Work until cancelled, on the loop whose thread is the engine's."""
    while True:
        try:
            await _admission(platform)
        except Exception:  # noqa: BLE001 - the next round tries again; a server must not lose its upkeep
            _log.exception("upkeep failed")
        await asyncio.sleep(ASK_EVERY_S)


async def _admission(platform: Platform) -> None:
    if platform.admission is not None:
        platform.admission.apply(await platform.off(platform.admission.ask, monotonic()))
