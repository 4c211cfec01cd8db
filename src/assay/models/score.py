"""What did the model say? One raw score and one calibrated probability, or why neither."""

import msgspec


class Score(msgspec.Struct, frozen=True):
    """What the model said: ``raw`` log-odds and calibrated ``probability``, both as doubles.

    Both are None when it could not answer, and ``why`` then holds the reason code.
    """

    raw: float | None
    probability: float | None
    why: str = ""
