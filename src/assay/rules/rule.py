"""What a rule is: a CEL condition over event fields, features and list memberships, as a value."""

from typing import Literal

import msgspec

from assay.core.ids import check_name

#: ``hard`` rules run first and cannot be overruled; ``allow`` silences soft rules and the model.
Strength = Literal["hard", "soft", "allow"]
Asked = Literal["approve", "challenge", "review", "hold", "block"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """When ``when`` holds, the rule asks for ``then``; when it cannot tell, for ``if_unknown``.

    ``when`` is CEL that must type-check as bool over the variables of the policy. It "cannot
    tell" as soon as any variable it mentions is not known, or its evaluation fails. ``code`` is
    the stable internal reason code.
    """

    name: str
    when: str
    then: Asked
    strength: Strength = "soft"
    if_unknown: Asked = "approve"
    code: str = ""
    owner: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)


class ListUse(msgspec.Struct, frozen=True, kw_only=True):
    """A list a policy consults: variable ``name`` is true when the entry of ``field`` is on it.

    ``owner`` may change entries under their own mandate without a new policy; ``age_max`` is the
    oldest snapshot (microseconds) that may be used: an older, missing or corrupt one makes the
    variable "not known". ``normalise`` folds case, accents and spacing of names first.
    """

    name: str
    field: str
    owner: str
    age_max: int
    normalise: bool = False

    def __post_init__(self) -> None:
        check_name(self.name)
