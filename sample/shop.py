"""A generated shop: customers, products, orders with their items, and the events of its website and app.

Everything follows from SEED. Money is whole cents until it is written. The days run from FIRST_DAY to LAST_DAY; times
are UTC. Each table has its own stream of choices, so that a change to one leaves the others as they are.
"""

import unicodedata
from bisect import bisect_right
from datetime import date, datetime, timedelta
from itertools import accumulate

import pyarrow as pa

import shop_words as words
from columns import require, schema, to_table
from dice import Dice
from shop_events import make_events

SEED = "pilothouse-shop-1"
FIRST_DAY = date(2024, 1, 1)
LAST_DAY = date(2025, 12, 31)
DAYS = (LAST_DAY - FIRST_DAY).days + 1
CUSTOMERS, ORDERS, EVENTS = 2_000, 20_000, 120_000
# A twentieth cheaper before this day: the price of an order item is the price of its time, not today's.
PRICES_ROSE = date(2025, 1, 1)
# From this day on, products that are no longer active were not sold.
DISCONTINUED = date(2025, 4, 1)

SCHEMAS = {
    "customers": schema(
        "customer_id:int first_name:text last_name:text email:text phone:text? city:text country:text segment:text "
        "signed_up_at:date"
    ),
    "products": schema("product_id:int name:text category:text brand:text unit_price:money active:flag"),
    "orders": schema(
        "order_id:int customer_id:int ordered_at:time status:text channel:text payment_method:text discount:money "
        "shipping_cost:money total_amount:money"
    ),
    "order_items": schema("order_id:int line_no:small product_id:int quantity:int unit_price:money amount:money"),
    "events": schema("event_id:int customer_id:int event_type:text device:text occurred_at:time"),
}

MONTH_WEIGHTS = [0.88, 0.86, 0.95, 0.98, 1.0, 1.0, 0.94, 0.92, 1.0, 1.05, 1.3, 1.45]
WEEKDAY_WEIGHTS = [0.92, 0.86, 0.88, 0.96, 1.12, 1.34, 1.22]
# The hour after midnight is quiet, so that the visit behind an order starts on the order's own day.
HOUR_WEIGHTS = [0, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 14, 16, 14, 13, 13, 14, 17, 21, 25, 26, 20, 11, 5]
LINES_WEIGHTS = {1: 27, 2: 30, 3: 22, 4: 13, 5: 6, 6: 2}


def tables() -> dict[str, pa.Table]:
    """All five tables, checked for what the README promises of them."""
    days = list(accumulate(day_weight(day) for day in range(DAYS)))
    customers = make_customers(Dice(f"{SEED}:customers"))
    products = make_products(Dice(f"{SEED}:products"))
    orders, items = make_orders(Dice(f"{SEED}:orders"), days, customers, products)
    events = make_events(Dice(f"{SEED}:events"), EVENTS, orders, customers, lambda dice: moment(dice, days))
    rows = {"customers": customers, "products": products, "orders": orders, "order_items": items, "events": events}
    check(rows)
    return {name: to_table(rows[name], SCHEMAS[name]) for name in SCHEMAS}


def day_weight(day: int) -> float:
    """How busy a day is: growth over the two years, times the season, times the day of the week."""
    when = FIRST_DAY + timedelta(days=day)
    return (1 + 1.3 * day / DAYS) * MONTH_WEIGHTS[when.month - 1] * WEEKDAY_WEIGHTS[when.weekday()]


def moment(dice: Dice, days: list) -> datetime:
    """A point in time, to the second, as likely as its day and hour are busy."""
    day = FIRST_DAY + timedelta(days=dice.index(days))
    hour = dice.weighted(dict(enumerate(HOUR_WEIGHTS)))
    return datetime(day.year, day.month, day.day, hour, dice.below(60), dice.below(60))


def make_customers(dice: Dice) -> list[dict]:
    """Customers in the order of their signing up; a third of them before the first day."""
    joined = sorted(LAST_DAY - timedelta(days=int(dice.unit() * (DAYS + 365))) for _ in range(CUSTOMERS))
    shares = {name: share for name, (share, _, _) in words.COUNTRIES.items()}
    rows = []
    for number, day in enumerate(joined, start=1):
        first = dice.pick(words.FIRST_NAMES)
        last = dice.pick(words.SURNAME_STARTS) + dice.pick(words.SURNAME_ENDS)
        country = dice.weighted(shares)
        _, phones, cities = words.COUNTRIES[country]
        pattern = dice.pick(phones)
        phone = "".join(str(dice.below(10)) if sign == "#" else sign for sign in pattern)
        plain = unicodedata.normalize("NFKD", f"{first}.{last}").encode("ascii", "ignore").decode().lower()
        rows.append({
            "customer_id": number, "first_name": first, "last_name": last, "email": f"{plain}.{number}@example.com",
            "phone": None if dice.chance(0.06) else phone, "city": dice.weighted(cities), "country": country,
            "segment": dice.weighted(words.SEGMENTS), "signed_up_at": day,
        })  # fmt: skip
    return rows


def make_products(dice: Dice) -> list[dict]:
    """Fifteen products in each category; cheap ones are more frequent than dear ones."""
    rows = []
    for category, (low, high, nouns) in words.CATEGORIES.items():
        for noun in nouns.split(","):
            dollars = low + int((high - low) * dice.unit() * dice.unit())
            rows.append({
                "product_id": len(rows) + 1, "name": f"{dice.pick(words.ADJECTIVES)} {noun}", "category": category,
                "brand": dice.pick(words.BRANDS), "unit_price": dollars * 100 + dice.pick([0, 49, 50, 90, 95, 99]),
                "active": not dice.chance(0.09),
            })  # fmt: skip
    return rows


def make_orders(dice: Dice, days: list, customers: list, products: list) -> tuple[list[dict], list[dict]]:
    """Orders in the order of time, each with its items."""
    times = sorted(moment(dice, days) for _ in range(ORDERS))
    joined = [customer["signed_up_at"] for customer in customers]
    # One in ten never buys; of the others a few buy very often.
    keenness = list(accumulate(0.0 if dice.chance(0.1) else 0.3 + 6 * dice.unit() ** 5 for _ in customers))
    # Two products are listed and never sold.
    liking = [0.0 if product["product_id"] in (37, 88) else 0.2 + 3 * dice.unit() ** 3 for product in products]
    before = list(accumulate(liking))
    after = list(accumulate(weight * product["active"] for weight, product in zip(liking, products, strict=True)))
    orders, items = [], []
    for number, when in enumerate(times, start=1):
        customer = customers[dice.index(keenness, bisect_right(joined, when.date()))]
        popularity = before if when.date() < DISCONTINUED else after
        lines = make_items(dice, number, when.date(), customer, products, popularity)
        items += lines
        orders.append(make_order(dice, number, when, customer, sum(line["amount"] for line in lines)))
    return orders, items


def make_items(dice: Dice, order_id: int, day: date, customer: dict, products: list, popularity: list) -> list[dict]:
    """The items of one order. A product drawn twice is kept once, so lines are slightly fewer than drawn."""
    chosen: list[int] = []
    for _ in range(dice.weighted(LINES_WEIGHTS)):
        position = dice.index(popularity)
        if position not in chosen:
            chosen.append(position)
    most = {"consumer": 2, "small_business": 4, "enterprise": 8}[customer["segment"]]
    rows = []
    for line_no, position in enumerate(chosen, start=1):
        quantity = 1 if dice.chance(0.7) else dice.between(2, most)
        price = products[position]["unit_price"]
        price = price if day >= PRICES_ROSE else percent(price, 95)
        rows.append({
            "order_id": order_id, "line_no": line_no, "product_id": products[position]["product_id"],
            "quantity": quantity, "unit_price": price, "amount": quantity * price,
        })  # fmt: skip
    return rows


def make_order(dice: Dice, order_id: int, when: datetime, customer: dict, subtotal: int) -> dict:
    """One order; `subtotal` is the sum of its items in cents."""
    progress = (when.date() - FIRST_DAY).days / DAYS
    channel = dice.weighted({"web": 53 - 16 * progress, "mobile": 24 + 16 * progress, "store": 15, "partner": 8})
    payments = {"card": 62, "wallet": 22, "bank_transfer": 11, "gift_card": 5}
    payment = dice.weighted({"card": 68, "cash": 22, "gift_card": 10} if channel == "store" else payments)
    discount = percent(subtotal, dice.pick([5, 10, 10, 15, 20])) if dice.chance(0.22) else 0
    shipping = shipping_cost(dice, channel, customer["country"], subtotal - discount)
    return {
        "order_id": order_id, "customer_id": customer["customer_id"], "ordered_at": when,
        "status": status(dice, when.date(), channel), "channel": channel, "payment_method": payment,
        "discount": discount, "shipping_cost": shipping, "total_amount": subtotal - discount + shipping,
    }  # fmt: skip


def status(dice: Dice, day: date, channel: str) -> str:
    """What became of an order. Only the last ten days have pending ones; what a store sells is handed over."""
    if channel != "store" and (LAST_DAY - day).days < 10 and dice.chance(0.6):
        return "pending"
    cancelled = 0 if channel == "store" else 7
    return dice.weighted({"completed": 88, "cancelled": cancelled, "returned": 5})


def shipping_cost(dice: Dice, channel: str, country: str, goods: int) -> int:
    """Cents. Stores ship nothing; at home and in Canada a standard parcel is free from 100 dollars of goods."""
    if channel == "store":
        return 0
    if country not in ("United States", "Canada"):
        return 1499
    if dice.chance(0.15):
        return 999
    return 0 if goods >= 10_000 else 499


def percent(cents: int, share: int) -> int:
    """A share in percent of an amount, rounded half up to a cent."""
    return (cents * share + 50) // 100


def check(rows: dict[str, list[dict]]) -> None:
    """Keys are unique, references lead somewhere, nothing precedes a customer's signing up, and the sums agree."""
    joined = {row["customer_id"]: row["signed_up_at"] for row in rows["customers"]}
    products = {row["product_id"] for row in rows["products"]}
    sums: dict[int, int] = {}
    for item in rows["order_items"]:
        require(item["product_id"] in products, f"an item of order {item['order_id']} names no product")
        sums[item["order_id"]] = sums.get(item["order_id"], 0) + item["amount"]
    require(len({row["email"] for row in rows["customers"]}) == CUSTOMERS, "two customers share an address")
    require(len({row["name"] for row in rows["products"]}) == len(products), "two products share a name")
    require(set(sums) == {row["order_id"] for row in rows["orders"]}, "an item without an order, or the reverse")
    for order in rows["orders"]:
        total = sums[order["order_id"]] - order["discount"] + order["shipping_cost"]
        require(order["total_amount"] == total, f"the total of order {order['order_id']} is wrong")
        require(joined[order["customer_id"]] <= order["ordered_at"].date(), "an order before its customer signed up")
    require(len(rows["events"]) == EVENTS, f"{len(rows['events'])} events")
    for event in rows["events"]:
        require(joined[event["customer_id"]] <= event["occurred_at"].date() <= LAST_DAY, "an event out of its time")

