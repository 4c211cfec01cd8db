"""How does one entry of a log change what is known? The one place that every replay calls."""

from assay.features.state import FeatureState
from assay.runtime.ports import Entry


def fold(state: FeatureState, entry: Entry) -> None:
    """Apply one entry of a log to a state; entries come in ``seq`` order.

    The verdict on lateness is taken as stored, never derived again.

    Raises:
        Invalid: the features cannot take the event; nothing has changed then.
    """
    if entry.accepted:
        state.apply(entry.event)
