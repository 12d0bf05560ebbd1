/* Which functions there are, and what they make of which type. */
#include "column/kernels/groups.h"

static const char *const agg_names[AGG_COUNT_OF] = {
#define AGG_NAME(name, text) text,
    AGG_LIST(AGG_NAME)
#undef AGG_NAME
};

const char *agg_name(enum agg agg)
{
    return agg_names[agg];
}

static bool is_time(dk_type type)
{
    return type == DK_TIMESTAMP || type == DK_DURATION;
}

static bool is_words(dk_type type)
{
    return type == DK_TEXT || type == DK_CATEGORY;
}

static bool is_possible(enum agg agg, dk_type in)
{
    switch (agg) {
    case AGG_SUM:
        return !is_words(in) && in != DK_TIMESTAMP;
    case AGG_MEAN:
    case AGG_STD:
        return !is_words(in);
    case AGG_VAR:
        return !is_words(in) && !is_time(in);
    case AGG_MIN:
    case AGG_MAX:
        return in != DK_CATEGORY;
    default:
        return true;
    }
}

static dk_type sum_type(dk_type in)
{
    return type_is_float(in) || in == DK_UINT64 || in == DK_DURATION ? in : DK_INT64;
}

dk_status agg_type(enum agg agg, dk_type in, dk_type *out, dk_error *err)
{
    if (!is_possible(agg, in)) {
        if (in == DK_CATEGORY && (agg == AGG_MIN || agg == AGG_MAX))
            return error_set(err, DK_ETYPE, "Cannot perform %s with non-ordered Categorical",
                             agg_name(agg));
        return error_set(err, DK_ETYPE, "dtype '%s' does not support operation '%s'",
                         dk_type_name(in), agg_name(agg));
    }
    switch (agg) {
    case AGG_SUM:
        *out = sum_type(in);
        break;
    case AGG_MEAN:
        *out = is_time(in) || in == DK_FLOAT32 ? in : DK_FLOAT64;
        break;
    case AGG_STD:
    case AGG_VAR:
        *out = is_time(in) ? DK_DURATION : in == DK_FLOAT32 ? in : DK_FLOAT64;
        break;
    case AGG_COUNT:
    case AGG_SIZE:
    case AGG_NUNIQUE:
        *out = DK_INT64;
        break;
    default:
        *out = in;
    }
    return DK_OK;
}
