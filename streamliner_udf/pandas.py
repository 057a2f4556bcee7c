"""The functions as methods of pandas: `frame["text"].sl.scrub_pii()`.

Importing this module registers the accessor `sl` of Series. The methods have the names, the options and the docstrings
of the functions. The column is the text, and where a function compares two, the other one is a Series, a list or a
constant: `frame["a"].sl.ratio(frame["b"], cutoff=80)`. A Series with another index is aligned, as pandas does.

Index and name stay. Texts keep the dtype of the column. Everything else is an Arrow dtype (`int64[pyarrow]`,
`list<...>[pyarrow]`, ...), which has room for NULL, and UUIDs are objects of uuid.UUID. NaN and None are NULL.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._functions import public
from ._integration import add_methods, missing
from ._table import Function

try:
    import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]
    import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]
except ImportError as error:
    raise missing("pandas and pyarrow", "pandas", error) from error

__all__ = ["SeriesFunctions"]

# Texts are whatever Arrow makes of the column; lists of Python integers would not say of which kind they are.
_LISTS = {"integers": pa.list_(pa.int64()), "naturals": pa.list_(pa.uint64())}


def _arrow(function: Function, at: int, series: pd.Series) -> Any:
    param = function.params[at]
    try:
        return pa.array(series, _LISTS.get(param.type) if series.dtype == object else None, from_pandas=True)
    except pa.ArrowException as error:
        raise TypeError(
            f"{function.name}: expected {param.name} to be a column of {param.sql_type}, got {series.dtype}: {error}"
        ) from None


def _on_series(function: Function, values: list[Any]) -> pd.Series:
    series = values[function.row_indexes[0]]
    given = list(values)
    for at in function.row_indexes:
        if isinstance(given[at], pd.Series):
            aligned = given[at] if given[at].index.equals(series.index) else given[at].reindex(series.index)
            given[at] = _arrow(function, at, aligned)
    result = public(function.name)(*given)
    column = (pa.array if hasattr(result, "__arrow_c_array__") else pa.chunked_array)(result)
    if function.result.type == "uuid" or (function.result.type == "text" and series.dtype == object):
        return pd.Series(column.to_pylist(), series.index, object, series.name)
    dtype = series.dtype if function.result.type == "text" else pd.ArrowDtype(column.type)
    return pd.Series(dtype.__from_arrow__(column), series.index, name=series.name)


@pd.api.extensions.register_series_accessor("sl")
class SeriesFunctions:
    """The functions on a Series: `series.sl`, or `SeriesFunctions(series)` for type checkers."""

    def __init__(self, series: pd.Series) -> None:
        self._column = series

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., pd.Series]: ...


add_methods(SeriesFunctions, _on_series, pd.Series)
