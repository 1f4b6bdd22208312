"""What customers did on the shop's website and in its app, visit by visit.

Every order of the channels web and mobile is the end of a visit, so purchases and those orders are equally many; the
rest are visits that bought nothing.
"""

from bisect import bisect_right
from datetime import datetime, timedelta
from itertools import accumulate

from dice import Dice

DEVICES = {
    "web": {"desktop": 66, "mobile": 21, "tablet": 13},
    "mobile": {"mobile": 88, "tablet": 12},
    "none": {"desktop": 41, "mobile": 48, "tablet": 11},
}
PAUSE_SECONDS = (5, 240)


def make_events(dice: Dice, wanted: int, orders: list, customers: list, moment) -> list[dict]:
    """Exactly `wanted` events in the order of time. `moment` draws a point in time from the dice."""
    found: list[tuple] = []
    for order in orders:
        if order["channel"] in ("web", "mobile"):
            steps = [*browsing(dice), "add_to_cart", "checkout", "purchase"]
            visit(dice, found, order["customer_id"], order["channel"], steps, order["ordered_at"])
    joined = [customer["signed_up_at"] for customer in customers]
    keenness = list(accumulate(0.1 + 4 * dice.unit() ** 4 for _ in customers))
    while len(found) < wanted:
        end = moment(dice)
        customer = customers[dice.index(keenness, bisect_right(joined, end.date()))]
        steps = (browsing(dice) + abandoned(dice))[: wanted - len(found)]
        visit(dice, found, customer["customer_id"], "none", steps, end)
    # The sort is by time alone and keeps the order of steps that share a second.
    found.sort(key=lambda event: event[0])
    names = ("occurred_at", "customer_id", "event_type", "device")
    return [{"event_id": number, **dict(zip(names, event, strict=True))} for number, event in enumerate(found, start=1)]


def browsing(dice: Dice) -> list[str]:
    """How a visit begins."""
    start = ["login"] if dice.chance(0.3) else []
    if dice.chance(0.3):
        start.append("search")
    return start + ["page_view"] * dice.weighted({1: 55, 2: 30, 3: 15})


def abandoned(dice: Dice) -> list[str]:
    """How a visit that buys nothing goes on."""
    if not dice.chance(0.22):
        return []
    return ["add_to_cart", "checkout"] if dice.chance(0.3) else ["add_to_cart"]


def visit(dice: Dice, found: list, customer_id: int, channel: str, steps: list[str], end: datetime) -> None:
    """Adds the steps of one visit, the last of them at `end`, the others before it."""
    device = dice.weighted(DEVICES[channel])
    pauses = [dice.between(*PAUSE_SECONDS) for _ in steps[1:]]
    for place, step in enumerate(steps):
        found.append((end - timedelta(seconds=sum(pauses[place:])), customer_id, step, device))
