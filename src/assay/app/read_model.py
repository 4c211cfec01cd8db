"""What stands behind the read model of a home? A Redis server, a publisher, and those who read."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from assay.app.home import Home, control
from assay.app.redis_settings import RedisSettings
from assay.app.routes import routes_of
from assay.app.settings import Settings
from assay.app.wire import choose
from assay.core.errors import Unavailable
from assay.features.catalog import Catalog
from assay.features.row_image import Asked, ImageCodec
from assay.runtime.breaker import Breaker
from assay.runtime.clock import wall_time
from assay.runtime.following import Following
from assay.runtime.publisher import Publisher
from assay.runtime.read_model import ReadModel, StatusSeal
from assay.runtime.shared_features import SharedFeatures

_MS = 1_000


@contextmanager
def read_model(settings: RedisSettings, timeout: int) -> Iterator[ReadModel]:
    """The read model, over a connection of its own; nothing is sent yet.

    Args:
        settings: where it is.
        timeout: microseconds an answer may take.

    Raises:
        Unavailable: the extra is missing.
    """
    try:
        from assay.adapters.redis.client import Address, connect
        from assay.adapters.redis.read_model import RedisReadModel
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"the read model needs the package {error.name!r}: pip install 'assay[redis]'"
        ) from error
    deadline_ms = max(timeout // _MS, 1)
    client = connect(
        Address(
            host=settings.host,
            port=settings.port,
            database=settings.database or 0,
            username=settings.username,
            password=None if settings.password is None else settings.password.reveal(),
            tls=settings.tls,
            tls_ca=settings.tls_ca,
            timeout_ms=deadline_ms,
        )
    )
    found = RedisReadModel(client, prefix=settings.prefix, deadline_ms=deadline_ms)
    try:
        yield found
    finally:
        found.close()


@contextmanager
def open_following(settings: Settings) -> Iterator[Following]:
    """What publishes the log of a home; it reads the log beside whoever writes it.

    Raises:
        NotFound: the folder is no home.
        GateRefused: nothing may decide in this home, so nobody knows which features it keeps.
        Unavailable: the extra is missing.
    """
    home = Home(settings.home)
    home.check()
    with ExitStack() as opened:
        parts = opened.enter_context(control(home))
        catalog = choose(settings.workload, parts, home).workload.catalog
        log = home.open_log()
        opened.callback(log.close)
        model = opened.enter_context(read_model(settings.redis, settings.redis.publish_timeout))
        partition = settings.features.partition
        publisher = publisher_of(settings, model, catalog, partition)
        yield Following(log, catalog, publisher, lookback=settings.time.request_age)


def codec_of(settings: RedisSettings, catalog: Catalog) -> ImageCodec:
    """Makes and reads the images of a catalog as the settings say."""
    return ImageCodec(catalog, secret=_secret(settings), image_max=settings.image_bytes)


def seal_of(settings: RedisSettings) -> StatusSeal:
    """Writes and reads the statuses of partitions as the settings say."""
    return StatusSeal(_secret(settings))


def _secret(settings: RedisSettings) -> bytes:
    return b"" if settings.image_secret is None else settings.image_secret.reveal().encode()


def publisher_of(
    settings: Settings, model: ReadModel, catalog: Catalog, partition: str
) -> Publisher:
    """The publisher of a partition; one process may have it."""
    codec = codec_of(settings.redis, catalog)
    live = settings.time.clock == "wall"
    seal = seal_of(settings.redis)
    return Publisher(model, codec, partition, wall=wall_time, live=live, seal=seal)


def shared_features(
    settings: Settings, model: ReadModel, monotonic: Callable[[], int]
) -> Callable[[Catalog], SharedFeatures]:
    """Where the vectors of each catalog come from when another process publishes them."""
    # One for all catalogs: they ask the same server.
    breaker = Breaker(monotonic)
    workers = settings.features.owners == "workers"

    def home(_asked: Asked) -> str:
        return settings.features.partition

    def source(catalog: Catalog) -> SharedFeatures:
        owner = routes_of(settings.kafka, catalog).owner_of(catalog) if workers else home
        found = SharedFeatures(
            model,
            codec_of(settings.redis, catalog),
            owner,
            breaker=breaker,
            wall=wall_time,
            silent_max=settings.redis.silent_max,
            seal=seal_of(settings.redis),
        )
        found.warm()
        return found

    return source
