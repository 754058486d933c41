"""Email templates whose text is in a folder, checked against sample data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom._construct import MailConstruct
from mailroom.ses import TEMPLATE_BYTES, TEMPLATE_NAME

__all__ = ["EmailTemplate", "variables"]

_PARTS: Final = ("subject.txt", "text.txt", "body.html")

_TAG = re.compile(r"\{\{\{?\s*(?P<sign>[#/^&!>]?)\s*(?P<body>[^{}]*?)\s*\}?\}\}")
_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s]+")
_LITERALS: Final = frozenset({"this", ".", "else", "true", "false", "null", "undefined"})
# https://docs.aws.amazon.com/ses/latest/dg/sending-email-subscription-management.html
_BUILT_IN: Final = frozenset({"amazonSESUnsubscribeUrl"})
_BLOCKS: Final = frozenset({"if", "unless", "each", "with"})


class EmailTemplate(MailConstruct):
    """A template whose text is in a folder of yours, checked against its sample data.

    The folder has ``subject.txt``, ``text.txt`` or ``body.html`` or both, and ``sample.json``. At
    synth each variable of the text must be in the sample data, and everything in the sample data
    must be used: SES notices a missing one only when mail is sent, with a Rendering Failure.

    https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-advanced.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        folder: str | Path,
        template_name: str | None = None,
    ) -> None:
        """Create the template.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            folder: The folder with the text and the sample data.
            template_name: 1 to 256 visible ASCII characters; made by CloudFormation by default.

        Raises:
            ConfigurationError: A missing file, a text that is too long, or variables that differ
                from the sample data.
        """
        problems = Problems(scope, construct_id)
        root = Path(folder).absolute()
        parts = {
            name: path.read_text(encoding="utf-8")
            for name in _PARTS
            if (path := root / name).is_file()
        }
        if "subject.txt" not in parts or len(parts) < 2:
            problems.add("folder", str(root), "add subject.txt, and text.txt or body.html or both")
        size = sum(len(text.encode()) for text in parts.values())
        if size > TEMPLATE_BYTES:
            problems.add(
                "folder",
                f"{size} bytes",
                f"shorten the text to {TEMPLATE_BYTES} bytes, SES's limit",
            )
        if (
            template_name is not None
            and resolved(template_name)
            and not re.fullmatch(TEMPLATE_NAME, template_name)
        ):
            problems.add("template_name", template_name, "use 1 to 256 visible ASCII characters")
        sample = _sample(problems, root)
        if sample is not None:
            _compare(problems, parts, sample)
        problems.raise_if_any()
        super().__init__(scope, construct_id)
        self.folder = root
        """The folder, absolute."""
        self.sample = sample or {}
        """The sample data, for tests and previews."""
        resource = ses.CfnTemplate(
            self,
            "Resource",
            template=ses.CfnTemplate.TemplateProperty(
                template_name=template_name,
                subject_part=parts["subject.txt"].strip(),
                text_part=parts.get("text.txt"),
                html_part=parts.get("body.html"),
            ),
        )
        self.template_name = template_name or resource.ref
        """Its name, for the sender."""


def variables(text: str) -> set[str]:
    """Return the top-level names of the data that *text*, a template of SES's, refers to.

    Inside ``{{#each x}}`` and ``{{#with x}}`` names are looked up in ``x``, so only ``x`` counts,
    and paths that lead up and out with ``../``.
    """
    found: set[str] = set()
    depth = 0
    stack: list[bool] = []
    for tag in _TAG.finditer(text):
        sign, words = tag["sign"], _WORD.findall(tag["body"])
        if sign in ("!", ">") or not words:
            continue
        if sign == "/":
            depth -= stack.pop() if stack else 0
            continue
        if sign in ("#", "^"):
            block = words[0] if words[0] in _BLOCKS else "each"
            arguments = words[1:] if words[0] in _BLOCKS else words
            found |= _roots(arguments, depth)
            narrows = block in ("each", "with")
            stack.append(narrows)
            depth += narrows
            continue
        found |= _roots(words if len(words) == 1 else words[1:] or words, depth)
    return found - _BUILT_IN


def _roots(words: Sequence[str], depth: int) -> set[str]:
    found = set()
    for word in words:
        if word[0] in "\"'@|" or word in _LITERALS or word.replace(".", "").isdigit():
            continue
        if word == "as":
            break  # block parameters: {{#each items as |item|}}
        up = word.count("../")
        path = word.replace("../", "").removeprefix("this.").removeprefix("this/")
        if up >= depth and path and path not in _LITERALS:
            found.add(re.split(r"[./\[]", path)[0])
    return found


def _sample(problems: Problems, folder: Path) -> dict[str, Any] | None:
    path = folder / "sample.json"
    try:
        sample = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.add("folder", str(folder), "add sample.json, if only with {}")
        return None
    except ValueError as error:
        problems.add("sample.json", str(path), f"it is not JSON: {error}")
        return None
    if not isinstance(sample, dict):
        problems.add("sample.json", str(path), "write one JSON object")
        return None
    return sample


def _compare(problems: Problems, parts: Mapping[str, str], sample: Mapping[str, Any]) -> None:
    used: set[str] = set()
    for name, text in parts.items():
        needed = variables(text)
        used |= needed
        for variable in sorted(needed - sample.keys()):
            problems.add(name, f"{{{{{variable}}}}}", f"add {variable!r} to sample.json")
    for name in sorted(sample.keys() - used):
        problems.add("sample.json", name, "remove it: no part of the template uses it")
