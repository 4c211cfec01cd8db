"""How does an append-only table give up what a person has the right to see gone?

The guards are taken off, rows are replaced by tombstones, refused bodies go, the guards are put
back: all inside the transaction that appends the receipt, so that a crash leaves all or nothing.
"""

import sqlite3
from collections.abc import Sequence

from assay.adapters.sqlite.log_quarantine import remove_from
from assay.adapters.sqlite.log_rows import encode_row
from assay.core.errors import Conflict
from assay.runtime.ports import Entry

_UPDATE = "UPDATE entry SET event = ?, key = ?, decision = ?, body = ?, record = ?, checksum = ? "


def replace_rows(
    connection: sqlite3.Connection,
    guards: Sequence[str],
    stones: Sequence[Entry],
    refusals: Sequence[int],
) -> None:
    """Put tombstones in place of entries and remove refusals, inside the caller's transaction.

    Args:
        connection: of the log, in a transaction.
        guards: the statements that create the triggers of the table.
        stones: the tombstones.
        refusals: ids in the quarantine.

    Raises:
        Conflict: a tombstone has no row.
    """
    for statement in guards:
        connection.execute(f"DROP TRIGGER IF EXISTS {statement.split()[2]}")
    for stone in stones:
        _replace(connection, stone)
    remove_from(connection, refusals)
    for statement in guards:
        connection.execute(statement)


def _replace(connection: sqlite3.Connection, stone: Entry) -> None:
    seq, event, key, decision, body, record, checksum = encode_row(stone)
    values = (event, key, decision, body, record, checksum, seq)
    if connection.execute(f"{_UPDATE} WHERE seq = ?", values).rowcount != 1:
        raise Conflict(f"there is no entry {seq} to erase")
