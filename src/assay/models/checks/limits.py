"""How good is good enough? The limits that test results are judged by, as one hashed value."""

import msgspec

from assay.core.errors import Invalid


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the development and validation tests; a stricter tier passes stricter ones.

    Args:
        auc_min: the lower end of the AUC's interval on the test slice must reach it.
        precision_lift_min: average precision over the base rate.
        overfit_max: AUC on the fit slice minus AUC on the test slice.
        recall_min: share of frauds found within the review capacity of each day.
        ece_max: expected calibration error in ten equal-width bins.
        slope_low, slope_high: of the calibration line.
        fraud_ratio_low, fraud_ratio_high: realised over forecast frauds on the test slice.
        score_psi_max, input_psi_max: stability of score and of any input, fit against test.
        saving_min: cost saved against approving everything, as a share of that cost.
        single_input_auc_max: an input that alone exceeds it is suspected of knowing the outcome.
        mature_share_min: share of fraud labels that arrive within the maturity.
        flip_share_max: share of requests whose band changes when one input moves by 10 %.
        segment_auc_min: in any segment with enough frauds.
        segment_gap_max: forecast minus realised fraud rate in any segment with enough rows.
        segment_frauds_min, segment_rows_min: below them a segment is reported but not judged.
        challenger_gap_max: by how much a plain logistic regression's AUC may exceed the model's.
        missing_auc_min: AUC with any one input missing everywhere.
        confidence: of all intervals.
        draws: of bootstraps.
    """

    auc_min: float = 0.70
    precision_lift_min: float = 3.0
    overfit_max: float = 0.12
    recall_min: float = 0.20
    ece_max: float = 0.02
    slope_low: float = 0.6
    slope_high: float = 1.6
    fraud_ratio_low: float = 0.5
    fraud_ratio_high: float = 2.0
    score_psi_max: float = 0.25
    input_psi_max: float = 0.50
    saving_min: float = 0.05
    single_input_auc_max: float = 0.95
    mature_share_min: float = 0.75
    flip_share_max: float = 0.05
    segment_auc_min: float = 0.60
    segment_gap_max: float = 0.03
    segment_frauds_min: int = 15
    segment_rows_min: int = 500
    challenger_gap_max: float = 0.01
    missing_auc_min: float = 0.60
    confidence: float = 0.95
    draws: int = 300

    def __post_init__(self) -> None:
        if not 0.0 < self.confidence < 1.0 or self.draws < 100:
            raise Invalid(
                f"expected a confidence in (0, 1) and 100 draws or more, got {self.confidence} "
                f"and {self.draws}"
            )
