"""A Lambda function that runs Python code of the app: its options, its checks, its resources."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar, TypedDict, Unpack

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_mailroom import _assembly, _quotas, _roles
from cdk_mailroom._annotations import check_annotation
from cdk_mailroom._asked import architecture_name, duration, runtime_name
from cdk_mailroom._checks import Problems, check_list, check_number, check_seconds
from cdk_mailroom._code import check_code
from cdk_mailroom._queues import FailureQueue
from cdk_mailroom._reviewed import reviewed

__all__ = ["FunctionOptions", "PythonFunction"]


class FunctionOptions(TypedDict, total=False):
    """The keyword arguments of every handler that becomes a Lambda function.

    ``None`` is the same as leaving the argument out.
    """

    requirements: str | Path | None
    """A requirements file, installed as wheels for the function's platform.

    By default ``requirements.txt`` in the handler's folder, if there is one.
    """
    memory_size: int | None
    """MiB, 128 to 10240; 512 unless the handler says otherwise."""
    timeout: Duration | None
    """Whole seconds, up to 15 minutes; 60 seconds unless the handler says otherwise."""
    environment: Mapping[str, str] | None
    """Environment variables. Names that begin with ``MAILROOM_`` are reserved."""
    layers: Sequence[lambda_.ILayerVersion] | None
    """At most five. With a layer, the whole runtime is deployed, as the layer may import it."""
    vpc: ec2.IVpc | None
    """The network that the function is connected to; none by default."""
    vpc_subnets: ec2.SubnetSelection | None
    """The subnets of *vpc* to use; private ones by default."""
    security_groups: Sequence[ec2.ISecurityGroup] | None
    """The function's security groups in *vpc*; a new one by default."""
    log_retention: logs.RetentionDays | None
    """How long the function's log is kept; three months by default."""
    runtime: lambda_.Runtime | None
    """Python 3.11 or later; 3.13 by default."""
    architecture: lambda_.Architecture | None
    """``ARM_64`` by default."""
    reserved_concurrency: int | None
    """How many instances may run at once, set aside from the account's limit; none by default."""
    log_addresses: bool | None
    """Also log senders, recipients and error texts; by default the log holds no personal data."""


class PythonFunction:
    """Code, and what the Lambda function that runs it looks like.

    It creates nothing by itself: each `create` makes one function, so that one description may
    serve several rules.
    """

    default_memory_size: ClassVar[int] = 512
    """MiB, unless ``memory_size`` is given."""

    def __init__(
        self,
        folder: str | Path | None,
        handler: str,
        **options: Unpack[FunctionOptions],
    ) -> None:
        """Describe the function, and check it.

        A subclass sets its own attributes first, as this calls `check`.

        Args:
            folder: Its contents are at the top of the function's code; hidden files and bytecode
                are left out. ``None`` if the code comes in a layer, or with the runtime.
            handler: ``module:function`` in *folder*.
            **options: See `FunctionOptions`.

        Raises:
            ConfigurationError: The function cannot be found, or a limit is exceeded.
            TypeError: An option is unknown.
        """
        unknown = sorted(options.keys() - FunctionOptions.__optional_keys__)
        if unknown:
            raise TypeError(
                f"{type(self).__name__}() got an unexpected keyword argument {unknown[0]!r}"
            )
        self._handler = handler
        self._folder = None if folder is None else Path(folder).absolute()
        self._options = _given(options)
        self._timeout = self._options.get("timeout") or duration(self.default_seconds)
        self._requirements = self._find_requirements()
        name = type(self).__name__
        problems = Problems(name if folder is None else f"{name} {handler!r}")
        self.check(problems)
        problems.raise_if_any()

    @property
    def handler(self) -> str:
        """``module:function``."""
        return self._handler

    @property
    def folder(self) -> Path | None:
        """The folder with the code, absolute; ``None`` if the code comes from elsewhere."""
        return self._folder

    @property
    def timeout(self) -> Duration:
        """How long one call may take."""
        return self._timeout

    @property
    def reserved_concurrency(self) -> int | None:
        """How many instances may run at once, if that was limited."""
        return self._options.get("reserved_concurrency")

    @property
    def default_seconds(self) -> int:
        """The default timeout."""
        return 60

    @property
    def longest_seconds(self) -> int:
        """The longest timeout; shorter than Lambda's own where the caller waits for less."""
        return _quotas.LAMBDA_SECONDS

    def check(self, problems: Problems) -> None:
        """Report everything that is wrong with the arguments; subclasses add their own checks.

        Args:
            problems: Takes what is found.
        """
        self._check_code(problems)
        self._check_limits(problems)
        self._check_environment(problems)

    def check_argument(
        self, problems: Problems, given: str, classes: Sequence[str], base: str | None = None
    ) -> None:
        """Note that the function expects something else than what *given* calls it with.

        Args:
            problems: Takes what is found.
            given: What calls it, for the error.
            classes: The names of the ``mailroom`` classes whose objects it is called with.
            base: The name of a class that all of them are as well.
        """
        check_annotation(
            problems,
            folder=self._folder,
            spec=self._handler,
            given=given,
            classes=classes,
            base=base,
        )

    def create(
        self,
        scope: Construct,
        *,
        entry: str,
        specs: Sequence[str],
        description: str,
        environment: Mapping[str, str] | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
    ) -> lambda_.Function:
        """Create function, role and log group below *scope*.

        Grants the function writing to its log group and, given a queue, sending to that.

        Args:
            scope: Gets the children ``Function``, ``Role`` and ``Logs``.
            entry: The runtime's module whose ``handler`` Lambda calls.
            specs: What that calls in turn, each ``module:function``.
            description: The function's description.
            environment: Set besides the user's own variables.
            dead_letter_queue: Takes asynchronous calls that failed three times, or waited for six
                hours. Without it, the function has Lambda's own defaults.
        """
        options = self._options
        runtime = options.get("runtime") or default_runtime()
        architecture = options.get("architecture") or default_architecture()
        layers = list(options.get("layers") or ())
        vpc = options.get("vpc")
        variables = {**(options.get("environment") or {}), **(environment or {})}
        if options.get("log_addresses"):
            variables["MAILROOM_LOG_ADDRESSES"] = "1"
        log_group = logs.LogGroup(
            scope,
            "Logs",
            retention=options.get("log_retention") or logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        # What code in a layer imports cannot be seen from here.
        modules = None if layers else [entry, *(spec.partition(":")[0] for spec in specs)]
        function = lambda_.Function(
            scope,
            "Function",
            description=description,
            code=_assembly.code(
                modules=modules,
                folder=self._folder,
                requirements=self._requirements,
                runtime=runtime,
                architecture=architecture,
            ),
            handler=f"{entry}.handler",
            runtime=runtime,
            architecture=architecture,
            memory_size=options.get("memory_size") or self.default_memory_size,
            timeout=self._timeout,
            layers=layers,
            vpc=vpc,
            vpc_subnets=options.get("vpc_subnets"),
            security_groups=list(options.get("security_groups") or ()) or None,
            role=_roles.function_role(scope, "Role", log_group=log_group, vpc=vpc),
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            reserved_concurrent_executions=options.get("reserved_concurrency"),
            environment=variables,
            on_failure=(None if dead_letter_queue is None else FailureQueue(dead_letter_queue)),
            retry_attempts=None if dead_letter_queue is None else 2,
            max_event_age=None if dead_letter_queue is None else duration(6 * 3600),
        )
        if self._folder is not None:
            # Stays in the cloud assembly, where `mailroom up --watch` finds how to pack this code
            # again, and the local AWS where a failed line is.
            function.node.add_metadata(
                "mailroom:code",
                {
                    "modules": modules,
                    "folder": str(self._folder),
                    "requirements": str(self._requirements) if self._requirements else None,
                    "handler": self._handler,
                    "runtime": runtime_name(runtime),
                    "architecture": architecture_name(architecture),
                    "layers": bool(layers),
                },
            )
        if runtime is default_runtime():
            reviewed(function, "L1", "Python 3.13 is the default; runtime= chooses another")
        return function

    def _find_requirements(self) -> Path | None:
        given = self._options.get("requirements")
        if given is not None:
            return Path(given).absolute()
        own = None if self._folder is None else self._folder / "requirements.txt"
        return own if own is not None and own.is_file() else None

    def _check_code(self, problems: Problems) -> None:
        requirements = self._requirements
        if requirements is not None and not requirements.is_file():
            problems.add("requirements", str(requirements), "no such file: correct the path")
            requirements = None
        runtime = self._options.get("runtime")
        name = runtime_name(runtime or default_runtime())
        version = re.fullmatch(r"python3\.(\d+)", name)
        if version is None or int(version[1]) < _OLDEST_PYTHON:
            problems.add("runtime", name, f"pass Python 3.{_OLDEST_PYTHON} or later")
        if self._folder is None:
            return
        architecture = self._options.get("architecture") or default_architecture()
        check_code(
            problems,
            folder=self._folder,
            spec=self._handler,
            requirements=requirements,
            runtime=name,
            architecture=architecture_name(architecture),
            layers=bool(self._options.get("layers")),
        )

    def _check_limits(self, problems: Problems) -> None:
        options = self._options
        memory_size = options.get("memory_size")
        if memory_size is not None:
            check_number(problems, "memory_size", memory_size, _quotas.LAMBDA_MEMORY_MIB, "MiB")
        timeout = options.get("timeout")
        check_seconds(problems, "timeout", timeout, range(1, self.longest_seconds + 1))
        layers = options.get("layers") or ()
        groups = options.get("security_groups") or ()
        for argument, items, made_by in (
            ("layers", layers, "LayerVersion.from_layer_version_arn(…)"),
            ("security_groups", groups, "SecurityGroup.from_security_group_id(…)"),
        ):
            if check_list(problems, argument, items) and any(isinstance(one, str) for one in items):
                problems.add(argument, items, f"pass constructs, such as {made_by}")
        if len(layers) > _quotas.LAMBDA_LAYERS:
            problems.add(
                "len(layers)", len(layers), f"pass at most {_quotas.LAMBDA_LAYERS}, Lambda's limit"
            )
        if options.get("vpc") is None and (
            options.get("vpc_subnets") is not None or options.get("security_groups")
        ):
            problems.add(
                "vpc",
                None,
                "pass it: without it vpc_subnets and security_groups do nothing",
            )
        _check_subnets(problems, options.get("vpc"), options.get("vpc_subnets"))

    def _check_environment(self, problems: Problems) -> None:
        for name, value in (self._options.get("environment") or {}).items():
            argument = f"environment[{name!r}]"
            if not isinstance(value, str):
                problems.add(argument, value, "pass a string")
            if name == CONFIGURATION_SET_VARIABLE:
                problems.add(
                    argument,
                    value,
                    "omit it, and let the sender's grant_send(rule.function) set it, which also "
                    "grants the sending",
                )
            elif name.startswith("MAILROOM_LAKE_"):
                problems.add(
                    argument,
                    value,
                    "omit it, and let the lake's grant_query(rule.function) set it, which also "
                    "grants the queries",
                )
            elif name.startswith("MAILROOM_"):
                problems.add(argument, value, "choose another name: MAILROOM_… is reserved")
            if (
                not re.fullmatch(_quotas.LAMBDA_ENVIRONMENT_NAME, name)
                or name in _quotas.LAMBDA_RESERVED_NAMES
            ):
                problems.add(
                    argument,
                    value,
                    "use two or more letters, digits and underscores, a letter first, and none "
                    "of Lambda's own names, such as AWS_REGION",
                )


CONFIGURATION_SET_VARIABLE = "MAILROOM_CONFIGURATION_SET"
"""What tells a sender in Lambda its configuration set."""

# As pyproject.toml has it for the whole distribution.
_OLDEST_PYTHON = 11


def _given(options: FunctionOptions) -> FunctionOptions:
    return {name: value for name, value in options.items() if value is not None}  # type: ignore[return-value]


def _check_subnets(
    problems: Problems, vpc: ec2.IVpc | None, subnets: ec2.SubnetSelection | None
) -> None:
    if vpc is None:
        return
    argument = "vpc" if subnets is None else "vpc_subnets"
    chosen = subnets or ec2.SubnetSelection()
    try:
        public = vpc.select_subnets(
            subnet_group_name=chosen.subnet_group_name,
            subnet_type=chosen.subnet_type,
            subnets=chosen.subnets,
            subnet_filters=chosen.subnet_filters,
            availability_zones=chosen.availability_zones,
            one_per_az=chosen.one_per_az,
        ).has_public
    except RuntimeError as error:  # what JavaScript's errors become
        reason = str(error).partition("\n")[0]
        problems.add(argument, vpc.node.path, f"choose subnets that the VPC has: {reason}")
        return
    if public:
        problems.add(
            argument,
            vpc.node.path,
            "choose private subnets, with a NAT gateway or with endpoints of the services that the "
            "function calls: in a public subnet it has no public address, and reaches nothing",
        )


# Each access to a static member of a jsii class is a call into Node.
@cache
def default_runtime() -> lambda_.Runtime:
    """Return the Python that functions run on by default."""
    return lambda_.Runtime.PYTHON_3_13


@cache
def default_architecture() -> lambda_.Architecture:
    """Return the architecture that functions run on by default."""
    return lambda_.Architecture.ARM_64
