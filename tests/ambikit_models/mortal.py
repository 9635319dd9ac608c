"""Work for other processes that does not end well; a module of its own, so that they have little to import."""

import os
import signal


def inverse_or_die(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"inverse": 1 / number}
