"""Sessions: what the clock and the exchange's calendar say of bars.

A pure package that works on arrays: which session a bar belongs to (`sessions`), what time it is
there (`clock`), bars made of finer ones (`resample`) and which of them have closed (`align`).
"""
