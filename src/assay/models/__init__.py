"""Scores: training, calibration, thresholds, metrics, bundles."""
