"""A vector read from row images has the bits of one read from the owner's state."""

import struct

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from tests.property.features.worlds import CATALOG, CONTRACTS, FEATURES, PAID, histories, requests

from assay.contracts.event import Event
from assay.features.catalog import Catalog
from assay.features.layout import NULL
from assay.features.row_image import Asked, BadImage, ImageCodec, ImageReader, RowImage
from assay.features.state import FeatureState
from assay.features.view import view_names

relaxed = settings(deadline=None, max_examples=60)


def images_of(codec: ImageCodec, state: FeatureState, request: Event) -> dict[Asked, bytes]:
    """What a store would answer to a request: the images there are."""
    asked = {item for item in codec.asked(request) if item is not None}
    kept = set(state.every_key())  # of others the store has no image at all
    return {item: codec.encode(state, item, 7) for item in asked if (item.table, item.key) in kept}


def decoded(codec: ImageCodec, images: dict[Asked, bytes]) -> list[tuple[Asked, RowImage]]:
    return [(asked, codec.decode(asked, image)) for asked, image in images.items()]


@relaxed
@given(
    history=histories(),
    request=requests,
    quiet=st.integers(0, 20),
    chosen=st.sets(st.sampled_from(range(len(FEATURES))), min_size=1, max_size=40),
    gone=st.integers(1, 5),
)
def test_images_give_the_bits_of_the_state(
    history: list[Event], request: Event, quiet: int, chosen: set[int], gone: int
) -> None:
    """Random catalogs, histories with retractions, and any later T than that of the images."""
    catalog = Catalog(
        request=PAID, contracts=CONTRACTS, features=[FEATURES[place] for place in sorted(chosen)]
    )
    state, codec = FeatureState(catalog), ImageCodec(catalog, secret=b"s")
    state.apply_all(history)
    for event in history[::gone]:
        state.retract(event)
    images = images_of(codec, state, request)
    later = Event(request.id, request.type, request.ts + quiet, request.payload)
    reader = ImageReader(codec)
    for _ in range(2):  # the second read finds nothing of the first
        vector, newest = reader.read(later, decoded(codec, images), {})
        expected, newest_there = state.read(later)
        assert vector.digest == expected.digest
        assert newest == newest_there


@relaxed
@given(history=histories(), request=requests, data=st.data())
def test_an_absent_view_is_not_known_and_nothing_else_changes(
    history: list[Event], request: Event, data: st.DataObject
) -> None:
    state, codec = FeatureState(CATALOG), ImageCodec(CATALOG)
    state.apply_all(history)
    absent = data.draw(st.sets(st.sampled_from(view_names(CATALOG.plan))))
    reader = ImageReader(codec)
    rows = decoded(codec, images_of(codec, state, request))
    vector, newest = reader.read(request, rows, dict.fromkeys(absent, "down"))
    expected, newest_there = state.read(request, absent)
    full, _ = state.read(request)
    assert (vector.digest, newest) == (expected.digest, newest_there)
    for place, feature in enumerate(FEATURES):
        gone = f"{feature.source}.{'+'.join(feature.key)}" in absent
        assert vector.known[place] == (0 if gone else full.known[place])
        assert vector.bits[place] == (0 if gone else full.bits[place])


@relaxed
@given(history=histories(), request=requests, data=st.data())
def test_no_altered_image_is_ever_read(
    history: list[Event], request: Event, data: st.DataObject
) -> None:
    state, codec = FeatureState(CATALOG), ImageCodec(CATALOG)
    state.apply_all(history)
    for asked, image in images_of(codec, state, request).items():
        place = data.draw(st.integers(0, len(image) - 1))
        flipped = bytearray(image)
        flipped[place] ^= 1 << data.draw(st.integers(0, 7))
        cut = image[: data.draw(st.integers(0, len(image) - 1))]
        for wrong in (bytes(flipped), cut, image + b"\0" * 8, b""):
            with pytest.raises(BadImage):
                codec.decode(asked, wrong)


def test_a_long_history_travels_whole_or_says_from_when_on() -> None:
    """1,000 events of one card: whole blocks with their summaries, or the newest that fit."""
    catalog = Catalog(request=PAID, contracts=CONTRACTS, features=[f for f in FEATURES if f.window])
    history = [
        Event(f"{n:04}", "paid", n, {"card": "x", "cents": n % 7, "shop": "a", "risk": n / 3})
        for n in range(1_000)
    ]
    state = FeatureState(catalog)
    state.apply_all(history)
    request = Event("r", "paid", 1_003, {"card": "x", "cents": 1, "shop": "a"})
    for image_max in (1 << 20, 1 << 15):
        codec = ImageCodec(catalog, image_max=image_max)
        images = images_of(codec, state, request)
        assert all(len(image) <= image_max for image in images.values())
        reader, rows = ImageReader(codec), decoded(codec, images)
        assert reader.read(request, rows, {})[0].digest == state.read(request)[0].digest
        short = [image.packed.since != NULL for _, image in rows]
        assert any(short) == (image_max < 1 << 20)
        for asked, image in rows:
            assert not reader.incomplete(asked.table, image, request.ts)
            if image.packed.since != NULL:
                assert reader.incomplete(asked.table, image, image.packed.since + 11)
                assert not reader.incomplete(asked.table, image, image.packed.since + 12)


def test_an_image_says_what_it_is_and_only_its_makers_secret_opens_it() -> None:
    state, codec = FeatureState(CATALOG), ImageCodec(CATALOG, secret=b"mine")
    state.apply(Event("a", "paid", 5, {"card": "x", "cents": 3}))
    request = Event("r", "paid", 6, {"card": "x"})
    [(asked, image)] = images_of(codec, state, request).items()
    row = codec.decode(asked, image)
    assert (row.seq, row.newest, row.packed.n) == (7, 5, 1)
    other = asked._replace(name=codec.name(asked.table, "y"))
    with pytest.raises(BadImage, match="another row"):
        codec.decode(other, image)
    with pytest.raises(BadImage, match="checksum"):
        ImageCodec(CATALOG, secret=b"theirs").decode(asked, image)
    fewer = Catalog(request=PAID, contracts=CONTRACTS, features=FEATURES[:9])
    with pytest.raises(BadImage, match="defined otherwise"):
        ImageCodec(fewer, secret=b"mine").decode(asked, image)


def test_an_image_of_impossible_length_is_refused_before_memory_is_taken() -> None:
    codec = ImageCodec(CATALOG)
    state = FeatureState(CATALOG)
    state.apply(Event("a", "paid", 5, {"card": "x", "cents": 3}))
    [(asked, image)] = images_of(codec, state, Event("r", "paid", 6, {"card": "x"})).items()
    body = bytearray(image[:-8])
    struct.pack_into("<I", body, 36, 2**32 - 1)  # the number of events
    with pytest.raises(BadImage, match="4294967295 events"):
        codec.decode(asked, bytes(body) + codec._check(bytes(body)))
