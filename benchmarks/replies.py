"""Compares what `mailroom` takes for the new text of a reply with what other libraries do.

The samples are those that such libraries test themselves with. Nothing is fetched: put the unpacked
source packages into one folder, and pass it::

    pip download --no-deps --no-binary :all: mail-parser-reply email-reply-parser quotequail talon
    for each in *.tar.gz; do tar xzf $each; done
    python benchmarks/replies.py .

Text and expected reply are taken from the packages' tests as constants, and from the files that
these name; no test is run. Only quotes count: most of the tests keep signatures. Two texts are
equal if they differ in white space alone. "Lost" are samples in which words of the expected reply
are missing, which is worse than a quote that stays.
"""

from __future__ import annotations

import argparse
import ast
import email
import html as html_module
import importlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from email import policy
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "lambda_src"))

from mailroom.conversation import quotes  # noqa: E402 (the folder is not on the path)
from mailroom.mime import rendering  # noqa: E402

TALON_REPLY = "Hi. I am fine.\n\nThanks,\nAlex"
LANGUAGES = "en de fr es it pt nl pl sv da no fi cs ja zh ko david"


class Sample(NamedTuple):
    """One mail of a test, and the reply that the test expects."""

    name: str
    text: str
    expected: str
    is_html: bool = False


def samples(folder: Path) -> Iterator[Sample]:
    """Yield each sample in *folder* once."""
    for path in sorted(folder.rglob("*.py")):
        if "test" not in path.name:
            continue
        try:
            tree = ast.parse(path.read_text("utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield from _of_function(path, node)
                yield from _of_parameters(path, node)
    for path in sorted(folder.rglob("standard_replies/*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        body = message.get_body(preferencelist=("plain",))  # type: ignore[attr-defined]
        wanted = path.with_name(f"{path.stem}_reply_text")
        expected = wanted.read_text("utf-8") if wanted.exists() else "Hello"
        yield Sample(f"talon {path.stem}", body.get_content(), expected)
    for path in sorted(folder.rglob("html_replies/*.html")):
        yield Sample(f"talon {path.stem}", path.read_text("utf-8"), TALON_REPLY, is_html=True)


def _of_function(path: Path, function: ast.FunctionDef) -> Iterator[Sample]:
    """Yield what ``eq_(expected, extract_from_plain(text))`` and ``… == mail.….body`` say."""
    known: dict[str, str] = {}
    name = f"{path.parent.parent.name} {function.name}"
    found = [one for one in ast.walk(function) if isinstance(one, ast.Assign | ast.Call)]
    for node in sorted(found, key=lambda one: (one.lineno, one.col_offset)):
        if isinstance(node, ast.Assign):
            target = node.targets[0]
            value = _text(node.value, known)
            if value is None and "get_email" in ast.dump(node.value):
                value = _file(path, node.value)
            if value is not None and isinstance(target, ast.Name):
                known[target.id] = value
            continue
        called = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if len(node.args) != 2 or not (called == "eq_" or "Equal" in called):
            continue
        expected, call = (_unwrapped(one) for one in node.args)
        wanted = _text(expected, known)
        reader = getattr(getattr(call, "func", None), "attr", "")
        if wanted is None or not reader.startswith(("extract_from", "parse_reply")):
            continue
        given = _text(call.args[0], known)  # type: ignore[attr-defined]
        if given is not None:
            is_html = "html" in reader or "text/html" in ast.dump(call)
            yield Sample(f"{name} {node.lineno}", given, _plain(wanted, is_html), is_html)


def _of_parameters(path: Path, function: ast.FunctionDef) -> Iterator[Sample]:
    """Yield the cases of quotequail's parametrized tests."""
    if function.name not in ("test_quote", "test_quote_html"):
        return
    for decorator in function.decorator_list:
        if not isinstance(decorator, ast.Call) or len(decorator.args) < 2:
            continue
        for number, case in enumerate(ast.literal_eval(decorator.args[1])):
            is_html = function.name.endswith("html")
            expected = "\n".join(part for new, part in case[2] if new)
            name = f"{path.parent.parent.name} {function.name} {number}"
            yield Sample(name, case[0], _plain(expected, is_html), is_html)


def _unwrapped(node: ast.expr) -> ast.expr:
    # RE_WHITESPACE.sub('', …) around either side.
    while isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("sub", "strip"):
        node = node.args[1] if node.args[1:] else node.func.value  # type: ignore[attr-defined]
    return node


def _text(node: ast.expr, known: dict[str, str]) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        return known.get(node.id)
    return None


def _file(path: Path, node: ast.expr) -> str | None:
    names = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
    file = path.parent / "emails" / f"{names[0]}.txt" if names else path
    return file.read_text("utf-8") if file.suffix == ".txt" and file.exists() else None


def _plain(expected: str, is_html: bool) -> str:
    return rendering.text(expected) if is_html else expected


def ours(sample: Sample) -> str:
    found = quotes.split_html(sample.text) if sample.is_html else quotes.split(sample.text)
    return f"{found.new}\n{found.signature}"


def candidates(folder: Path) -> dict[str, Callable[[Sample], str]]:
    """Return what makes a reply of a sample, by name; those in *folder* that can be imported."""
    found: dict[str, Callable[[Sample], str]] = {"mailroom": ours}
    for module in ("mailparser_reply", "email_reply_parser", "quotequail"):
        for path in folder.rglob(f"{module}/__init__.py"):
            sys.path.append(str(path.parent.parent))
            break
    for name, make in (
        ("mail-parser-reply", _mail_parser_reply),
        ("email-reply-parser", _email_reply_parser),
        ("quotequail", _quotequail),
    ):
        try:
            found[name] = make()
        except ImportError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    return found


def _of_html(sample: Sample) -> str:
    return rendering.text(sample.text) if sample.is_html else sample.text


def _mail_parser_reply() -> Callable[[Sample], str]:
    module: Any = importlib.import_module("mailparser_reply")
    parser = module.EmailReplyParser(languages=LANGUAGES.split())
    return lambda sample: parser.parse_reply(_of_html(sample)) or ""


def _email_reply_parser() -> Callable[[Sample], str]:
    module: Any = importlib.import_module("email_reply_parser")

    def reply(sample: Sample) -> str:
        found = module.EmailReplyParser.read(_of_html(sample)).fragments
        return "\n".join(one.content for one in found if not one.quoted)

    return reply


def _quotequail() -> Callable[[Sample], str]:
    module: Any = importlib.import_module("quotequail")

    def reply(sample: Sample) -> str:
        found = module.quote(_of_html(sample), quote_intro_line=True)
        return "\n".join(part for new, part in found if new)

    return reply


def bare(text: str) -> str:
    """Return *text* without white space and quotation marks of HTML."""
    return re.sub(r"\s+", "", html_module.unescape(text))


def lost(expected: str, found: str) -> bool:
    """Return whether words of *expected* are missing in *found*."""
    words = set(re.findall(r"\w+", expected))
    return not words <= set(re.findall(r"\w+", found))


def measure(
    given: list[Sample], work: dict[str, Callable[[Sample], str]], wrong: bool
) -> dict[str, dict[str, float]]:
    """Return, for each candidate, how many samples it reads as expected, and its time."""
    report: dict[str, dict[str, float]] = {}
    for name, reply in work.items():
        equal = missing = raised = 0
        started = time.perf_counter()
        for sample in given:
            try:
                found = reply(sample)
            except Exception as error:  # a result, too
                raised += 1
                found = f"{type(error).__name__}: {error}"
            if bare(found) == bare(sample.expected):
                equal += 1
            elif wrong and name == "mailroom":
                print(f"── {sample.name}\n{sample.text}\n·· expected\n{sample.expected}")
                print(f"·· found\n{found}")
            missing += lost(sample.expected, found)
        seconds = time.perf_counter() - started
        report[name] = {
            "samples": len(given),
            "as expected": equal,
            "lost": missing,
            "raised": raised,
            "ms": round(seconds / max(1, len(given)) * 1000, 2),
        }
    return report


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="unpacked source packages")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--wrong", action="store_true", help="show what is not read as expected")
    arguments = parser.parse_args()
    found = list({(one.text, one.expected): one for one in samples(arguments.folder)}.values())
    if not found:
        parser.error(f"{arguments.folder} has no samples: unpack the source packages there")
    work = candidates(arguments.folder)
    report = {
        kind: measure([one for one in found if one.is_html == is_html], work, arguments.wrong)
        for kind, is_html in (("text", False), ("HTML", True))
    }
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    for kind, rows in report.items():
        print(f"\n{kind}: {rows['mailroom']['samples']} samples")
        for name, row in rows.items():
            print(
                f"  {name:20} {row['as expected']:4} as expected, {row['lost']:3} lost, "
                f"{row['raised']} raised, {row['ms']:.2f} ms each"
            )


if __name__ == "__main__":
    main()
