"""Trouble on purpose: runs of the whole system in a simulated world where something goes wrong, judged from outside."""
