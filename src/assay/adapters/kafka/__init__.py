"""The event log on Kafka: extra ``kafka``, imported only when the settings name brokers."""
