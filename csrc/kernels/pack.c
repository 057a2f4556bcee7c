/* pack.c - windows of consecutive items under a budget.
 * Contract: a window begins and ends behind the one before it; one pass over the sizes with two hands, whatever the
 * overlap; no sum overflows, because a total is within the budget or a single size. */
#include "../streamliner.h"

/* word[0]: budget, word[1]: overlap. */
sl_status sl_prepare_window(const sl_value *values, sl_options *options, sl_error *error) {
    int64_t budget = values[0].integer, overlap = values[1].integer;
    if (budget < 1) return sl_error_set(error, "expected budget >= 1, got %lld", (long long)budget);
    if (overlap < 0) return sl_error_set(error, "expected overlap >= 0, got %lld", (long long)overlap);
    if (overlap >= budget)
        return sl_error_set(error, "expected overlap < budget (%lld), got %lld", (long long)budget, (long long)overlap);
    options->word[0] = (uint64_t)budget;
    options->word[1] = (uint64_t)overlap;
    return SL_OK;
}

/* Each hand only moves on: `stop` over every item once, `first` behind it. */
sl_status sl_pack_windows(sl_numbers sizes, const sl_options *options, sl_rows *out, sl_error *error) {
    const int64_t budget = (int64_t)options->word[0], overlap = (int64_t)options->word[1];
    /* Before any window is given: an error has no result. */
    for (uint32_t i = 0; i < sizes.count; i++)
        if (SL_UNLIKELY(sizes.ptr[i] < 0))
            return sl_error_set(error, "expected sizes >= 0, got %lld as number %llu", (long long)sizes.ptr[i],
                                (unsigned long long)i + 1);
    uint32_t first = 0, stop = 0;
    int64_t total = 0;
    while (stop < sizes.count) {
        while (stop < sizes.count && (stop == first || sizes.ptr[stop] <= budget - total)) total += sizes.ptr[stop++];
        sl_cell *cells;
        SL_TRY(sl_rows_add(out, &cells));
        cells[0].integer = (int64_t)first + 1;
        cells[1].integer = stop;
        cells[2].integer = total;
        if (stop == sizes.count) break;
        while (first < stop && (total > overlap || !overlap || sizes.ptr[stop] > budget - total))
            total -= sizes.ptr[first++];
    }
    return SL_OK;
}
