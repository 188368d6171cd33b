"""Options: prices, contracts, margin, and the simulation of programs that trade them."""
