"""Distances between two texts."""

from __future__ import annotations

__all__ = ["edit_distance"]


def edit_distance(a: str, b: str, cutoff: int = 4294967295) -> int:
    """Levenshtein distance of two texts.

    Parameters
    ----------
    a : text
        Any text.
    b : text
        Any text.
    cutoff : integer, default 4294967295
        The largest distance that matters, at least 0. A small one saves most of the work.

    Returns
    -------
    integer
        The least number of code points that have to be inserted, deleted or replaced to make one text the other;
        `cutoff + 1` if that is more than `cutoff`. Code points, not bytes: `José` and `Jose` are 1 apart. Not
        normalised: an accent that is a code point of its own counts.

    Nulls : NULL in, NULL out.
    Errors : an error if cutoff is below 0.
    Cost : O(len(a) * len(b) / 64), and O(longer * cutoff / 64) with a cutoff: two long texts take long.
    Source : Levenshtein 1966; Hyyrö 2003, "A bit-vector algorithm for computing Levenshtein and Damerau edit
    distances".

    Examples
    --------
    >>> edit_distance("kitten", "sitting")
    3
    >>> edit_distance("José", "Jose")
    1
    >>> edit_distance("kitten", "sitting", 1)
    2
    >>> edit_distance("", "")
    0
    """
    if cutoff < 0:
        raise ValueError(f"edit_distance: expected cutoff >= 0, got {cutoff}")
    return min(_levenshtein(a, b), cutoff + 1)


def _levenshtein(a: str, b: str) -> int:
    """The table of distances between the beginnings of both texts, a column for each code point of b.

    Neighbours in that table differ by at most one, so a column is kept as its differences, one bit a row: `rise` where
    the value is one more than in the row above, `fall` where it is one less. `right_rise` and `right_fall` are the
    differences from the column before to this one.
    """
    places: dict[str, int] = {}
    for row, letter in enumerate(a):
        places[letter] = places.get(letter, 0) | 1 << row
    rows = (1 << len(a)) - 1
    rise, fall = rows, 0
    for letter in b:
        equal = places.get(letter, 0)
        # Rows where the value equals the one before it on the diagonal; the sum hands that on along a run of `rise`.
        diagonal = (((equal & rise) + rise) ^ rise) | equal | fall
        right_rise = fall | ~(diagonal | rise)
        right_fall = diagonal & rise
        # Above the first row stands the distance from nothing, which grows by one with each column.
        right_rise = right_rise << 1 | 1
        right_fall = right_fall << 1
        rise = (right_fall | ~(diagonal | right_rise)) & rows
        fall = right_rise & diagonal & rows
    return len(b) + rise.bit_count() - fall.bit_count()
