"""Who takes part in the demo? One identity per duty, so that the gate has something to separate."""

import json
import secrets
from pathlib import Path

from assay.core.time import DAY
from assay.runtime.clock import wall_time
from assay.runtime.identity import Identity, IdentityStore, Kind, Role, new_token, new_user

#: Name, kind and roles; nobody holds two duties that the gate keeps apart.
PEOPLE: tuple[tuple[str, Kind, frozenset[Role]], ...] = (
    ("demo-developer", "human", frozenset({Role.ENGINEER})),
    ("demo-validator", "human", frozenset({Role.VALIDATOR})),
    ("demo-approver", "human", frozenset({Role.APPROVER})),
    ("demo-reviewer", "human", frozenset({Role.REVIEWER})),
    ("demo-auditor", "human", frozenset({Role.AUDITOR})),
    ("demo-service", "service", frozenset({Role.SERVICE})),
    (
        "demo-browser",
        "human",
        frozenset({Role.ENGINEER, Role.REVIEWER, Role.AUDITOR}),
    ),
)
TOKENS_FILE = "demo-tokens.json"
_TERM = 30 * DAY


def enrol(store: IdentityStore, home: Path) -> dict[str, Identity]:
    """Create the identities and one token each; the texts go to a file only its owner may read.

    ``demo-browser`` is for looking at everything in the console; it approves nothing.
    """
    now = wall_time()
    tokens: dict[str, str] = {}
    identities: dict[str, Identity] = {}
    for name, kind, roles in PEOPLE:
        user = new_user(name, kind, roles, now)
        text, token = new_token(name, secrets.token_bytes(38), now, now + _TERM)
        store.add_user(user)
        store.add_token(token)
        tokens[name] = text
        identities[name] = Identity(name, user.kind, roles, token.id, token.expires_at)
    path = home / TOKENS_FILE
    path.touch(mode=0o600)
    path.write_text(json.dumps(tokens, indent=2) + "\n", encoding="utf-8")
    return identities


def tokens_of(home: Path) -> dict[str, str]:
    """The tokens of a demo home by user name."""
    found = json.loads((home / TOKENS_FILE).read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found
