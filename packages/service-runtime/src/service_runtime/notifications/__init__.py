"""Telling people that somebody has to look.

`notice` is what a service says and the port through which it says it, `desk` keeps notices until they are sent, once,
`apprise_line` sends them, `opening` puts the three together.
"""
