"""Where does the history of every entity of a home on Kafka lie?"""

from assay.app.kafka_settings import KafkaSettings
from assay.features.catalog import Catalog
from assay.runtime.partition_plan import Routes, shards_of


def routes_of(kafka: KafkaSettings, catalog: Catalog) -> Routes:
    """The shards of a catalog, each with the partitions of the settings."""
    return Routes(kafka.topic, {shard.name: kafka.partitions for shard in shards_of(catalog)})
