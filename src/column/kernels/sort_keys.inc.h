/* Sort keys of one type: define T, NAME(function), KEY(value) and MISSING(value), undefined at the
 * end. */

static int64_t NAME(keys)(const struct view *view, struct sort_key *out)
{
    const T *values = view->data;
    int64_t n = 0;
    for (int64_t i = 0; i < view->nrows; i++) {
        /* Written always, kept when the value is there. */
        out[n] = (struct sort_key){KEY(values[i]), i};
        n += !MISSING(values[i]) && !view_is_null(view, i);
    }
    return n;
}

static bool NAME(ascends)(const struct view *view)
{
    const T *values = view->data;
    if (view->nrows && MISSING(values[0]))
        return false;
    for (int64_t i = 1; i < view->nrows; i++)
        if (!(values[i - 1] <= values[i]))
            return false;
    return true;
}

#undef T
#undef NAME
#undef KEY
#undef MISSING
