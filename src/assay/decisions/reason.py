"""What does a reason code mean, to an analyst and to the customer?

Codes are stable: they stand in stored records, so one is never reused for another meaning. The
customer's text never tells off: it names neither a list, a rule, a score nor a suspicion, because
a fraudster reads it too, and for sanctions and money laundering the law forbids a hint. The codes
of contributions are feature names; the catalog explains those.
"""

from collections.abc import Iterable, Iterator

import msgspec

from assay.core.errors import Invalid, Unknown
from assay.core.ids import check_name

#: What a customer may be told whatever the reason.
NEUTRAL = "We could not complete this request. Please contact support if you need help."
VERIFY = "We need to confirm it is you before we can continue."
CHECKING = "We are checking your request and will tell you the result soon."
DETAILS = "Some details could not be confirmed. Please check them and try again."
NOTHING = ""


class ReasonText(msgspec.Struct, frozen=True):
    """One code with its text for analysts and its text for the customer (may be empty)."""

    code: str
    analyst: str
    customer: str = NEUTRAL

    def __post_init__(self) -> None:
        check_name(self.code)
        if not self.analyst:
            raise Invalid(f"reason {self.code!r} needs a text for analysts")


class ReasonCatalogue:
    """The codes that may be used and what they mean.

    Raises:
        Invalid: one code with two meanings.
    """

    def __init__(self, texts: Iterable[ReasonText]) -> None:
        self._texts: dict[str, ReasonText] = {}
        for text in texts:
            if self._texts.setdefault(text.code, text) != text:
                raise Invalid(f"reason code {text.code!r} has two meanings")

    def __contains__(self, code: object) -> bool:
        return code in self._texts

    def __iter__(self) -> Iterator[ReasonText]:
        return iter(self._texts.values())

    def get(self, code: str) -> ReasonText:
        """The texts of a code.

        Raises:
            Unknown: it is not in the catalogue; the message names the nearest.
        """
        found = self._texts.get(code)
        if found is None:
            raise Unknown("reason code", code, known=self._texts)
        return found

    def extended(self, texts: Iterable[ReasonText]) -> "ReasonCatalogue":
        """This catalogue with more codes.

        Raises:
            Invalid: a code exists with another meaning.
        """
        return ReasonCatalogue([*self, *texts])


# What decide() itself says.
RISK_LOW = "risk_low"
RISK_ELEVATED = "risk_elevated"
RISK_HIGH = "risk_high"
CAPACITY_USED = "review_capacity_used"
OUTSIDE_APPROVED_USE = "outside_approved_use"
NO_SCORE = "no_score"
SCORE_INVALID = "score_invalid"

STANDARD = ReasonCatalogue(
    [
        ReasonText(RISK_LOW, "The score is below the review band.", NOTHING),
        ReasonText(RISK_ELEVATED, "The score is in the review band.", CHECKING),
        ReasonText(RISK_HIGH, "The score is in the block band."),
        ReasonText(
            CAPACITY_USED,
            "A review was asked for, but the reviews of the day are used up: the policy's "
            "overflow outcome applies.",
        ),
        ReasonText(
            OUTSIDE_APPROVED_USE,
            "The request is outside the use this policy was approved for, or that cannot be told.",
            CHECKING,
        ),
        ReasonText(NO_SCORE, "The model gave no score; the policy's fallback applies.", CHECKING),
        ReasonText(SCORE_INVALID, "The model gave a score that is not a probability.", CHECKING),
        # What falls back (the engine reports these).
        ReasonText("deadline_exceeded", "A stage missed its deadline.", CHECKING),
        ReasonText("model_unavailable", "The model could not be used.", CHECKING),
        ReasonText("model_failed", "The model raised an error on this request.", CHECKING),
        ReasonText("model_not_needed", "A rule decides alone; the model was not run.", NOTHING),
        ReasonText("features_unavailable", "The feature state could not be read.", CHECKING),
        ReasonText("view_unavailable", "Some of the features could not be read.", CHECKING),
        ReasonText("features_stale", "What some features are made of is out of date.", CHECKING),
        ReasonText("list_unavailable", "A list is missing, corrupt or too old.", CHECKING),
        # What the rules of the delivered workloads say; a workload may add its own (``extended``).
        ReasonText("sanctions_potential_match", "The name may be on a sanctions list.", CHECKING),
        ReasonText("card_reported_stolen", "The card is reported stolen."),
        ReasonText("device_blocked", "The device is blocked after a confirmed case."),
        ReasonText("corporate_allowance", "The account is trusted under a contract.", NOTHING),
        ReasonText("card_testing_velocity", "Many failed payments or cards tried.", VERIFY),
        ReasonText("sign_in_impossible", "Signed in from places too far apart in time.", VERIFY),
        ReasonText("password_guessed", "Failed sign-ins, then one from a new device.", VERIFY),
        ReasonText("off_platform_payment", "The message asks for payment elsewhere.", CHECKING),
        ReasonText("pasted_link", "One text with a link from several accounts.", CHECKING),
        ReasonText("recent_confirmed_fraud", "Confirmed fraud on a shared identifier.", CHECKING),
        ReasonText("dear_first_booking", "A new account, a large amount, a foreign card.", VERIFY),
        ReasonText("above_issuer_limit", "The amount is above the issuer's limit.", CHECKING),
        ReasonText("terminal_under_attack", "Recent payments here were mostly fraud.", VERIFY),
        ReasonText("far_above_own_maximum", "Far more than was ever paid before.", VERIFY),
        # What rules commonly say.
        ReasonText("denied_entity", "The entity is on a deny list."),
        ReasonText("trusted_entity", "The entity is on an allow list.", NOTHING),
        ReasonText("linked_to_fraud", "Shares an identifier with confirmed fraud.", CHECKING),
        ReasonText("velocity_high", "Unusually many events in a short time.", VERIFY),
        ReasonText("failed_attempts", "Unusually many failed attempts before this one.", VERIFY),
        ReasonText("amount_high", "The amount is above the limit of the policy.", VERIFY),
        ReasonText("amount_unusual", "The amount is far from what is usual here.", VERIFY),
        ReasonText("new_account", "The account is new.", VERIFY),
        ReasonText("new_device", "The device was not seen with this account before.", VERIFY),
        ReasonText("new_instrument", "The instrument was not seen with this account.", VERIFY),
        ReasonText("location_mismatch", "Locations in the request disagree.", VERIFY),
        ReasonText("account_takeover", "Signs of an account in other hands.", VERIFY),
        ReasonText("message_suspicious", "The message looks like a known deception.", CHECKING),
        ReasonText("listing_suspicious", "Signs of a listing that does not exist.", CHECKING),
        ReasonText("collusion_suspected", "Signs that both sides act together.", CHECKING),
        ReasonText("details_missing", "Information needed for a decision is missing.", DETAILS),
    ]
)
