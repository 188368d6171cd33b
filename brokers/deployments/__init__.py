"""Strategies that trade: the program of a backtest, decided on closed bars as they come."""
