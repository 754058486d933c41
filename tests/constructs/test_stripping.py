"""The runtime's modules as they are deployed: the same code on the same lines, no docstrings."""

from __future__ import annotations

import ast

import pytest

from cdk_mailroom import _assembly
from cdk_mailroom._stripping import stripped

MODULES = {
    name: content for name, content in _assembly.runtime_files().items() if name.endswith(".py")
}


class _WithoutTexts(ast.NodeTransformer):
    """Takes out every statement that is only a text, as Python's compiler does."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        text = isinstance(node.value, ast.Constant) and node.value.value
        return None if isinstance(text, str) or text is Ellipsis else node


def code(content: bytes) -> str:
    """The syntax tree with line numbers, less docstrings and what stands in for them."""
    tree = _WithoutTexts().visit(ast.parse(content))
    for node in ast.walk(tree):
        if isinstance(getattr(node, "body", None), list) and hasattr(node, "end_lineno"):
            # A block may have ended in the docstring of an attribute.
            node.end_lineno = node.end_col_offset = 0
    return ast.dump(tree, include_attributes=True)


def test_a_deployed_module_is_the_same_code_on_the_same_lines():
    for name, content in MODULES.items():
        deployed = stripped(content)
        compile(deployed, name, "exec")
        assert code(deployed) == code(content), name
        assert deployed.count(b"\n") == content.count(b"\n"), name
        if b"__doc__" not in content:
            assert ast.get_docstring(ast.parse(deployed)) is None, name


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            '"""A."""\n\nfrom __future__ import annotations\n',
            "\n\nfrom __future__ import annotations\n",
        ),
        ('def f():\n    """A\n\n    B.\n    """\n', "def f():\n    ...\n\n\n\n"),
        ('def f():\n    """A."""\n    return 1\n', "def f():\n\n    return 1\n"),
        ('class A:\n    """A."""\n\n    x: int\n    """X."""\n', "class A:\n\n\n    x: int\n\n"),
        ('class A(E):\n    "A."\n    """B."""', "class A(E):\n    ...\n"),
        ('if x:\n    """A."""\nelse:\n    """B."""\n', "if x:\n    ...\nelse:\n    ...\n"),
        ('try:\n    f()\nexcept E:\n    """A."""\n', "try:\n    f()\nexcept E:\n    ...\n"),
        ('match x:\n    case 1:\n        "A."\n', "match x:\n    case 1:\n        ...\n"),
        ('x = """A."""\nf("""\nB""")\n', 'x = """A."""\nf("""\nB""")\n'),
        ('def f(): "A"\n', 'def f(): "A"\n'),
        ('"""Ä."""; x = 1\n', '"""Ä."""; x = 1\n'),
        ('"""A."""\nprint(__doc__)\n', '"""A."""\nprint(__doc__)\n'),
    ],
)
def test_only_texts_that_do_nothing_are_taken_out(source, expected):
    assert stripped(source.encode()).decode() == expected
