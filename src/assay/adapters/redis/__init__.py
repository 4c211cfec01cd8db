"""Adapters to Redis and Valkey (extra ``redis``)."""
