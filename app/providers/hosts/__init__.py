"""Child processes: what the session hosts and the receiver of webhooks have in common.

`process.py` is the app's end of one, `pipe_writer.py` the child's; `codec.py` is how they write messages as lines.
"""
