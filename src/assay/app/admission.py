"""May the model that was loaded still decide? Asked while serving; the answer takes the model away.

`Admission.ask` reads governance and may wait for a disk; `Admission.apply` changes what decides and
belongs to the engine's thread. Between them a reason is carried, empty when all is well.
"""

import logging
from collections.abc import Callable

from assay.core.errors import AssayError
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.redecide import Scorer
from assay.governance.facts import Facts
from assay.runtime.governance import Governance

#: The gate is asked in full at least this often: approvals end without anybody's act.
FULL_EVERY_S = 60.0

_log = logging.getLogger("assay.admission")


class Admission:
    """Keeps asking the gate about the version that decides.

    While the gate refuses, the version's policy decides without its model: its declared fallback
    holds and every decision says that the model was unavailable. A policy of rules only has no
    model to take away; it goes on and is reported all the same.

    Args:
        governance: whose gate is asked.
        key: of the version.
        policy: of the version.
        scorer: of the version.
        use: puts a policy and a scorer into force; see `Versions.use`.
    """

    def __init__(
        self,
        governance: Governance,
        key: str,
        policy: CompiledPolicy,
        scorer: Scorer | None,
        use: Callable[[CompiledPolicy, Scorer | None], None],
    ) -> None:
        self._governance, self._key, self._policy = governance, key, policy
        self._scorer, self._use = scorer, use
        self._why, self._answer = "", ""
        self._asked: float | None = None
        self._facts: Facts | None = None

    @property
    def why_withdrawn(self) -> str:
        """Why the model does not decide now; empty while it may."""
        return self._why

    def ask(self, seconds: float) -> str:
        """Why the version may not decide, empty when it may.

        What is on file about it is read every time; the whole gate, which checks the audit log
        from its first entry, only when that changed or `FULL_EVERY_S` have passed.

        Args:
            seconds: a time that never goes back.
        """
        try:
            facts = self._governance.status(self._key)
            due = self._asked is None or seconds - self._asked >= FULL_EVERY_S
            if due or facts != self._facts:
                self._answer = self._judge()
                self._asked, self._facts = seconds, facts
        except Exception as error:  # noqa: BLE001 - a gate that cannot be asked has not admitted
            self._asked, self._answer = None, f"the gate cannot be asked: {error}"
        return self._answer

    def apply(self, why: str) -> None:
        """Take the model away, or put it back; on the engine's thread."""
        if bool(why) != bool(self._why):
            self._use(self._policy, None if why else self._scorer)
            if why:
                _log.error("%s is withdrawn, no model decides: %s", self._key, why)
            else:
                _log.warning("%s is admitted again", self._key)
        self._why = why

    def _judge(self) -> str:
        policy = self._policy.policy
        try:
            self._governance.admit(policy.model, policy.digest)
        except AssayError as error:
            return str(error)
        return ""
