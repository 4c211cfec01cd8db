"""How does a service ask for a decision? With a budget of time and an answer agreed beforehand.

A retry is safe because an event is idempotent by its id: the platform gives the stored decision.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from assay.client.decision import Decision, decision_from, fallback
from assay.client.problem import error_of
from assay.core.errors import AssayError, Unavailable

#: What a caller may do when no answer comes; there is no default, because it is theirs to say.
OUTCOMES = ("approve", "challenge", "review", "hold", "block")
_PAUSE_S = 0.02


class Client:
    """One keep-alive connection pool to one server; safe to use from several threads.

    Args:
        url: of the server, such as ``https://risk.internal:8460``.
        token: of a service.
        without_answer: the outcome that ``decide`` gives when none comes in time.
        budget_s: seconds ``decide`` may take in all, retries included.
        transport: for tests; None uses the network.
        clock: seconds, never going back; for tests.

    Raises:
        ValueError: ``without_answer`` is no outcome, or the budget is not positive.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        without_answer: str,
        budget_s: float = 1.0,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if without_answer not in OUTCOMES:
            raise ValueError(f"expected one of {', '.join(OUTCOMES)}, got {without_answer!r}")
        if budget_s <= 0:
            raise ValueError(f"expected a budget above 0 s, got {budget_s}")
        self._without_answer, self._budget, self._clock = without_answer, budget_s, clock
        self._http = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {token}"},
            transport=transport,
            timeout=budget_s,
        )

    def decide(self, event: Mapping[str, Any], *, key: str | None = None) -> Decision:
        """The decision on a request event, or the declared fallback when none came in time.

        Args:
            event: the wire form, ``{"id", "type", "ts", "data"}``.
            key: an idempotency key, if the caller has one of its own.

        Raises:
            Rejected: the event breaks its contract; retrying would not help.
            Conflict: the id or key was used with another body.
            Unauthenticated, Forbidden: the token does not do.
        """
        headers = {} if key is None else {"idempotency-key": key}
        end, why = self._clock() + self._budget, "no time"
        while (left := end - self._clock()) > 0:
            try:
                answer = self._send("POST", "/v1/decisions", left, json=event, headers=headers)
                return decision_from(answer)
            except Unavailable as error:
                why = str(error)
            time.sleep(min(_PAUSE_S, max(0.0, end - self._clock())))
        return fallback(self._without_answer, f"no answer within {self._budget:g} s: {why}")

    def send_events(self, events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Have events taken in; one result each, in order, with its ``status``.

        Raises:
            Unavailable: it cannot be told whether they were taken in: send them again.
        """
        answer = self._send("POST", "/v1/events", None, json=list(events))
        results: list[dict[str, Any]] = answer["results"]
        return results

    def retract(self, event_id: str, *, reason: str | None = None) -> dict[str, Any]:
        """Take an event back; doing it twice is doing it once.

        Raises:
            NotFound: the platform does not know the event.
        """
        return self._send("POST", _path(event_id, "retraction"), None, json={"reason": reason})

    def correct(
        self, event_id: str, event: Mapping[str, Any], *, reason: str | None = None
    ) -> dict[str, Any]:
        """Replace an event by another under a new id: both or neither.

        Raises:
            NotFound: the platform does not know the event.
            Conflict: it was taken back before.
        """
        body = {"event": event, "reason": reason}
        return self._send("POST", _path(event_id, "correction"), None, json=body)

    def label(
        self, request_id: str, *, fraud: bool, source: str = "chargeback", ts: str | None = None
    ) -> dict[str, Any]:
        """Say how a request turned out; saying it twice is saying it once.

        Raises:
            NotFound: the platform does not know the request.
        """
        body = {"request_id": request_id, "fraud": fraud, "source": source, "ts": ts}
        return self._send("POST", "/v1/labels", None, json=body)

    def decision(self, decision_id: str) -> Decision:
        """A decision that was made earlier.

        Raises:
            NotFound: there is none of that id.
        """
        return decision_from(self._send("GET", f"/v1/decisions/{decision_id}", None))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def _send(self, method: str, path: str, seconds: float | None, **given: Any) -> dict[str, Any]:
        if seconds is not None:
            given["timeout"] = seconds
        try:
            answer = self._http.request(method, path, **given)
        except httpx.TransportError as error:
            raise Unavailable(f"{type(error).__name__}: {error}") from error
        if answer.status_code != httpx.codes.OK:
            raise _error(answer)
        found: dict[str, Any] = answer.json()
        return found


def _path(event_id: str, act: str) -> str:
    return f"/v1/events/{quote(event_id, safe='')}/{act}"


def _error(answer: httpx.Response) -> AssayError:
    try:
        problem = answer.json()
    except ValueError:  # a proxy's own page, say
        problem = {}
    return error_of(answer.status_code, problem if isinstance(problem, dict) else {})
