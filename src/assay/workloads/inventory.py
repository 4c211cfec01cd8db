"""What training hands to the inventory: the digests of what was made, and by whom."""

import msgspec


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """One trained version: digests of model, policy, frame, catalog and environment, and people."""

    version: int
    model: str | None
    policy: str
    frame: str
    catalog: str
    environment: str
    owner: str
    developers: tuple[str, ...]
