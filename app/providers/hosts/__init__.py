"""Child processes: what the session hosts and the webhook server have in common.

`process.py` is the app's end; `codec.py` the messages between the two as lines, and the writer of the child's end.
"""
