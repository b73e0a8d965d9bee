"""What a program may say before it is run at all: arithmetic, loops and functions on plain data.

A list of what is allowed, since a list of what is not is never complete: Python's own objects lead to every module from
`().__class__`, from a generator's frame, and from a format string.
"""

from __future__ import annotations

import ast
import math

#: Letters of a program, and nodes of its syntax tree, that are read at most.
LONGEST, MOST_NODES = 20_000, 5_000
#: Modules that a program may import.
MODULES = ("math",)

_NODES = (
    ast.Module, ast.FunctionDef, ast.Lambda, ast.arguments, ast.arg, ast.Return, ast.Yield, ast.Global, ast.Nonlocal,
    ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.Delete, ast.Expr, ast.Pass, ast.Assert, ast.Raise,
    ast.If, ast.For, ast.While, ast.Break, ast.Continue, ast.IfExp, ast.Try, ast.ExceptHandler,
    ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Starred, ast.Call, ast.keyword,
    ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
    ast.comprehension, ast.JoinedStr, ast.FormattedValue, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context, ast.Import, ast.ImportFrom, ast.alias,
)  # fmt: skip
_TYPES = (list, dict, set, frozenset, tuple, str, int, float)
#: Attributes that a program may name: the methods of plain data, and what `math` has.
ATTRIBUTES = frozenset(
    name for thing in (*_TYPES, math) for name in dir(thing) if not name.startswith("_")
) - {"format", "format_map"}  # fmt: skip


def what_is_refused(source: str, function: str) -> str | None:
    """Return why a program is not run, as the end of a sentence, or None where it may be.

    Args:
        source: Python text.
        function: the name that it has to define.
    """
    if len(source) > LONGEST:
        return f"it has {len(source)} letters, expected at most {LONGEST}"
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"it is no Python: {' '.join(str(error).split())}"
    nodes = list(ast.walk(tree))
    if len(nodes) > MOST_NODES:
        return f"its syntax tree has {len(nodes)} nodes, expected at most {MOST_NODES}"
    for node in nodes:
        if why := _fault(node):
            return f"line {getattr(node, 'lineno', 1)} {why}"
    if not any(isinstance(node, ast.FunctionDef) and node.name == function for node in tree.body):
        return f"it does not define {function}"
    return None


def _fault(node: ast.AST) -> str | None:
    """Return what is wrong with one node."""
    if not isinstance(node, _NODES):
        return f"has a {type(node).__name__}, which is not among what a program may use"
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        for name in names:
            if name not in MODULES:
                return f"imports {name or 'a relative module'}, expected nothing but {', '.join(MODULES)}"
    if isinstance(node, ast.Attribute) and node.attr not in ATTRIBUTES:
        return f"names the attribute {node.attr}, which plain data and math do not have"
    if isinstance(node, ast.FunctionDef) and node.decorator_list:
        return "has a decorator"
    for name in _names(node):
        if name.startswith("__"):
            return f"uses the name {name}"
    return None


def _names(node: ast.AST) -> list[str]:
    """List the names that a node binds or reads."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.FunctionDef):
        return [node.name]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, ast.alias):
        return [name for name in (node.name, node.asname) if name]
    if isinstance(node, ast.ExceptHandler):
        return [node.name] if node.name else []
    return list(node.names) if isinstance(node, ast.Global | ast.Nonlocal) else []
