"""The tables, made of what `flows` calculates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from scale.aws import (
    GATEWAY_LOG_BYTES,
    GATEWAY_LOG_LINES,
    LOG_LINE_BYTES,
    LOG_PRICES,
    PLANS,
    PRICES,
    QUOTAS,
    Source,
)
from scale.flows import MEMORY_MB, RATES, Limit, Paper, month, month_logs
from scale.inputs import SIZES

_SHOWN = {
    "read": "a handler that reads text and attachments",
    "forward": "`Forward`",
    "auto-reply": "`AutoReply`",
    "save attachments": "`SaveAttachments`",
}
_RECEIVED_BYTES = SIZES["100 KB"]


@dataclass(kw_only=True)
class Table:
    """A table of the page; every row has a cell for each column."""

    title: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    numeric: int = 3

    def markdown(self) -> str:
        """Return it as it stands on a page."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def all_tables(paper: Paper) -> dict[str, Table]:
    """Return each table by its name on the page."""
    return {
        "inputs": _inputs(paper),
        "mails": _mails(paper),
        "calls": _calls(paper),
        "sending": _sending(paper),
        "sending-bends": _bends("Where sending bends", paper.sending_limits()),
        "events-cost": _cost("A million events through a queue", paper.events_cost()),
        "plans": _plans(),
        "lake": _lake(paper),
        "lake-cost": _lake_cost(paper),
        "receiving": _receiving(paper),
        "receiving-bends": _bends("Where receiving bends", paper.receiving_limits()),
        "mail-cost": _mail_cost(paper),
        "gateway": _gateway(paper),
        "gateway-hours": _gateway_hours(),
        "prices": _prices(),
        "quotas": _quotas(),
    }


def _inputs(paper: Paper) -> Table:
    event, item = paper.event, paper.item
    lake = paper.functions["lake"]
    yours = paper.functions["lake, your transform"]
    per_row = lake["cpu_ms"] / lake["records"]
    batch = paper.functions["events, recorded, 10"]["cpu_ms"] / 10
    plain = paper.functions["events, 10"]["cpu_ms"] / 10
    parquet = f"{event['parquet_gzip_bytes']:.0f}, {event['parquet_snappy_bytes']:.0f} bytes"
    alone = paper.functions["events, recorded, 1"]["cpu_ms"]
    in_child = yours["cpu_ms"] / yours["records"]
    mail_log = paper.behaviour("read").log_bytes
    rows = [
        ["an event, as SES publishes it", f"{event['bytes']:,.0f} bytes"],
        ["events of a mail: sent, delivered, opened, clicked", f"{paper.per_mail:.1f}"],
        ["an item of the event table", f"{item['bytes']:.0f} bytes, at most {item['largest']}"],
        ["a row of the lake in JSON, with `raw`", f"{event['row_bytes']:,.0f} bytes"],
        ["a row in Parquet: gzip (what the lake writes), snappy", parquet],
        ["a row as a line of a gzip file", f"{event['row_gzip_bytes']:.0f} bytes"],
        ["CPU of an event in a batch of ten, read and logged", f"{plain:.3f} ms"],
        ["the same, recorded in the event table", f"{batch:.2f} ms"],
        ["the same, alone in its call, as from the isolation queue", f"{alone:.2f} ms"],
        ["CPU of an event in the lake's transformation", f"{per_row:.3f} ms"],
        ["the same, with a `transform` of yours in its own process", f"{in_child:.3f} ms"],
        ["log of a batch of ten, with Lambda's own lines", f"{paper.batch.log_bytes:,.0f} bytes"],
        ["log of a received mail, with Lambda's own lines", f"{mail_log:,.0f} bytes"],
    ]
    return Table(title="Measured inputs", columns=["input", "value"], rows=rows, numeric=1)


def _mails(paper: Paper) -> Table:
    rows = []
    for work, shown in _SHOWN.items():
        found = [paper.functions[f"{work}, {label}"] for label in SIZES]
        cpu = [f"{one['cpu_ms']:.{0 if one['cpu_ms'] >= 10 else 1}f}" for one in found]
        rows.append([shown, *cpu, f"{found[-1]['memory_mb']:.0f} of {MEMORY_MB[work]}"])
    columns = ["CPU in ms of a mail of", *SIZES, "memory at 25 MB, in MB"]
    return Table(title="A received mail", columns=columns, rows=rows, numeric=5)


def _calls(paper: Paper) -> Table:
    names = {
        **{f"{work}, 100 KB": shown for work, shown in _SHOWN.items()},
        "to a queue, 100 KB": "`ToQueue`; `ToTopic`, `ToEventBus` and `ToStateMachine` likewise",
        "reject spam, 100 KB": "`RejectSpam`",
        "events, recorded, 1": "any event, recorded before your handler",
        "events, bounce, 1": "a permanent bounce",
        "events, complaint, 1": "a complaint, with an alert",
    }
    rows = []
    for name, shown in names.items():
        calls = paper.functions[name]["calls"]
        listed = ", ".join(
            f"{count} `{call.split(':')[1]}`" if count > 1 else f"`{call.split(':')[1]}`"
            for call, count in calls.items()
        )
        rows.append([shown, listed or "none"])
    columns = ["what is handled", "calls of AWS"]
    return Table(title="Calls", columns=columns, rows=rows, numeric=0)


def _sending(paper: Paper) -> Table:
    e = paper.per_mail
    lake = [sum(paper.lake_cost(rate).values()) * month(rate * e) / 1e6 for rate in RATES]
    queue = sum(paper.events_cost().values()) - paper.events_cost()["CloudWatch Logs"]
    per_event = paper.batch.log_bytes / 10
    queues = [queue * month(r * e) / 1e6 + month_logs(per_event, r * e) for r in RATES]
    each = paper.events_concurrency(1)
    rows = [
        ["mails a month", *(_count(month(rate)) for rate in RATES)],
        ["events a second", *(_number(rate * e) for rate in RATES)],
        ["functions of one `on` at a time", *(_number(rate * each) for rate in RATES)],
        _shares("share of Lambda's concurrency", "Lambda, concurrent executions", each),
        _shares("share of SQS's messages in flight", "SQS, messages in flight", each * 10),
        _shares("share of SNS's messages a second", "SNS, messages a second", e),
        _shares("share of the table's writes a second", "DynamoDB, writes a second of a table", e),
        _shares("share of the lake's stream", "Firehose, bytes a second", e * paper.event["bytes"]),
        ["cost a month: SES, à la carte", *(_dollars(PLANS[0].sent(month(r))) for r in RATES)],
        ["cost a month: all events through one `on`", *map(_dollars, queues)],
        ["cost a month: all events into the lake", *map(_dollars, lake)],
    ]
    return Table(title="Sending", columns=_per_second(), rows=rows)


def _plans() -> Table:
    rows = [
        [
            plan.name,
            f"${plan.monthly:,.0f}" if plan.monthly else "none",
            ", ".join(f"${price:.2f}" for price in (*(one for _, one in plan.tiers), plan.last)),
            *(_dollars(plan.sent(month(r))) for r in RATES),
        ]
        for plan in PLANS
    ]
    columns = ["plan", "a month", "a thousand mails", *(f"at {rate:,} a second" for rate in RATES)]
    return Table(title="Sent mail by plan", columns=columns, rows=rows)


def _lake(paper: Paper) -> Table:
    e = paper.per_mail
    batches = [paper.lake_batch(rate) for rate in RATES]
    calls = [rate * e / events for rate, (events, _) in zip(RATES, batches, strict=True)]
    running = [n * call.concurrency for n, (_, call) in zip(calls, batches, strict=True)]
    two_years = paper.event["parquet_gzip_bytes"] * e
    rows = [
        ["events of a call of the transformation", *(_number(events) for events, _ in batches)],
        ["time of a call", *(f"{call.milliseconds:.0f} ms" for _, call in batches)],
        ["transformations at a time", *(_number(one) for one in running)],
        ["objects a day", *(_number(paper.lake_objects(r) * 86_400) for r in RATES)],
        ["in S3 after two years", *(_bytes(two_years * month(r) * 24) for r in RATES)],
        ["`rates_by_day` over 30 days reads", *(_bytes(paper.scanned(rate)) for rate in RATES)],
    ]
    return Table(title="The lake", columns=_per_second(), rows=rows)


def _lake_cost(paper: Paper) -> Table:
    costs = [paper.lake_cost(rate) for rate in RATES[:2]]
    rows = [[name, *(f"${one[name]:.3f}" for one in costs)] for name in costs[0]]
    rows.append(["in all", *(f"${sum(one.values()):.2f}" for one in costs)])
    columns = ["a million events in the lake", "1 mail a second", "100 or more"]
    return Table(title="A million events in the lake", columns=columns, rows=rows, numeric=2)


def _receiving(paper: Paper) -> Table:
    rows = [
        ["mails a month", *(_count(month(rate)) for rate in RATES)],
        ["bytes a second", *(_bytes(rate * _RECEIVED_BYTES) for rate in RATES)],
        ["in S3, with 90 days kept", *(_bytes(month(r) * 3 * _RECEIVED_BYTES) for r in RATES)],
        _shares("share of S3's writes below a prefix", "S3, writes a second below a prefix", 1),
        *(
            _shares(
                f"share of Lambda's concurrency: {shown}",
                "Lambda, concurrent executions",
                paper.behaviour(work).concurrency,
            )
            for work, shown in _SHOWN.items()
        ),
        *(_month_costs(f"cost a month: {shown}", paper, work) for work, shown in _SHOWN.items()),
    ]
    return Table(title="Receiving through receipt rules", columns=_per_second(), rows=rows)


def _gateway(paper: Paper) -> Table:
    log = GATEWAY_LOG_BYTES + GATEWAY_LOG_LINES * LOG_LINE_BYTES
    message = PRICES["Mail Manager, messages"]
    point = PRICES["Mail Manager, ingress point"].of(1)
    taken_in = PRICES["Mail Manager, archive, taken in"]
    kept = PRICES["Mail Manager, archive, kept"]
    size = _RECEIVED_BYTES
    essentials = PRICES["Mail Manager, messages (Essentials, first 10 million)"]
    rows = [
        ["Mail Manager's messages", *(_dollars(message.of(month(r))) for r in RATES)],
        ["the same on Essentials, at most", *(_dollars(essentials.of(month(r))) for r in RATES)],
        ["one open ingress point", *(_dollars(point) for _ in RATES)],
        ["Mail Manager's log of actions", *(_dollars(month_logs(log, rate)) for rate in RATES)],
        *(
            _month_costs(f"all, with {shown}", paper, work, gateway=True)
            for work, shown in _SHOWN.items()
            if work in ("read", "save attachments")
        ),
        ["an archive: all mail taken in", *(_dollars(taken_in.of(size * month(r))) for r in RATES)],
        ["and for each month it is kept", *(_dollars(kept.of(size * month(r))) for r in RATES)],
    ]
    columns = ["cost a month, by mails a second", *_per_second()[1:]]
    return Table(title="Receiving through the gateway", columns=columns, rows=rows)


def _month_costs(shown: str, paper: Paper, work: str, *, gateway: bool = False) -> list[str]:
    cost = paper.mail_cost(work, gateway=gateway)
    linear = sum(cost.values()) - cost["logs"]
    log = paper.behaviour(work).log_bytes
    fixed = 0.0
    vended = 0.0
    if gateway:
        fixed = PRICES["Mail Manager, ingress point"].of(1)
        vended = GATEWAY_LOG_BYTES + GATEWAY_LOG_LINES * LOG_LINE_BYTES
    found = (linear * month(r) / 1e6 + month_logs(log + vended, r) + fixed for r in RATES)
    return [shown, *map(_dollars, found)]


def _mail_cost(paper: Paper) -> Table:
    costs = {shown: paper.mail_cost(work) for work, shown in _SHOWN.items()}
    items = next(iter(costs.values()))
    rows = [[item, *(_dollars(one[item]) for one in costs.values())] for item in items]
    rows.append(["in all", *(_dollars(sum(one.values())) for one in costs.values())])
    columns = ["a million mails of 100 KB", "reads it", *list(costs)[1:]]
    return Table(title="A million received mails", columns=columns, rows=rows, numeric=4)


def _gateway_hours() -> Table:
    rows = []
    for rate in RATES:
        mails = rate * 730
        rules = PRICES["SES, received mail"].of(mails)
        gateway = PRICES["Mail Manager, messages"].of(mails)
        gateway += PRICES["Mail Manager, ingress point"].of(1)
        rows.append([f"{rate:,}", _dollars(rules), _dollars(gateway)])
    columns = ["mails per hour", "receipt rules", "Mail Manager"]
    return Table(title="Receipt rules or Mail Manager", columns=columns, rows=rows, numeric=2)


def _cost(title: str, cost: dict[str, float]) -> Table:
    rows = [[name, f"${dollars:.2f}"] for name, dollars in cost.items()]
    rows.append(["in all", f"${sum(cost.values()):.2f}"])
    columns = [title[0].lower() + title[1:], "cost"]
    return Table(title=title, columns=columns, rows=rows, numeric=1)


def _bends(title: str, limits: Iterable[Limit]) -> Table:
    rows = [
        [_rate(one.most), "" if one.least == one.most else _rate(one.least), one.what, one.remedy]
        for one in limits
    ]
    columns = ["mails a second", "in the smallest region", "what bends", "remedy"]
    return Table(title=title, columns=columns, rows=rows, numeric=0)


def _prices() -> Table:
    rows = []
    for name, one in PRICES.items():
        dollars = f"{one.dollars:.10f}".rstrip("0")
        dollars = dollars if len(dollars.partition(".")[2]) > 2 else f"{one.dollars:.2f}"
        rows.append([name, f"${dollars} {one.unit}", _source(one.source)])
    logs = "logs of Lambda and of Mail Manager"
    rows.append([logs, "$0.50 a GB, in tiers down to $0.05", _source(LOG_PRICES)])
    return Table(title="Prices", columns=["what", "price, us-east-1", "source"], rows=rows)


def _quotas() -> Table:
    rows = [
        [
            name,
            f"{one.most:,.0f}",
            "" if one.least == one.most else f"{one.least:,.0f}",
            "yes" if one.adjustable else "no",
            _source(one.source),
        ]
        for name, one in QUOTAS.items()
    ]
    columns = ["quota", "us-east-1", "smallest", "can be raised", "source"]
    return Table(title="Quotas", columns=columns, rows=rows, numeric=0)


def _source(source: Source) -> str:
    text = f"[{source.text}]({source.url})" if source.url else source.text
    return f"{text}, {source.date}"


def _per_second() -> list[str]:
    return ["mails a second", *(f"{rate:,}" for rate in RATES)]


def _shares(shown: str, name: str, each: float) -> list[str]:
    quota = QUOTAS[name]
    return [shown, *(_share(rate * each, quota.most, quota.least) for rate in RATES)]


def _share(used: float, most: float, least: float) -> str:
    text = _percent(used / most)
    return text if most == least else f"{text} ({_percent(used / least)})"


def _percent(share: float) -> str:
    rounded = float(f"{share * 100:.2g}")
    text = f"{rounded:,.0f} %" if rounded >= 10 else f"{rounded:.2g} %"
    return f"**{text}**" if share > 1 else text


def _rate(rate: float) -> str:
    return f"{float(f'{rate:.2g}'):,.0f}"


def _number(value: float) -> str:
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.2g}"


def _count(value: float) -> str:
    for unit, name in ((1e9, "billion"), (1e6, "million")):
        if value >= unit:
            return f"{value / unit:,.3g} {name}"
    return f"{value:,.0f}"


def _bytes(size: float) -> str:
    for unit, name in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size / 1000:.3g} KB"


def _dollars(value: float) -> str:
    if value == 0:
        return "none"
    return f"${value:,.2f}" if value < 100 else f"${float(f'{value:.3g}'):,.0f}"
