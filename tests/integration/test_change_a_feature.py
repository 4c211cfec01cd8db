"""A change file becomes a trained version whose catalog is data, and the validator remakes it."""

import msgspec
import pytest
from tests.integration.test_train_from_log import RECIPE, WORLD

from assay.app import training
from assay.app.definitions import definitions_of
from assay.app.history import import_history
from assay.app.home import Home
from assay.app.workloads import compiled
from assay.core.errors import Corrupt, Invalid
from assay.core.time import DAY
from assay.features.document import parse_change
from assay.simulate.world import simulate
from assay.workloads.checkout.contracts import BOOKING, CONTRACTS

CHANGE = parse_change(
    {
        "change": {"user_bookings_24h": {"window": "36h"}},
        "remove": ["listing_guests_7d"],
        "add": [
            {
                "name": "user_bookings_2h", "source": "booking", "key": ["user_id"],
                "aggregate": "count", "window": "2h",
            }
        ],
    }
)  # fmt: skip


@pytest.mark.slow
def test_a_version_trained_with_a_change_is_made_again_from_its_catalog_alone(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(training.RECIPES, "checkout", RECIPE)
    home = Home(tmp_path_factory.mktemp("home"))
    events = (event for batch in simulate(WORLD) for event in batch.events())
    import_history(home, CONTRACTS, BOOKING, events, horizon=7 * DAY)
    made = training.train_home(home, "checkout", change=CHANGE)
    catalog = made.workload.catalog
    assert "user_bookings_2h" in made.workload.inputs
    assert "listing_guests_7d" not in catalog.names
    again = training.train_home(home, "checkout", catalog=catalog.digest)
    assert (again.model, again.policy_digest) == (made.model, made.policy_digest)
    found = definitions_of(made.policy, "checkout", made.text_model, home.catalogs())
    assert found.inputs == made.workload.inputs
    assert compiled(made.policy, found).catalog.digest == catalog.digest
    plain = training.train_home(home, "checkout")
    assert plain.workload.catalog.digest != catalog.digest
    path = home.path / "catalogs" / f"{catalog.digest.removeprefix('sha256:')}.json"
    forged = msgspec.json.decode(path.read_bytes())
    forged["features"][0]["window"] += 1
    path.write_bytes(msgspec.json.encode(forged))
    with pytest.raises(Corrupt, match="makes sha256:"):
        definitions_of(made.policy, "checkout", made.text_model, home.catalogs())
    with pytest.raises(Invalid, match="'message_score' in version"):
        definitions_of(made.policy, "checkout", None, home.catalogs())
