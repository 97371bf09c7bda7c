"""Time in hand, death at will and a small world: for tests of whatever works with events."""
