"""A tour of the product through its public API, as any client would take it."""
