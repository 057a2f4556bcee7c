"""Windows: consecutive items under a budget."""

from __future__ import annotations

__all__ = ["pack_windows"]


def pack_windows(sizes: list[int], budget: int, overlap: int = 0) -> list[dict[str, int]]:
    """Windows of consecutive items whose sizes stay within a budget: first and last item, and total size.

    Parameters
    ----------
    sizes : list of integer
        The sizes of the items, in order; none is negative.
    budget : integer
        The most that the sizes in a window may add up to, at least 1.
    overlap : integer, default 0
        The most that the sizes of the items may add up to which a window takes over from the one before it, at least 0
        and below `budget`. With 0 no item is taken over, not even one of size 0.

    Returns
    -------
    list of struct
        `first` and `last` are the numbers of items, both in the window, and count from 1 as SQL's lists and
        `row_number()` do: `sizes[first:last]` is the window in SQL, `sizes[first - 1 : last]` in Python. `total` is the
        sum of its sizes.

        A window takes items as long as they fit. An item above the budget stands alone. The next window begins with as
        many of the last items as `overlap` allows, and with fewer if the first new item would not fit otherwise. So
        every window begins and ends behind the one before it, and every item is in a window.

    Nulls : NULL in, NULL out; NULL also where a size is NULL.
    Errors : an error if budget is below 1, overlap below 0 or not below budget, or a size negative.
    Cost : O(len(sizes)), whatever the overlap. No sum can overflow: a total is within the budget or a single size.
    Source : the rule is our own.

    Examples
    --------
    >>> pack_windows([4, 4, 4, 9, 1], 8)
    [{'first': 1, 'last': 2, 'total': 8}, {'first': 3, 'last': 3, 'total': 4}, {'first': 4, 'last': 4, 'total': 9}, \
{'first': 5, 'last': 5, 'total': 1}]
    >>> pack_windows([2, 2, 2, 2], 6, 3)
    [{'first': 1, 'last': 3, 'total': 6}, {'first': 3, 'last': 4, 'total': 4}]
    >>> pack_windows([], 8)
    []
    """
    if budget < 1:
        raise ValueError(f"pack_windows: expected budget >= 1, got {budget}")
    if overlap < 0:
        raise ValueError(f"pack_windows: expected overlap >= 0, got {overlap}")
    if overlap >= budget:
        raise ValueError(f"pack_windows: expected overlap < budget ({budget}), got {overlap}")
    for number, size in enumerate(sizes, 1):
        if size < 0:
            raise ValueError(f"pack_windows: expected sizes >= 0, got {size} as number {number}")

    windows: list[dict[str, int]] = []
    first, new, total = 0, 0, 0  # the window that is being filled: where it begins, its first new item, its total
    while new < len(sizes):
        stop = new
        while stop < len(sizes) and (total + sizes[stop] <= budget or stop == first):
            total += sizes[stop]
            stop += 1
        windows.append({"first": first + 1, "last": stop, "total": total})
        if stop == len(sizes):
            break
        while first < stop and (total > overlap or total + sizes[stop] > budget or overlap == 0):
            total -= sizes[first]
            first += 1
        new = stop
    return windows
