"""What the doors of other libraries share: the error without the library, and the table as methods of a column."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from ._functions import public
from ._table import FUNCTIONS, Function, Result


def missing(library: str, extra: str, error: ImportError) -> ImportError:
    return ImportError(
        f"streamliner_udf.{extra}: expected {library}, but Python says: {error}; pip install 'streamliner_udf[{extra}]'"
    )


def result_type(result: Result, types: dict[str, Any], many: Callable[[Any], Any], struct: Callable[[Any], Any]) -> Any:
    """What a function gives, in the types of a library: its own for those of the table, its list, its struct."""
    if result.type not in ("list", "struct"):
        return types[result.type]
    if result.fields[0][0] is None:
        return many(types[result.fields[0][1]])
    fields = struct({str(name): types[kind] for name, kind in result.fields})
    return many(fields) if result.type == "list" else fields


def add_methods(namespace: type, run: Callable[[Function, list[Any]], Any], result: type) -> None:
    """A method for each function of the table.

    The column that it is called on is the first argument that changes from row to row, wherever the function has it:
    `column.sl.uuid5("dns")`. `run` gets all arguments at their places.
    """
    for function in FUNCTIONS.values():
        setattr(namespace, function.name, _method(namespace, function, run, result))


def _method(
    namespace: type, function: Function, run: Callable[[Function, list[Any]], Any], result: type
) -> Callable[..., Any]:
    specified = public(function.name)
    at = function.row_indexes[0]
    parameters = list(inspect.signature(specified).parameters.values())
    del parameters[at]
    rest = inspect.Signature(parameters)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            bound = rest.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{function.name}: {error}, expected {rest}") from None
        bound.apply_defaults()
        values = list(bound.arguments.values())
        values.insert(at, self._column)
        return run(function, values)

    functools.update_wrapper(method, specified, ("__doc__", "__name__"), ())
    method.__qualname__ = f"{namespace.__qualname__}.{function.name}"
    method.__module__ = namespace.__module__
    # What is a text, or a list, to the function is a column of them here.
    rows = {function.params[i].name for i in function.row_indexes}
    shown = [p.replace(annotation=inspect.Parameter.empty) if p.name in rows else p for p in parameters]
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [itself, *shown], return_annotation=result.__name__
    )
    return method
