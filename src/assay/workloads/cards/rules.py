"""Which payments does a condition decide about, whatever the model says?

Few and plain: the model finds the patterns. A rule stays where a limit is the issuer's own choice
or where a person must be able to read why a payment was stopped.
"""

from assay.rules.rule import Rule

RULES = (
    Rule(
        name="above_issuer_limit",
        when="amount > 500000",
        then="hold",
        strength="hard",
        if_unknown="hold",
        code="above_issuer_limit",
        owner="card-risk",
        about="The issuer lets nothing above 5,000.00 pass without a person.",
    ),
    Rule(
        name="terminal_under_attack",
        when=(
            "terminal_ordinary_frauds_7d >= 3 && terminal_last_was_fraud_60d"
            " && terminal_risk_7d > 0.8"
        ),
        then="challenge",
        code="terminal_under_attack",
        owner="card-risk",
        about="Nearly all recently settled payments at this terminal were fraud.",
    ),
    Rule(
        name="far_above_own_maximum",
        when="customer_count_30d >= 10 && amount_to_max_ever > 2.0",
        then="challenge",
        code="far_above_own_maximum",
        owner="card-risk",
        about="More than twice the largest amount this customer ever paid.",
    ),
)
