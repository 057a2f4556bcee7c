"""The functions as methods of Polars: `pl.col("text").sl.scrub_pii()`, `series.sl.slugify(20)`.

Importing this module registers the namespace `sl` of expressions and Series. The methods have the names, the options
and the docstrings of the functions. The column is the text, and where a function compares two, the other one is an
expression, a Series or a constant: `pl.col("a").sl.ratio(pl.col("b"), cutoff=80)`. Options are constants, and wrong
ones are an error when the expression is made. Expressions are elementwise, so that lazy frames can be optimised and
streamed around them.

Results are as in Arrow: texts String, lists List, findings List(Struct). UUIDs are String: Polars has no type for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ._functions import public
from ._integration import add_methods, missing, result_type
from ._table import Function, Param

try:
    import polars as pl
except ImportError as error:
    raise missing("Polars", "polars", error) from error

__all__ = ["ExprFunctions", "SeriesFunctions"]

_TYPES: dict[str, Any] = {
    "text": pl.String,
    "integer": pl.Int64,
    "natural": pl.UInt64,
    "real": pl.Float64,
    "boolean": pl.Boolean,
    "uuid": pl.String,
    "timestamp": pl.Datetime("us"),
    "integers": pl.List(pl.Int64),
    "naturals": pl.List(pl.UInt64),
}


def _expression(function: Function, param: Param, value: Any) -> pl.Expr:
    if isinstance(value, pl.Expr):
        return value
    if isinstance(value, pl.Series):
        return pl.lit(value)
    try:
        return pl.lit(pl.Series([value], dtype=_TYPES[param.type])).first()
    except (TypeError, pl.exceptions.PolarsError):
        raise TypeError(
            f"{function.name}: expected {param.name} to be an expression, a Series, None or a constant "
            f"{param.sql_type}, got {type(value).__name__}"
        ) from None


def _call(function: Function, values: list[Any], columns: Sequence[pl.Series]) -> pl.Series:
    given = list(values)
    length = next((len(column) for column in columns if len(column) != 1), 1)
    for at, column in zip(function.row_indexes, columns, strict=True):
        # Polars gives a constant as one row beside many; here it is a scalar, unless it is all there is.
        is_constant = len(column) == 1 != length
        given[at] = column.to_list()[0] if is_constant else column
    result = pl.Series(public(function.name)(*given))
    return _uuid_text(result) if function.result.type == "uuid" else result


def _uuid_text(column: pl.Series) -> pl.Series:
    digits = column.bin.encode("hex").str
    parts = [digits.slice(at, length) for at, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))]
    return parts[0] + "-" + parts[1] + "-" + parts[2] + "-" + parts[3] + "-" + parts[4]


def _on_expression(function: Function, values: list[Any]) -> pl.Expr:
    rows = [function.params[at] for at in function.row_indexes]
    columns = [_expression(function, param, values[at]) for at, param in zip(function.row_indexes, rows, strict=True)]
    # On no row: what is wrong with the options is said here, and not by a query long after.
    _call(function, values, [pl.Series([], dtype=_TYPES[param.type]) for param in rows])
    return pl.map_batches(
        columns,
        lambda series: _call(function, values, series),
        return_dtype=result_type(function.result, _TYPES, pl.List, pl.Struct),
        is_elementwise=True,
    )


def _on_series(function: Function, values: list[Any]) -> pl.Series:
    at = function.row_indexes[0]
    return pl.select(_on_expression(function, [*values[:at], pl.lit(values[at]), *values[at + 1 :]])).to_series()


@pl.api.register_expr_namespace("sl")
class ExprFunctions:
    """The functions on an expression: `pl.col("text").sl`, or `ExprFunctions(pl.col("text"))` for type checkers."""

    def __init__(self, expr: pl.Expr) -> None:
        self._column = expr

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., pl.Expr]: ...


@pl.api.register_series_namespace("sl")
class SeriesFunctions:
    """The functions on a Series: `series.sl`, or `SeriesFunctions(series)` for type checkers."""

    def __init__(self, series: pl.Series) -> None:
        self._column = series

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., pl.Series]: ...


add_methods(ExprFunctions, _on_expression, pl.Expr)
add_methods(SeriesFunctions, _on_series, pl.Series)
