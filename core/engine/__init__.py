"""The backtest engine: bars and a compiled program in, fills, trades and equity out. Pure."""
