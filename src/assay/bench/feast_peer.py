"""How fast does Feast read 4 entities x 50 values from Redis, in process? Run by its own Python.

One argument: a folder with ``job.json`` (reads, port, at). Prints one JSON object: the seconds of
each read.
Written against Feast's public API; it needs nothing of this project.
"""

import json
import sys
import time
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

warnings.filterwarnings("ignore")

_KEYS, _VALUES, _ENTITIES = ("card", "user", "device", "shop"), 50, 1_000


def main(folder: Path) -> None:
    """Define four views, fill Redis, read, print."""
    import pandas as pd
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType  # type: ignore[import-not-found]
    from feast.types import Int64  # type: ignore[import-not-found]

    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    now = datetime.fromtimestamp(job["at"], tz=UTC)
    config = RepoConfig(
        project="bench",
        registry=str(folder / "registry.db"),
        provider="local",
        online_store={"type": "redis", "connection_string": f"127.0.0.1:{job['port']}"},
        offline_store={"type": "dask"},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    objects, wanted = [], []
    frames = {}
    for key in _KEYS:
        names = [f"{key}_{place}" for place in range(_VALUES)]
        frame = pd.DataFrame({name: range(_ENTITIES) for name in names})
        frame[key] = [f"{key}-{number}" for number in range(_ENTITIES)]
        frame["event_timestamp"] = now
        frame["created"] = now
        path = folder / f"{key}.parquet"
        frame.to_parquet(path)
        entity = Entity(name=key, join_keys=[key], value_type=ValueType.STRING)
        source = FileSource(
            path=str(path), timestamp_field="event_timestamp", created_timestamp_column="created"
        )
        view = FeatureView(
            name=f"{key}_view",
            entities=[entity],
            ttl=timedelta(days=7),
            schema=[Field(name=name, dtype=Int64) for name in names],
            source=source,
        )
        objects += [entity, view]
        wanted += [f"{key}_view:{name}" for name in names]
        frames[f"{key}_view"] = frame
    store.apply(objects)
    for name, frame in frames.items():
        store.write_to_online_store(name, frame)
    seconds = []
    for number in range(job["reads"] + 50):
        row = {key: f"{key}-{(number * 7) % _ENTITIES}" for key in _KEYS}
        start = time.perf_counter()
        found = store.get_online_features(features=wanted, entity_rows=[row]).to_dict()
        seconds.append(time.perf_counter() - start)
        assert found["card_1"] == [(number * 7) % _ENTITIES]
        assert len(found) == len(_KEYS) * (_VALUES + 1)
    print(json.dumps({"seconds": seconds[50:]}))  # noqa: T201 - the answer to who asked


if __name__ == "__main__":
    main(Path(sys.argv[1]))
