"""Video calls of our events, which providers may make a little later than the event."""

from collections.abc import Callable
from time import sleep

LOOKS, PAUSE = 5, 1.0  # seconds between looks; what takes longer is found by the next write


def wait_for_conference(
    item: dict, *, is_pending: Callable[[dict], bool], look: Callable[[str], dict | None]
) -> dict:
    """The event once its video call is made or has failed, or as it is when patience ends."""
    for _ in range(LOOKS):
        if not is_pending(item):
            break
        sleep(PAUSE)
        item = look(item["id"]) or item
    return item
