"""How charts look, and what makes images of them."""
