"""Start the local AWS, deploy a CDK app to it, and receive mail by SMTP until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import importlib.util
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailroom_cli import account, local, ports
from mailroom_cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    from mailroom_local.control import IngressPoint, LocalAws, Server


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "stacks", nargs="*", metavar="STACK", help="a stack to deploy (default: all of the app)"
    )
    parser.add_argument(
        "--app",
        metavar="COMMAND|DIR",
        help='the command that synthesizes, such as "python app.py", or a folder with a cdk.json '
        "or an app.py (default: the current folder, which needs a cdk.json)",
    )
    parser.add_argument(
        "-c",
        "--context",
        action="append",
        default=[],
        type=_context,
        metavar="KEY=VALUE",
        help="a context value for the app; can be repeated",
    )
    parser.add_argument(
        "--region",
        metavar="REGION",
        help="the region of stacks that are not pinned to one (default: us-east-1)",
    )
    parser.add_argument(
        "--identity",
        action="append",
        default=[],
        metavar="DOMAIN|ADDRESS",
        help="verify this identity before the deployment; can be repeated",
    )
    parser.add_argument(
        "--detach", action="store_true", help="return after the deployment; `down` stops it"
    )
    parser.add_argument(
        "--json", action="store_true", help="with --detach: write addresses and ports as JSON"
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="deploy again what is saved: of a handler's folder, its functions alone, in a moment",
    )
    for name, (usual, what) in ports.USUAL.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=_port,
            metavar="N",
            help=f"the port of {what} (default: {usual} if it is free, or else any free one)",
        )
    local.add_state_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Start and deploy; return then with ``--detach``, or when it was running before."""
    local.require()
    if options.json and not options.detach:
        raise UsageError("--json has no effect without --detach", remedy="add --detach")
    if options.watch:
        _require_watching(options)
    app, folder = _app(options.app)
    from mailroom_cli.progress import Steps
    from mailroom_local.control import LocalAws, MailroomError, NotRunning, find_cdk
    from mailroom_local.control.clients import REGION

    try:
        find_cdk(folder)
    except MailroomError as error:
        raise UsageError(str(error.args[0]), remedy=error.remedy) from error
    steps = Steps()
    try:
        aws = LocalAws.attach(state=options.state, progress=steps)
    except NotRunning:
        aws = LocalAws(
            state=options.state,
            region=options.region or REGION,
            progress=steps,
            **_ports(options),
        )
        return _start(aws, options, app, folder)
    _refuse_other_ports(aws.server, options)
    since = _deploy_first(aws, options, app, folder, again=True)
    if options.watch:
        _watch(aws, options, app, folder, since, ours=False)
    return 0


@contextlib.contextmanager
def _warnings_shown() -> Iterator[None]:
    """Show what the local AWS warns of as the command's own words."""
    from mailroom_cli.terminal import show, text

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", UserWarning)
        yield
    for warning in warned:
        show(text(str(warning.message), "yellow"), stream=sys.stderr)


def _start(aws: LocalAws, options: argparse.Namespace, app: str | None, folder: Path) -> int:
    keep = False
    try:
        with _warnings_shown():
            aws.start(detached=options.detach)
        since = _deploy_first(aws, options, app, folder)
        keep = options.detach
        if not keep:
            _watch(aws, options, app, folder, since, ours=True)
    finally:
        if not keep:
            aws.stop()
    return 0


def _app(given: str | None) -> tuple[str | None, Path]:
    here = Path.cwd()
    if given is None or Path(given).is_dir():
        folder = Path(given).absolute() if given else here
        if (folder / "cdk.json").is_file():
            return None, folder
        if given and (folder / "app.py").is_file():
            return "python app.py", folder
        raise UsageError(
            f"no app: {folder} has no cdk.json" + (" and no app.py" if given else ""),
            remedy='pass --app "python app.py", or --app with the folder of the app',
        )
    return given, here


def _ports(options: argparse.Namespace) -> dict[str, int]:
    """The ports that were chosen, or else the usual ones, as far as they are free."""
    from mailroom_cli.terminal import show

    chosen = {}
    for name, (usual, what) in ports.USUAL.items():
        given = getattr(options, name)
        free = given is not None or ports.is_free(usual)
        if not free:
            show(f"port {usual} is in use: {what} gets another one", stream=sys.stderr)
        chosen[name] = given if given is not None else usual if free else 0
    return chosen


def _refuse_other_ports(server: Server, options: argparse.Namespace) -> None:
    running = {
        "port": int(server.endpoint.rpartition(":")[2]),
        "smtp_port": server.smtp_port,
        "submission_port": server.submission_port,
        "page_port": int(server.page.rpartition(":")[2]) if server.page else None,
    }
    for name, port in running.items():
        if getattr(options, name) not in (None, 0, port):
            option = f"--{name.replace('_', '-')}"
            raise UsageError(
                f"{option} {getattr(options, name)} has no effect: the local AWS is running, "
                f"on port {port}",
                remedy=f"omit {option}, or stop the local AWS first: mailroom down",
            )


def _deploy_first(
    aws: LocalAws,
    options: argparse.Namespace,
    app: str | None,
    folder: Path,
    *,
    again: bool = False,
) -> float:
    """Deploy, with `--watch` until it succeeds; return when that began."""
    deploy = functools.partial(_deploy, aws, options, app, folder, again=again)
    if options.watch:
        from mailroom_cli.watching import until_deployed

        return until_deployed(aws, deploy, folder=folder)
    since = time.time()
    deploy()
    return since


def _deploy(
    aws: LocalAws,
    options: argparse.Namespace,
    app: str | None,
    folder: Path,
    *,
    again: bool = False,
) -> None:
    from mailroom_cli.terminal import say_json, show

    if again and not options.json:
        show(f"the local AWS is running at {aws.server.endpoint}: deploying to it again")
    for identity in options.identity:
        with account.calls(f"cannot verify {identity}", remedy="pass a domain or an address"):
            aws.verify_identity(identity)
    with _warnings_shown():
        aws.deploy(
            app=app,
            cwd=folder,
            context=dict(options.context),
            stacks=options.stacks,
            region=options.region,
        )
    if options.json:
        say_json(_addresses(aws))
    else:
        _announce(aws)


def _addresses(aws: LocalAws) -> dict[str, Any]:
    return {
        "endpoint": aws.server.endpoint,
        "account": aws.server.account,
        "region": aws.server.region,
        "smtp_port": aws.server.smtp_port,
        "submission_port": aws.submission_port,
        "user": aws.credentials.user,
        "password": aws.credentials.password,
        "ingress_points": [dataclasses.asdict(point) for point in aws.ingress_points()],
        "page": aws.server.page,
        "page_token": aws.server.page_token,
        "state": str(aws.state.root),
    }


def _announce(aws: LocalAws) -> None:
    from rich.table import Table

    from mailroom_cli.terminal import show, text

    user = aws.credentials
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    page = aws.server.page
    rows = [
        ("AWS", aws.server.endpoint, f"account {aws.server.account}, {aws.server.region}"),
        ("SMTP", f"127.0.0.1:{aws.server.smtp_port}", "receives mail"),
        (
            "SMTP",
            f"127.0.0.1:{aws.submission_port}",
            f"sends mail: STARTTLS, user {user.user}, password {user.password}",
        ),
        ("Page", page, "mail, received and sent, and its story"),
    ]
    for name, where, about in rows if page else rows[:-1]:
        table.add_row(text(name, "bold"), text(where), text(about))
    show("", table)
    points = aws.ingress_points()
    _announce_ingress(points, several=len(aws.environments) > 1)
    for place in aws.environments:
        several = f" of account {place.account} in {place.region}"
        _announce_rules(
            functools.partial(aws.client, account=place.account, region=place.region),
            several if len(aws.environments) > 1 else "",
            needed=not any(
                (point.account, point.region) == (place.account, place.region) for point in points
            ),
        )


def _announce_ingress(points: Sequence[IngressPoint], *, several: bool) -> None:
    from rich.padding import Padding
    from rich.table import Table

    from mailroom_cli.names import short_name
    from mailroom_cli.terminal import show, text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for point in points:
        about = [_access(point)]
        if several:
            about.append(f"account {point.account}, {point.region}")
        if point.status != "ACTIVE":
            about.append(point.status)
        where = f"{point.host}:{point.port}"
        table.add_row(text(short_name(point.name)), text(where), text(", ".join(about)))
    if points:
        show("", "ingress points", Padding(table, (0, 0, 0, 2), expand=False))


def _access(point: IngressPoint) -> str:
    """How a client gets in."""
    if point.kind == "AUTH":
        return f"STARTTLS, user {point.id}, password in its secret"
    if point.kind == "MTLS":
        return "STARTTLS with a client certificate"
    return "STARTTLS if the client wants" if point.tls_policy == "OPTIONAL" else "STARTTLS"


def _announce_rules(client: Callable[[str], Any], where: str, *, needed: bool) -> None:
    from rich.padding import Padding
    from rich.table import Table

    from mailroom_cli.identities import unverified
    from mailroom_cli.names import short_name
    from mailroom_cli.terminal import show, text

    active = client("ses").describe_active_receipt_rule_set()
    found = active.get("Rules", [])
    # Who has a gateway may do without receipt rules.
    if needed and "Metadata" not in active:
        refused = f"no receipt rule set is active{where}, so every message is refused"
        show(text(refused, "yellow"))
    rules = Table.grid(padding=(0, 2, 0, 0))
    rules.add_column(overflow="fold")
    rules.add_column(overflow="fold")
    for rule in found:
        recipients = ", ".join(rule.get("Recipients", [])) or "every verified identity"
        disabled = "" if rule["Enabled"] else "  (disabled)"
        rules.add_row(text(short_name(rule["Name"])), text(recipients + disabled))
    if rules.row_count:
        show("", text(f"receipt rules{where}"), Padding(rules, (0, 0, 0, 2), expand=False))
    for domain, addresses in unverified(client, found).items():
        show(
            "",
            text(
                f"{domain} is not verified: SES neither receives for it nor sends from it", "yellow"
            ),
            text(f"  needed by {', '.join(addresses)}; to verify it: --identity {domain}"),
        )


def _watch(
    aws: LocalAws,
    options: argparse.Namespace,
    app: str | None,
    folder: Path,
    since: float,
    *,
    ours: bool,
) -> None:
    from mailroom_cli.follow import follow
    from mailroom_cli.terminal import show
    from mailroom_cli.watching import watching

    server = aws.server
    ends = "stops the local AWS" if ours else "ends this; `mailroom down` stops the local AWS"
    show("", f"Messages appear here as they come. Ctrl-C {ends}.")
    if options.watch:

        def deploy(other: LocalAws) -> None:
            other.deploy_again(
                app=app, cwd=folder, context=dict(options.context), stacks=options.stacks
            )

        show(f"Edits in {folder} are deployed as they are saved.")
        with watching(aws, folder=folder, deploy=deploy, since=since) as notices:
            follow(aws, while_=lambda: aws.running, sleep=notices.sleep, notices=notices.take)
    else:
        follow(aws, while_=lambda: aws.running)
    if aws.state.ended_cleanly(server.pid):
        show("the local AWS was stopped, perhaps by `mailroom down`")
        return
    raise CommandError(
        "the local AWS ended unexpectedly", remedy=f"see its log: {aws.state.server_log}"
    )


def _require_watching(options: argparse.Namespace) -> None:
    if options.detach:
        raise UsageError("--watch has no effect with --detach", remedy="omit one of them")
    if importlib.util.find_spec("watchfiles") is None:
        raise UsageError(
            "--watch needs the package watchfiles",
            remedy="install it: pip install 'cdk-mailroom[local]'",
        )


def _port(value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value) < 65536):
        raise argparse.ArgumentTypeError(f"{value!r} is not a port: pass 0 to 65535")
    return int(value)


def _context(value: str) -> tuple[str, str]:
    name, equals, text = value.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{value!r} is not a context value: pass KEY=VALUE")
    return name, text
