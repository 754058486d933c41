"""Small changes of the source, each of which some test should notice.

Docstrings, annotations, type aliases, decorators, what only type checkers run, ``__all__``, the
words of errors, ``strict=`` and ``encoding=``, and any text of three words or more stay.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

COMPARISONS = {
    ast.Eq: "!=", ast.NotEq: "==", ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">",
    ast.In: "not in", ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is",
}  # fmt: skip
ARITHMETIC = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "+", ast.Div: "*", ast.FloorDiv: "*",
    ast.BitOr: "&", ast.BitAnd: "|", ast.LShift: ">>", ast.RShift: "<<",
}  # fmt: skip
NAMES = {
    "min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list",
    "startswith": "endswith", "endswith": "startswith", "lower": "upper", "upper": "lower",
    "partition": "rpartition", "rpartition": "partition", "find": "rfind", "rfind": "find",
    "strip": "lstrip", "lstrip": "strip", "rstrip": "strip", "removeprefix": "removesuffix",
    "fullmatch": "match", "match": "search", "search": "match",
}  # fmt: skip
# What says in the code what is so anyway: that lengths agree, and that text is UTF-8.
STATED = ("strict", "encoding")
Place = ast.AST | tuple[int, int]
Offer = tuple[Place, str, str]
# Texts and numbers are most of the code; what decides is worth more.
WEIGHTS = {"text": 0.35, "number+1": 0.6, "number-1": 0.6, "element removed": 0.6}


@dataclass(frozen=True)
class Mutant:
    """One change in one file."""

    path: str
    line: int
    function: str
    """Dotted name of what it is in, empty for a module's own statements."""
    kind: str
    before: str
    after: str
    start: int
    """Where *before* begins in the file, in bytes."""
    names: tuple[str, ...]
    """What the statement defines, if it runs on import."""
    number: int = 1
    """Which of the same changes in this function."""

    @property
    def id(self) -> str:
        """Name it so that edits elsewhere in the file do not change the name."""
        before = " ".join(self.before.split())
        if len(before) > 60:
            before = f"{before[:40]}…{hashlib.sha256(before.encode()).hexdigest()[:8]}"
        numbered = f" #{self.number}" if self.number > 1 else ""
        return f"{self.path}:{self.function}: {self.kind}: {before}{numbered}"

    def apply(self, source: bytes) -> bytes | None:
        """Return the changed file, or ``None`` if the change means nothing to Python."""
        end = self.start + len(self.before.encode())
        changed = source[: self.start] + self.after.encode() + source[end:]
        try:
            same = ast.dump(ast.parse(changed)) == ast.dump(ast.parse(source))
        except SyntaxError:
            return None
        return None if same else changed


def mutants(root: Path, folder: str) -> list[Mutant]:
    """Return all mutants of the Python files in *folder*, relative to *root*."""
    found = []
    for path in sorted((root / folder).rglob("*.py")):
        found += _File(path.read_bytes(), path.relative_to(root).as_posix()).mutants()
    return found


def sample(found: Sequence[Mutant], size: int, seed: int) -> list[Mutant]:
    """Return *size* of them, of each folder in proportion, the same for the same *seed*.

    An edit changes few of them, as the choice depends on nothing but their ids.
    """
    folders: dict[str, list[Mutant]] = {}
    for mutant in found:
        folders.setdefault(folder_of(mutant.path), []).append(mutant)
    chosen: list[Mutant] = []
    seen = 0
    for name in sorted(folders):
        seen += len(folders[name])
        share = round(size * seen / len(found)) - len(chosen)
        chosen += sorted(folders[name], key=lambda one: _rank(one, seed))[:share]
    return chosen


def folder_of(path: str) -> str:
    """Return the package and the folder in it that *path* belongs to."""
    return "/".join(path.split("/")[1:-1][:2])


def _rank(mutant: Mutant, seed: int) -> float:
    digest = hashlib.sha256(f"{seed} {mutant.id}".encode()).digest()
    uniform = (int.from_bytes(digest[:7]) + 1) / (1 << 56)
    return -(uniform ** (1 / WEIGHTS.get(mutant.kind, 1.0)))


class _File:
    def __init__(self, source: bytes, path: str) -> None:
        self.source, self.path = source, path
        self.lines = [0]
        for line in source.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))
        self.found: list[Mutant] = []
        self.counts: Counter[str] = Counter()

    def mutants(self) -> list[Mutant]:
        self.visit(ast.parse(self.source), "", ())
        return self.found

    def span(self, node: ast.AST) -> tuple[int, int]:
        start = self.lines[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        end = self.lines[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
        return start, end

    def text(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.source[start:end].decode()

    def add(self, place: Place, kind: str, after: str) -> None:
        start, end = place if isinstance(place, tuple) else self.span(place)
        line = self.source.count(b"\n", 0, start) + 1
        before = self.source[start:end].decode()
        one = Mutant(self.path, line, self.function, kind, before, after, start, self.names)
        self.counts[one.id] += 1
        self.found.append(
            Mutant(*(getattr(one, name) for name in list(one.__dict__)[:-1]), self.counts[one.id])
        )

    def visit(self, node: ast.AST, function: str, names: tuple[str, ...]) -> None:
        """Take what *node* offers, then its parts, save what is left alone."""
        inner = function
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            inner = f"{function}.{node.name}".lstrip(".")
            names = (node.name,)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = tuple(n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
        self.function, self.names = inner, names
        for offers in (self.operators, self.values, self.statements):
            for place, kind, after in offers(node):
                self.add(place, kind, after)
        for part in _parts(node):
            self.visit(part, inner, names)

    def operators(self, node: ast.AST) -> Iterator[Offer]:
        match node:
            case ast.Compare(ops=[op], left=left, comparators=[right]):
                swapped = COMPARISONS[type(op)]
                yield node, "comparison", f"(({self.text(left)}) {swapped} ({self.text(right)}))"
            case ast.BoolOp(op=op, values=values):
                word = " or " if isinstance(op, ast.And) else " and "
                yield node, "and/or", f"({word.join(f'({self.text(one)})' for one in values)})"
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield node, "not removed", f"({self.text(operand)})"
            case ast.BinOp(op=op, left=left, right=right) if type(op) in ARITHMETIC:
                swapped = ARITHMETIC[type(op)]
                yield node, "arithmetic", f"(({self.text(left)}) {swapped} ({self.text(right)}))"
        for test in _conditions(node):
            single = isinstance(test, ast.Compare) and len(test.ops) == 1
            if not single and not isinstance(test, ast.UnaryOp | ast.Constant):
                yield test, "condition negated", f"(not ({self.text(test)}))"

    def values(self, node: ast.AST) -> Iterator[Offer]:
        match node:
            case ast.Constant(value=value):
                yield from ((node, kind, after) for kind, after in _constants(value))
            case ast.JoinedStr(values=[*_, ast.Constant(value=str(word))]) if not _prose(node):
                node.values[-1] = ast.Constant(value=f"{word}X")
                yield node, "text", ast.unparse(node)
                node.values[-1] = ast.Constant(value=word)
            case ast.Slice(lower=lower, upper=upper):
                yield from ((end, "slice", "None") for end in (lower, upper) if end)
            case ast.Dict(keys=keys, values=values) if all(keys):
                starts = [self.span(key)[0] for key in keys if key]
                spans = list(zip(starts, [self.span(one)[1] for one in values], strict=True))
                yield from self.without(node, spans, "element removed")
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                if len(elements) > 1 and not isinstance(getattr(node, "ctx", None), ast.Store):
                    yield from self.without(node, list(map(self.span, elements)), "element removed")
            case ast.Call(args=positional, keywords=keywords, func=called):
                spans = list(map(self.span, [*positional, *keywords]))
                removed = list(self.without(node, spans, "argument removed"))[len(positional) :]
                named = zip(removed, keywords, strict=True)
                yield from (one for one, word in named if word.arg and word.arg not in STATED)
                name = called.attr if isinstance(called, ast.Attribute) else self.text(called)
                if name in NAMES:
                    end = self.span(called)[1]
                    yield (end - len(name), end), "other function", NAMES[name]

    def statements(self, node: ast.AST) -> Iterator[Offer]:
        match node:
            case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom() | ast.Await()):
                yield node, "statement removed", "pass"
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.Delete():
                yield node, "statement removed", "pass"
            case ast.AugAssign() | ast.Raise():
                yield node, "statement removed", "pass"
            case ast.Return(value=ast.expr() as value) if not _is_none(value):
                yield node, "nothing returned", "return None"
            case ast.Continue():
                yield node, "break", "break"
            case ast.Break():
                yield node, "continue", "continue"
            case ast.ExceptHandler(type=ast.expr() as caught):
                yield caught, "exception not caught", "()"

    def without(self, whole: ast.AST, spans: list[tuple[int, int]], kind: str) -> Iterator[Offer]:
        """Remove each of *spans*, with the comma that belongs to it."""
        for index, (start, end) in enumerate(spans):
            if index + 1 < len(spans):
                yield (start, spans[index + 1][0]), kind, ""
            elif index:
                yield (spans[index - 1][1], end), kind, ""
            else:
                yield (start, self.span(whole)[1] - 1), kind, ""


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """Return the parts of *node* that may be changed."""
    left_alone: list[ast.AST | None] = []
    match node:
        case ast.Module(body=body) | ast.ClassDef(body=body) | ast.FunctionDef(body=body):
            # Not a docstring, nor the text below an attribute that documents it.
            left_alone += [
                one
                for one in body
                if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
            ]
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                left_alone += node.decorator_list
            if isinstance(node, ast.FunctionDef):
                left_alone.append(node.returns)
        case ast.AnnAssign(annotation=annotation) | ast.arg(annotation=annotation):
            left_alone.append(annotation)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            alias = name.lstrip("_")[:1].isupper() and not name.isupper()
            if name in ("__all__", "TYPE_CHECKING") or (
                alias and not isinstance(value, ast.Constant | ast.Dict)
            ):
                left_alone.append(value)
        case ast.Call(func=ast.Name(id="cast"), args=[kind, *_]):
            left_alone.append(kind)
        case ast.keyword(arg=name, value=value) if name in STATED:
            left_alone.append(value)
        case ast.Raise(exc=raised):
            left_alone.append(raised)
        case ast.Compare(ops=[ast.Is() | ast.IsNot()], comparators=[value]):
            left_alone.append(value)
        case ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.Assert():
            return
    for part in ast.iter_child_nodes(node):
        for_checkers = isinstance(part, ast.If) and ast.unparse(part.test) == "TYPE_CHECKING"
        if part not in left_alone and not for_checkers:
            yield part


def _conditions(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            return [test]
        case ast.match_case(guard=ast.expr() as test):
            return [test]
        case ast.comprehension(ifs=tests):
            return tests
    return []


def _constants(value: object) -> Iterator[tuple[str, str]]:
    match value:
        case bool():
            yield "constant", str(not value)
        case int() | float():
            yield "number+1", f"({value + 1})"
            yield "number-1", f"({value - 1})"
        case str() if not _is_prose(value):
            yield "text", repr(f"X{value}")
        case bytes():
            yield "text", repr(b"X" + value)
        case None:
            yield "constant", '""'


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_prose(text: str) -> bool:
    return len(text.split()) >= 3


def _prose(node: ast.JoinedStr) -> bool:
    words = [str(one.value) for one in node.values if isinstance(one, ast.Constant)]
    return _is_prose(" x ".join(words))
