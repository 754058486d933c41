"""The reference: a page for each public package, with every name that its ``__all__`` has.

A new package, or a new name in one, appears by itself. What has no docstring, or an argument
without an entry in its docstring, is an error of the build.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import griffe
from docstrings import definition_list, plain
from places import DOCS, ROOT, SOURCES

ROOTS = ("cdk_mailroom", "mailroom", "mailroom_local")
# Their modules are named by constructs; what counts is what each says about itself.
BEHAVIOURS = "mailroom.handlers"
NOT_FOR_USERS = ("cdk_mailroom.packer", "mailroom_local.control")
CDK_REFERENCE = "https://docs.aws.amazon.com/cdk/api/v2/python"
_IMPORT = re.compile(
    r"^\s*from ((?:cdk_mailroom|mailroom|mailroom_local)\b[\w.]*) import (\([^)]*\)|[^\n(]+)",
    re.MULTILINE,
)


@dataclass
class Package:
    """A module and the names that it exports."""

    path: str
    module: griffe.Module
    names: list[str]
    own: list[str] = field(default_factory=list)
    """The names that are documented on its page; the others are documented where they are from."""

    @property
    def page(self) -> str:
        """The page's file."""
        return f"reference/{self.path}.md"


class Reference:
    """Every public name, and where it is documented."""

    def __init__(self) -> None:
        # What a guide imports from is public, though it is neither a package nor at the top.
        shown = {module for text in _guides() for module, _ in _IMPORT.findall(text)}
        loader = griffe.GriffeLoader(
            search_paths=SOURCES,
            docstring_parser="google",
            extensions=griffe.load_extensions("unpack_typeddict"),
        )
        for root in ROOTS:
            loader.load(root)
        loader.resolve_aliases(external=False)
        self._modules = loader.modules_collection
        self.packages = {
            module.path: Package(module.path, module, [str(name) for name in module.exports or ()])
            for root in ROOTS
            for module in _public(self._modules[root], shown)
        }
        self.canonical: dict[str, str] = {}
        """For each object, by the path of its definition, the path that users import it by."""
        self._settle()

    def _settle(self) -> None:
        exported: dict[str, list[tuple[Package, str]]] = {}
        for package in self.packages.values():
            for name in package.names:
                target = self._object(f"{package.path}.{name}")
                if target is not None and not target.is_module:
                    exported.setdefault(target.path, []).append((package, name))
        for path, places in exported.items():
            # The package that defines it, or the shortest that offers it.
            shortest = sorted(places, key=lambda place: (place[0].path.count("."), place[0].path))
            inside = [place for place in shortest if path.startswith(f"{place[0].path}.")]
            package, name = (inside or shortest)[-1 if inside else 0]
            offered, offered_name = next(
                place
                for place in shortest
                if place[0].path.split(".")[0] == package.path.split(".")[0]
            )
            package.own.append(name)
            self.canonical[path] = f"{offered.path}.{offered_name}"

    def _object(self, path: str) -> griffe.Object | None:
        """What a path of a public name leads to; ``None`` if that is another distribution's."""
        try:
            found = self._modules[path]
        except KeyError:
            module, _, name = path.rpartition(".")
            raise SystemExit(
                f"{module}.__all__ has {name}, which the module does not have"
            ) from None
        try:
            return found.final_target if found.is_alias else found
        except griffe.AliasResolutionError:
            return None

    def pages(self) -> Iterator[tuple[str, str]]:
        """Each page's path and text."""
        for package in self.packages.values():
            yield package.page, self._page(package)
        for package in self._modules[BEHAVIOURS].modules.values():
            if package.is_init_module:
                yield f"reference/{package.path}.md", self._behaviours(package)

    def _page(self, package: Package) -> str:
        summary, _, rest = plain(package.module.docstring).partition("\n")
        rows = [self._row(package, name) for name in package.names]
        parts = [
            f"---\ntitle: {package.path}\nsearch:\n  boost: 0.4\n---",
            f"# `{package.path}`",
            f"{summary}\n{rest}".strip(),
            "\n".join(["| name | what |", "| --- | --- |", *rows]),
            *(self._entry(self._imported_as(package, name)) for name in package.own),
        ]
        return "\n\n".join(parts) + "\n"

    def _row(self, package: Package, name: str) -> str:
        found = self._object(f"{package.path}.{name}")
        if found is None:
            target = self._modules[f"{package.path}.{name}"].target_path
            module, _, short = target.rpartition(".")
            return f"| [`{name}`]({CDK_REFERENCE}/{module}/{short}.html) | `{target}` |"
        if found.is_module:
            page = self.packages[found.path].page.removeprefix("reference/")
            return f"| [`{name}`]({page}) | {_summary(found)} |"
        return f"| [`{name}`][{self.canonical[found.path]}] | {_summary(found)} |"

    def _behaviours(self, package: griffe.Module) -> str:
        parts = [f"# `{package.path}`", plain(package.docstring)]
        for name, module in sorted(package.modules.items()):
            if not name.startswith("_") and module.path not in self.packages:
                parts += [f"## `{name}`", definition_list(plain(module.docstring))]
        return "\n\n".join(parts) + "\n"

    def _entry(self, public: str) -> str:
        """What renders an object; what a documented base has is not repeated."""
        found = self._modules[public]
        if not found.is_class:
            return f"::: {public}"
        inherited, bases = [], []
        for name, member in found.inherited_members.items():
            home = self.canonical.get(member.final_target.parent.path)
            if home is None:
                inherited.append(name)
            elif home not in bases:
                bases.append(home)
        directive = f"::: {public}\n    options:\n      inherited_members: {json.dumps(inherited)}"
        if not bases:
            return directive
        also = ", ".join(f"[`{base}`][{base}]" for base in bases)
        return f"{directive}\n\n`{public}` also has the members of {also}."

    def _imported_as(self, package: Package, name: str) -> str:
        found = self._object(f"{package.path}.{name}")
        assert found is not None
        return self.canonical[found.path]

    def page_of(self, module: str) -> str | None:
        """The page of the public package that a module belongs to, if one does."""
        while module:
            if module in self.packages:
                return self.packages[module].page
            if module.rpartition(".")[0] == BEHAVIOURS:
                return f"reference/{module}.md"
            module = module.rpartition(".")[0]
        return None

    def unknown_imports(self, pages: dict[str, str]) -> Iterator[str]:
        """What snippets import from our packages that is not in the reference."""
        public = {f"{one.path}.{name}" for one in self.packages.values() for name in one.names}
        for page, text in pages.items():
            if page.startswith("examples/"):
                continue
            for module, names in _IMPORT.findall(text):
                for name in re.findall(r"(?:^|[(,])\s*(\w+)", names):
                    if f"{module}.{name}" not in {*public, *self.packages}:
                        yield f"{page}: {module}.{name} is not in the reference"

    def names(self) -> dict[str, str]:
        """Each path that a docstring may name something by, and the one of the reference."""
        names = {}
        for path, public in self.canonical.items():
            found = self._modules[path]
            for each in {path, public, *self._other_names(path)}:
                names[each] = public
                for member, one in found.all_members.items() if found.is_class else ():
                    if not member.startswith("_") and one.docstring:
                        owner = one.final_target.parent if one.is_alias else found
                        home = self.canonical.get(owner.path, public)
                        names.setdefault(f"{each}.{member}", f"{home}.{member}")
        return names

    def _other_names(self, path: str) -> Iterator[str]:
        for package in self.packages.values():
            for name in package.names:
                found = self._object(f"{package.path}.{name}")
                if found is not None and found.path == path:
                    yield f"{package.path}.{name}"

    def problems(self) -> Iterator[str]:
        """What the docstrings lack."""
        for path, public in sorted(self.canonical.items()):
            for one in _documented(self._modules[path]):
                where = f"{one.relative_filepath}:{one.lineno}: {public}"
                if one.path != path:
                    where += one.path.removeprefix(path)
                yield from (f"{where}: {lack}" for lack in _lacks(one))


def _guides() -> Iterator[str]:
    for path in (ROOT / "README.md", *sorted(DOCS.rglob("*.md"))):
        yield path.read_text("utf-8")


def _public(module: griffe.Module, shown: set[str], depth: int = 0) -> Iterator[griffe.Module]:
    name = module.path
    if name in NOT_FOR_USERS or any(part.startswith("_") for part in name.split(".")):
        return
    if module.exports and (module.is_init_module or depth == 1 or name in shown):
        yield module
    for each in sorted(module.modules.values(), key=lambda one: one.path):
        if not each.is_alias:
            yield from _public(each, shown, depth + 1)


def _summary(one: griffe.Object) -> str:
    text = plain(one.docstring)
    if not text and one.is_class:
        text = next((plain(base.docstring) for base in one.mro() if base.docstring), "")
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")


def _documented(one: griffe.Object) -> Iterator[griffe.Object]:
    """An object and its public members."""
    yield one
    if not one.is_class:
        return
    for name, member in one.members.items():
        if not member.is_alias and (name == "__init__" or not name.startswith("_")):
            yield member


def _lacks(one: griffe.Object) -> Iterator[str]:
    if _needs_none(one):
        return
    texts = [one.docstring]
    if one.name == "__init__":
        # The docstring of the class may describe its arguments, too.
        texts.append(one.parent.docstring)
    if not any(texts):
        yield "no docstring"
    elif one.is_function:
        attributes = _attributes(one.parent) if one.name == "__init__" else set()
        entries = {name for text in texts if text is not None for name in _entries(text)}
        for parameter in one.parameters:
            if parameter.name not in {"self", "cls", *entries, *attributes}:
                yield f"the argument {parameter.name} has no entry in Args"


def _needs_none(one: griffe.Object) -> bool:
    """Whether its documentation is elsewhere, or it is nothing that users call."""
    parent = one.parent
    if parent is None or not parent.is_class:
        return False
    if one.name == "__init__":
        return "dataclass" in parent.labels or _is_exception(parent)
    return (
        any(one.name in base.members for base in parent.mro())
        or any("Enum" in str(base) for base in parent.bases)
        or (not one.is_function and one.name in _attributes(parent))
    )


def _is_exception(cls: griffe.Class) -> bool:
    bases = {str(base) for each in (cls, *cls.mro()) for base in each.bases}
    return bool(bases & {"Exception", "BaseException", "Error"})


def _attributes(cls: griffe.Class) -> set[str]:
    """The attributes that are documented, as themselves, as arguments or in the class."""
    init = cls.members.get("__init__")
    texts = [cls.docstring, init.docstring if init else None]
    return {
        *(name for text in texts if text is not None for name in _entries(text)),
        *(name for name, one in cls.members.items() if one.is_attribute and one.docstring),
    }


def _entries(text: griffe.Docstring) -> Iterator[str]:
    kinds = griffe.DocstringSectionKind
    for section in text.parsed:
        if section.kind in (kinds.parameters, kinds.attributes):
            yield from (argument.name.lstrip("*") for argument in section.value)
