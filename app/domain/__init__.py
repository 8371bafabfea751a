"""The vocabulary of the program: values, states, events and the ports others implement.

Standard library only: nothing here knows Qt, a database, a socket or a running loop. Read this package first, in the
order mentorado, connection, lifecycle, guidance, events, ports.
"""
