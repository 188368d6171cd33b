"""Ties a child process to its parent, drops root if asked, then becomes the child's program.

Run as a script, by the interpreter alone (`python -I -S leash.py …`): doing this between fork and
exec in the parent would be unsafe as soon as the parent has threads. It starts in about 10 ms.

Arguments: PARENT_PID DEATH_SIGNAL UID GID PROGRAM [ARGUMENT]...; a UID of -1 keeps the user.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Become the program, or end with code 127 and one line that says why not."""
    parent, death_signal, uid, gid = (int(value) for value in arguments[:4])
    program = arguments[4:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After the change of user, which clears it; it lives through the exec below. The signal
        # comes when the parent dies, however it dies: kill -9 of the supervisor leaves no child.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(127)  # The parent died before the leash was on.
    try:
        os.execvp(program[0], program)  # noqa: S606 - the supervisor's own command, no shell
    except OSError as error:
        sys.exit(f"{program[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
