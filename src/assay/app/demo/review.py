"""Who works the queue of the demo? Simulated reviewers: they know the truth, and err at times."""

from collections.abc import Callable, Mapping

import numpy as np

from assay.app.demo.server import fetch, post

_AT_ONCE = 500
#: Cases that stay in the queue, so that whoever opens the console afterwards finds some.
LEFT_OPEN = 12


def work_queue(
    address: tuple[str, int],
    token: str,
    frauds: Mapping[str, bool],
    *,
    error: float,
    seed: int,
    progress: Callable[[int], None],
) -> dict[str, bool]:
    """Close the waiting cases over HTTP, but leave some to try by hand; verdicts by request id.

    Args:
        address: host and port of the server.
        token: of a reviewer.
        frauds: what each request truly was.
        error: probability that a verdict is wrong.
        seed: of the errors.
        progress: called with 1 after each verdict.
    """
    chance = np.random.Generator(np.random.PCG64(seed))
    verdicts: dict[str, bool] = {}
    while len(cases := _waiting(address, token)) > LEFT_OPEN:
        for case in cases[: len(cases) - LEFT_OPEN]:
            request = str(case["event"])
            verdict = frauds[request] ^ bool(chance.random() < error)
            post(*address, f"/v1/cases/{case['id']}/verdict", token, {"fraud": verdict})
            verdicts[request] = verdict
            progress(1)
    return verdicts


def _waiting(address: tuple[str, int], token: str) -> list[dict[str, object]]:
    answer = fetch(*address, f"/v1/cases?limit={_AT_ONCE}", token)
    cases = answer["cases"]
    assert isinstance(cases, list)
    return cases
