"""A generated wholesaler, for evaluation: a schema with the traps that real ones have.

Two amounts that people call revenue, four dates on one invoice, lines, shipments and refunds that multiply an invoice
when they are joined carelessly, stock that must not be added up over time, targets that share no key with anything,
and columns of the same name in several tables. Everything follows from SEED; money is whole cents until it is written.
"""

from datetime import date, timedelta

import pyarrow as pa

import shop_words as words
from columns import require, schema, to_table
from dice import Dice

SEED = "pilothouse-wholesale-1"
FIRST_DAY, LAST_DAY = date(2024, 1, 1), date(2025, 12, 31)
DAYS = (LAST_DAY - FIRST_DAY).days + 1
ACCOUNTS, EMPLOYEES, SUPPLIERS, PRODUCTS, INVOICES = 120, 24, 15, 60, 3_000
REGIONS = {"North": 34, "South": 27, "East": 22, "West": 17}
INDUSTRIES = {"Hospitality": 30, "Retail": 38, "Education": 14, "Healthcare": 18}
WAREHOUSES = [("Harbour Depot", "Hull", "North"), ("Kingsway Hub", "Bristol", "West"), ("Mill Yard", "Norwich", "East"),
              ("Orchard Park", "Reading", "South")]  # fmt: skip
CATEGORIES = {"Furniture": (90, 900), "Lighting": (25, 240), "Stationery": (3, 60), "Textiles": (12, 180)}
NOUNS = {
    "Furniture": "Bench,Bookcase,Cabinet,Chair,Desk,Dresser,Locker,Rack,Shelf Unit,Sideboard,Sofa,Stool,Table,Trolley,Wardrobe",
    "Lighting": "Bulb Pack,Ceiling Lamp,Desk Lamp,Dimmer,Floodlight,Floor Lamp,Lantern,Light Strip,Night Light,Pendant,"
    "Reading Lamp,Spotlight,Torch,Wall Lamp,Work Light",
    "Stationery": "Binder,Calendar,Card Stock,Clipboard,Envelope Box,Eraser Set,File Box,Ink Set,Label Roll,Marker Set,"
    "Notepad,Paper Ream,Pen Box,Ruler Set,Stapler",
    "Textiles": "Apron,Bed Linen,Blanket,Blind,Carpet,Curtain,Cushion,Doormat,Napkin Set,Pillow,Rug,Table Cloth,Towel,"
    "Upholstery,Uniform",
}
REASONS = {"damaged": 40, "late": 25, "wrong item": 20, "price dispute": 15}
TAX_PERCENT = 20

SCHEMAS = {
    "accounts": schema("account_id:int name:text industry:text region:text opened_on:date owner_id:int"),
    "employees": schema("employee_id:int name:text team:text region:text hired_on:date manager_id:int?"),
    "suppliers": schema("supplier_id:int name:text region:text"),
    "products": schema("product_id:int name:text category:text supplier_id:int list_price:money"),
    "invoices": schema(
        "invoice_id:int account_id:int sold_by:int ordered_on:date issued_on:date due_on:date paid_on:date? status:text "
        "net_total:money tax:money gross_total:money"
    ),
    "invoice_lines": schema("invoice_id:int line_no:small product_id:int quantity:int net_amount:money"),
    "shipments": schema(
        "shipment_id:int invoice_id:int warehouse_id:int shipped_on:date delivered_on:date? status:text freight_cost:money"
    ),
    "refunds": schema("refund_id:int invoice_id:int refunded_on:date reason:text amount:money"),
    "warehouses": schema("warehouse_id:int name:text city:text region:text"),
    "stock": schema("snapshot_on:date warehouse_id:int product_id:int on_hand:int reserved:int"),
    "targets": schema("month:date region:text target_amount:money"),
}


def tables() -> dict[str, pa.Table]:
    """All eleven tables, checked for what the README promises of them."""
    rows: dict[str, list[dict]] = {}
    rows["employees"] = make_employees(Dice(f"{SEED}:employees"))
    rows["accounts"] = make_accounts(Dice(f"{SEED}:accounts"), rows["employees"])
    rows["suppliers"] = make_suppliers(Dice(f"{SEED}:suppliers"))
    rows["products"] = make_products(Dice(f"{SEED}:products"))
    rows["warehouses"] = [
        {"warehouse_id": at, "name": name, "city": city, "region": region}
        for at, (name, city, region) in enumerate(WAREHOUSES, start=1)
    ]
    rows["invoices"], rows["invoice_lines"] = make_invoices(Dice(f"{SEED}:invoices"), rows)
    rows["shipments"] = make_shipments(Dice(f"{SEED}:shipments"), rows["invoices"])
    rows["refunds"] = make_refunds(Dice(f"{SEED}:refunds"), rows["invoices"])
    rows["stock"] = make_stock(Dice(f"{SEED}:stock"))
    rows["targets"] = make_targets(Dice(f"{SEED}:targets"))
    check(rows)
    return {name: to_table(rows[name], SCHEMAS[name]) for name in SCHEMAS}


def make_employees(dice: Dice) -> list[dict]:
    """Employees; the first four lead a team each, the others report to the leader of theirs."""
    teams = ["Key Accounts", "Field Sales", "Inside Sales", "Support"]
    rows = []
    for number in range(1, EMPLOYEES + 1):
        team = (number - 1) % len(teams)
        surname = dice.pick(words.SURNAME_STARTS) + dice.pick(words.SURNAME_ENDS)
        rows.append({
            "employee_id": number, "name": f"{words.FIRST_NAMES[number * 2]} {surname}", "team": teams[team],
            "region": dice.weighted(REGIONS), "hired_on": FIRST_DAY - timedelta(days=dice.below(2500)),
            "manager_id": None if number <= len(teams) else team + 1,
        })  # fmt: skip
    return rows


def make_accounts(dice: Dice, employees: list) -> list[dict]:
    """Customers of the wholesaler; the owner's region is often not the account's."""
    kinds = ["Hotels", "Stores", "Schools", "Clinics", "Cafés", "Trading", "Group", "Partners"]
    rows = []
    for number in range(1, ACCOUNTS + 1):
        first, second = dice.pick(words.SURNAME_STARTS), dice.pick(words.SURNAME_ENDS)
        rows.append({
            "account_id": number, "name": f"{first}{second} {dice.pick(kinds)} {number}",
            "industry": dice.weighted(INDUSTRIES), "region": dice.weighted(REGIONS),
            "opened_on": FIRST_DAY + timedelta(days=dice.below(DAYS + 900) - 900),
            "owner_id": dice.pick(employees)["employee_id"],
        })  # fmt: skip
    return rows


def make_suppliers(dice: Dice) -> list[dict]:
    ends = ["Works", "Mills", "Makers"]
    return [
        {"supplier_id": at, "name": f"{words.SURNAME_STARTS[at]} {dice.pick(ends)}", "region": dice.weighted(REGIONS)}
        for at in range(1, SUPPLIERS + 1)
    ]


def make_products(dice: Dice) -> list[dict]:
    rows = []
    for category, (low, high) in CATEGORIES.items():
        for noun in NOUNS[category].split(","):
            rows.append({
                "product_id": len(rows) + 1, "name": f"{dice.pick(words.ADJECTIVES)} {noun}", "category": category,
                "supplier_id": dice.between(1, SUPPLIERS), "list_price": dice.between(low * 100, high * 100),
            })  # fmt: skip
    return rows


def make_invoices(dice: Dice, rows: dict) -> tuple[list[dict], list[dict]]:
    """Invoices in the order of their orders, each with its lines. The last ten accounts never buy."""
    invoices, lines = [], []
    days = sorted(int(DAYS * (1 - (1 - dice.unit()) ** 1.25)) for _ in range(INVOICES))
    for number, day in enumerate(days, start=1):
        ordered = FIRST_DAY + timedelta(days=day)
        account = rows["accounts"][int((ACCOUNTS - 10) * dice.unit() ** 1.6)]
        own = make_lines(dice, number, ordered, rows["products"])
        lines += own
        issued = min(LAST_DAY, ordered + timedelta(days=dice.between(0, 12)))
        due = issued + timedelta(days=dice.pick([14, 30, 30, 60]))
        void = dice.chance(0.04)
        paid = due + timedelta(days=dice.between(-20, 25))
        paid = None if void or paid > LAST_DAY or dice.chance(0.05) else paid
        status = "void" if void else "paid" if paid else "overdue" if due < LAST_DAY else "open"
        net = sum(line["net_amount"] for line in own)
        tax = (net * TAX_PERCENT + 50) // 100
        seller = account["owner_id"] if dice.chance(0.7) else dice.between(1, EMPLOYEES)
        invoices.append({
            "invoice_id": number, "account_id": account["account_id"], "sold_by": seller, "ordered_on": ordered,
            "issued_on": issued, "due_on": due, "paid_on": paid, "status": status, "net_total": net, "tax": tax,
            "gross_total": net + tax,
        })  # fmt: skip
    return invoices, lines


def make_lines(dice: Dice, invoice: int, day: date, products: list) -> list[dict]:
    """One to five lines of different products, cheaper by volume and dearer with time."""
    count = dice.weighted({1: 22, 2: 30, 3: 24, 4: 15, 5: 9})
    chosen = {int(PRODUCTS * dice.unit() ** 1.3) for _ in range(count)}
    rows = []
    for line, place in enumerate(sorted(chosen), start=1):
        quantity = dice.pick([1, 2, 2, 4, 5, 10, 20])
        percent = 100 - min(quantity, 10) + (4 if day.year == 2025 else 0)
        amount = products[place]["list_price"] * quantity * percent // 100
        rows.append({
            "invoice_id": invoice, "line_no": line, "product_id": place + 1, "quantity": quantity, "net_amount": amount,
        })  # fmt: skip
    return rows


def make_shipments(dice: Dice, invoices: list) -> list[dict]:
    """No shipment for a void invoice; one in six goes out in two parts."""
    rows = []
    for invoice in invoices:
        if invoice["status"] == "void":
            continue
        for _ in range(2 if dice.chance(0.17) else 1):
            shipped = invoice["ordered_on"] + timedelta(days=dice.between(1, 9))
            delivered = shipped + timedelta(days=dice.between(1, 8))
            returned = dice.chance(0.03)
            status = "returned" if returned else "delivered" if delivered <= LAST_DAY else "in transit"
            rows.append({
                "shipment_id": len(rows) + 1, "invoice_id": invoice["invoice_id"],
                "warehouse_id": dice.weighted({1: 40, 2: 25, 3: 20, 4: 15}), "shipped_on": shipped,
                "delivered_on": delivered if delivered <= LAST_DAY else None, "status": status,
                "freight_cost": dice.between(900, 18_000),
            })  # fmt: skip
    return rows


def make_refunds(dice: Dice, invoices: list) -> list[dict]:
    """A refund for one paid invoice in twelve, rarely two."""
    rows = []
    for invoice in invoices:
        if invoice["status"] != "paid":
            continue
        for _ in range(dice.weighted({0: 92, 1: 7, 2: 1})):
            rows.append({
                "refund_id": len(rows) + 1, "invoice_id": invoice["invoice_id"],
                "refunded_on": min(LAST_DAY, invoice["paid_on"] + timedelta(days=dice.between(1, 40))),
                "reason": dice.weighted(REASONS), "amount": invoice["net_total"] * dice.between(5, 40) // 100,
            })  # fmt: skip
    return rows


def month_starts() -> list[date]:
    return [date(year, month, 1) for year in (FIRST_DAY.year, LAST_DAY.year) for month in range(1, 13)]


def make_stock(dice: Dice) -> list[dict]:
    """What lies in each warehouse at the end of each month, for the products it keeps."""
    kept = {(place, product): dice.between(20, 400) for place in range(1, 5) for product in range(1, PRODUCTS + 1)
            if dice.chance(0.6)}  # fmt: skip
    rows = []
    for start in month_starts():
        end = (start.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        for (place, product), level in kept.items():
            on_hand = max(0, level + dice.between(-80, 80))
            rows.append({
                "snapshot_on": end, "warehouse_id": place, "product_id": product, "on_hand": on_hand,
                "reserved": dice.below(on_hand // 4 + 1),
            })  # fmt: skip
    return rows


def make_targets(dice: Dice) -> list[dict]:
    """What each region should bring in each month, net."""
    return [
        {"month": start, "region": region, "target_amount": share * dice.between(600, 900) * 500}
        for start in month_starts()
        for region, share in REGIONS.items()
    ]


def check(rows: dict[str, list[dict]]) -> None:
    """Refuses data that breaks a promise of the README."""
    invoices = {invoice["invoice_id"]: invoice for invoice in rows["invoices"]}
    totals = dict.fromkeys(invoices, 0)
    for line in rows["invoice_lines"]:
        totals[line["invoice_id"]] += line["net_amount"]
    require(all(totals[at] == invoice["net_total"] for at, invoice in invoices.items()), "an invoice is not its lines")
    paid = {at for at, invoice in invoices.items() if invoice["paid_on"]}
    require(all((invoice["status"] == "paid") == (at in paid) for at, invoice in invoices.items()), "paid without a day")
    require(all(refund["invoice_id"] in paid for refund in rows["refunds"]), "a refund of what was not paid")
    shipped = [shipment["invoice_id"] for shipment in rows["shipments"]]
    require(len(shipped) > len(set(shipped)), "no invoice is shipped in parts")
