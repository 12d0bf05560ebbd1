/* Template: cells to a signed integer type. Parameters, undefined at the end:
 *   NAME      name of the function
 *   T         the type
 *   MIN, MAX  its range */

static dk_status NAME(struct csv_converter *converter, const struct csv_cells *cells,
                      struct vec *out, size_t *nrows, enum csv_fault *fault)
{
    T *values = out->data;
    for (size_t i = 0; i < cells->nrows; i++) {
        const char *start = csv_cell_start(cells, i);
        const char *end = csv_cell_end(cells, i);
        int64_t value;
        if (!parse_short(start, end, &value)) {
            bool ok;
            DK_TRY(parse_signed(converter, start, end, &value, &ok, fault));
            if (!ok) {
                *nrows = i;
                return DK_OK;
            }
        }
        if (value < MIN || value > MAX || is_missing_number(converter, (double)value)) {
            *fault = value < MIN || value > MAX ? CSV_FAULT_VALUE : CSV_FAULT_MISSING;
            *nrows = i;
            return DK_OK;
        }
        values[i] = (T)value;
    }
    *nrows = cells->nrows;
    return DK_OK;
}

#undef NAME
#undef T
#undef MIN
#undef MAX
