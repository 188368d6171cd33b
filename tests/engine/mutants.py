"""The long run: every small change of the rules, and which of them no directed case notices.

`NUMBA_DISABLE_JIT=1 python -m tests.engine.mutants [module ...]` takes a quarter of an hour and
prints the survivors. Most of those compute the same: a side is never zero, and some numbers are
read nowhere. The changes that must be noticed are in `mutations` and `mutations_beyond`.
"""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Iterator

from tests.engine.directed import cases_of, oracle_remember
from tests.engine.uncompiled import FOLDER, caught, kernel_use, rule_modules, seconds

COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
SUMS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
EXTREMES = {"min": "max", "max": "min"}


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a node may be mistaken for."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in COMPARISONS.get(type(node.ops[0]), ()):
            yield ast.Compare(node.left, [other()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        yield from node.values
    elif isinstance(node, ast.BinOp) and type(node.op) in SUMS:
        yield ast.BinOp(node.left, SUMS[type(node.op)](), node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.If):
        yield ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in EXTREMES:
        yield ast.Call(ast.Name(EXTREMES[node.func.id], ast.Load()), node.args, [])
    elif isinstance(node, ast.AugAssign | ast.Expr) or (
        isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute)
    ):
        yield ast.Pass()


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Yield what was changed, and the whole source with it."""
    tree = ast.parse(source)
    for function in [one for one in tree.body if isinstance(one, ast.FunctionDef)]:
        for statement in function.body[1:] if ast.get_docstring(function) else function.body:
            for node in ast.walk(statement):
                for changed in changes(node):
                    told = f"{function.name}:{node.lineno}: {ast.unparse(node).splitlines()[0]}"
                    new = ast.unparse(ast.fix_missing_locations(changed)).splitlines()[0]
                    whole = ast.fix_missing_locations(_replaced(tree, node, changed))
                    yield f"{told}  ->  {new}", ast.unparse(whole)


def _replaced(node: ast.AST, old: ast.AST, new: ast.AST) -> ast.AST:
    """Return a copy of a tree with one node in place of another."""
    if node is old:
        return new
    fresh = copy.copy(node)
    for name, value in ast.iter_fields(node):
        if isinstance(value, list):
            parts = [_replaced(v, old, new) if isinstance(v, ast.AST) else v for v in value]
            setattr(fresh, name, parts)
        elif isinstance(value, ast.AST):
            setattr(fresh, name, _replaced(value, old, new))
    return fresh


def main(modules: list[str]) -> None:
    kernel_use()
    oracle_remember()
    cases = cases_of() + cases_of(reference=True)
    cases.sort(key=seconds)
    for name in modules or rule_modules():
        source = (FOLDER / f"{name}.py").read_text()
        made = list(mutants(source))
        unnoticed = [change for change, mutant in made if not caught(name, mutant, cases)]
        told = [f"{name}: {len(unnoticed)} of {len(made)}", *unnoticed]
        sys.stdout.write("\n   ".join(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
