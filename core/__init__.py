"""A namespace: pure packages below (engine, indicators, ...), nested Django apps above."""
