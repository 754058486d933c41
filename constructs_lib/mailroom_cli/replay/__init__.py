"""Send events once more: from a dead-letter queue, the lake, or the lake's error prefix.

Nothing is removed before it has arrived: a queue's message is deleted only after the target has
accepted its event. Handlers take the same event twice without harm, so a replay can always be
repeated; for objects, a token says where to resume.
"""

from mailroom_cli.replay.plan import Plan, plan
from mailroom_cli.replay.run import Limiter, Replay, Result
from mailroom_cli.replay.selection import Selection, slug
from mailroom_cli.replay.sources import Item, Objects, Queue, Source
from mailroom_cli.replay.targets import Target, ToFunction, ToQueue, ToStream

__all__ = [
    "Item",
    "Limiter",
    "Objects",
    "Plan",
    "Queue",
    "Replay",
    "Result",
    "Selection",
    "Source",
    "Target",
    "ToFunction",
    "ToQueue",
    "ToStream",
    "plan",
    "slug",
]
