"""Several threads that act at once, each with a database connection of its own."""

import threading

from django.db import connection


def together(act, *, threads=4):
    """Call `act(number)` in several threads that start at once, and return what each returned."""
    barrier = threading.Barrier(threads)
    answers, failures = [], []

    def work(number):
        barrier.wait()
        try:
            answers.append(act(number))
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    started = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert failures == []
    return answers
