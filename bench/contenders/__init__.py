"""The queue and its peers behind one contract, each action in a process of its own.

The peers' processes run in another virtual environment: `__main__`, `contract` and `starts` import nothing of the
project.
"""
