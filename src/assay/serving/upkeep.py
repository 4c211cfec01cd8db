"""What does a server do that nobody asked for? It asks the gate, ends cases, raises alarms."""

import asyncio
import logging
from collections.abc import Awaitable
from time import monotonic

from assay.app.platform import Platform
from assay.runtime.contract_watch import ContractAlarm

#: A suspended model stops deciding within about this.
ASK_EVERY_S = 1.0
#: How long a version that catches up may take steps before the gate is asked again.
CATCH_UP_S, STEP_EVERY_S = 5.0, 0.001
#: A case nobody looked at in time gets its declared outcome within about this.
LAPSE_EVERY_S = 60.0

_log = logging.getLogger("assay.upkeep")


async def upkeep(platform: Platform) -> None:
    """Work until cancelled, on the loop whose thread is the engine's."""
    lapse_at = monotonic()
    broken: frozenset[tuple[str, str]] = frozenset()
    while True:
        await _surviving(_succession(platform))
        broken = _say_broken(platform.alarms(), broken)
        if monotonic() >= lapse_at:
            lapse_at = monotonic() + LAPSE_EVERY_S
            await _surviving(platform.off(platform.desk.lapse))
        await asyncio.sleep(ASK_EVERY_S)


def _say_broken(
    alarms: tuple[ContractAlarm, ...], known: frozenset[tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    """Log what has begun to break or stopped since the last look."""
    places = frozenset((alarm.type, alarm.path) for alarm in alarms)
    for alarm in alarms:
        if (alarm.type, alarm.path) not in known:
            _log.error("a producer has changed: %s; they wait in the quarantine", alarm)
    for event_type, path in known - places:
        _log.warning("%r bodies no longer break at %s", event_type, path)
    return places


async def _surviving(work: Awaitable[object]) -> None:
    try:
        await work
    except Exception:  # noqa: BLE001 - the next round tries again; a server must not lose its upkeep
        _log.exception("upkeep failed")


async def _succession(platform: Platform) -> None:
    succession = platform.succession
    if succession is None:
        return
    succession.apply(await platform.off(succession.ask, monotonic()))
    until = monotonic() + CATCH_UP_S
    while succession.advance() and monotonic() < until:
        await asyncio.sleep(STEP_EVERY_S)
