"""The functions as Ibis expressions, for tables of its DuckDB backend.

    import ibis, streamliner_udf
    from streamliner_udf.ibis import scrub_pii

    con = ibis.duckdb.from_connection(streamliner_udf.connect("chat.duckdb"))
    con.table("messages").mutate(text=scrub_pii(_.text))

Each is a builtin scalar UDF of Ibis with the parameters, the defaults and the docstring of the function: DuckDB's own
threads run the kernels, and no row comes through Python. Options can be expressions too. The database has to have the
functions: `streamliner_udf.connect`, or `streamliner_udf.register(con.con)` on a connection that Ibis opened.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._functions import public
from ._integration import missing, result_type
from ._table import FUNCTIONS, Function

try:
    import ibis  # type: ignore[import-not-found,import-untyped,unused-ignore]
    import ibis.expr.datatypes as dt  # type: ignore[import-not-found,import-untyped,unused-ignore]
except ImportError as error:
    raise missing("Ibis", "ibis", error) from error

_TYPES: dict[str, Any] = {
    "text": dt.string,
    "integer": dt.int64,
    "natural": dt.uint64,
    "real": dt.float64,
    "boolean": dt.boolean,
    "uuid": dt.uuid,
    "timestamp": dt.Timestamp(scale=6),
    "texts": dt.Array(dt.string),
    "integers": dt.Array(dt.int64),
    "naturals": dt.Array(dt.uint64),
}


@functools.cache
def _builtin(function: Function) -> Callable[..., Any]:
    specified = public(function.name)
    # Ibis makes attributes of the parameters, and `name` is one that its expressions have: it gets the places alone.
    fields = [f"_{param.name}" for param in function.params]

    def declared(*args: Any) -> None: ...

    declared.__name__ = function.name
    declared.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(field, inspect.Parameter.POSITIONAL_OR_KEYWORD) for field in fields]
    )
    # What SQL takes as two types, a text or a UUID, a text or a BLOB, has none here: DuckDB looks at it.
    declared.__annotations__ = {
        field: _TYPES[param.type]
        for field, param in zip(fields, function.params, strict=True)
        if not param.or_uuid and not param.or_file
    } | {"return": result_type(function.result, _TYPES, dt.Array, dt.Struct)}
    builtin = ibis.udf.scalar.builtin(declared, name=function.sql_name)
    parameters = inspect.signature(specified).parameters.values()
    signature = inspect.Signature([param.replace(annotation=inspect.Parameter.empty) for param in parameters])

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{function.name}: {error}, expected {signature}") from None
        bound.apply_defaults()
        return builtin(*bound.args)

    functools.update_wrapper(call, specified, ("__doc__", "__name__", "__qualname__"), ())
    call.__module__ = __name__
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


if TYPE_CHECKING:
    # The functions come from the table, and type checkers do not see it.
    def __getattr__(name: str) -> Callable[..., Any]: ...
else:

    def __getattr__(name: str) -> Any:
        if name in FUNCTIONS:
            return _builtin(FUNCTIONS[name])
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *FUNCTIONS})


__all__ = [*FUNCTIONS]
