"""Everything on one machine: embedded PostgreSQL and Valkey, and the supervisor of all processes.

Nothing here imports Django: the stack must come up before there is a database to connect to.

- `session.running_stack` gives a whole stack for the time of a `with` block,
- `state.environment_of_running_stack` tells other commands how to reach one that runs,
- `postgres.PostgresServer` and `valkey.ValkeyServer` work alone too, as the tests do.
"""
