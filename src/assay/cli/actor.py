"""Who acts on the command line? Whoever holds the token in ``ASSAY_TOKEN``, and nobody else."""

from assay.app.home import Control
from assay.app.settings import current_environment
from assay.core.errors import Unauthenticated
from assay.runtime.clock import wall_time
from assay.runtime.identity import Identity, authenticate


def actor(control: Control) -> Identity:
    """The identity whose token is in the environment (never an argument: those are visible).

    Raises:
        Unauthenticated: there is none, or it is unknown, revoked or expired.
    """
    token = current_environment().get("ASSAY_TOKEN", "").strip()
    if not token:
        raise Unauthenticated(
            "nobody is signed in: put your token into the variable ASSAY_TOKEN "
            "(`assay token issue NAME` makes one)"
        )
    return authenticate(control.identity, token, wall_time())
