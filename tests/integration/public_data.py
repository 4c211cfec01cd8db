"""Where is the public card stream, and what runs only where it is?"""

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_DATA = Path(os.environ.get("ASSAY_DATA", _ROOT.parent / "shared" / "data"))
CARD_STREAM = _DATA / "cards" / "transactions_2018-05-10_2018-08-14.parquet"

needs_card_stream = pytest.mark.skipif(
    not CARD_STREAM.is_file(),
    reason=f"the public card stream is not at {CARD_STREAM}: set ASSAY_DATA to the data folder",
)
