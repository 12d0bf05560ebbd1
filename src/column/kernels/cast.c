#include "column/kernels/cast.h"

#include <string.h>

#include "column/kernels/validity.h"
#include "column/kernels/words.h"

static bool is_plain(dk_type type) /* bool, integer or float */
{
    return type == DK_BOOL || type_is_number(type);
}

static bool is_temporal(dk_type type)
{
    return type == DK_TIMESTAMP || type == DK_DURATION;
}

bool cast_is_possible(dk_type from, dk_type to)
{
    if (from == to || to == DK_TEXT)
        return true;
    if (from == DK_TEXT || from == DK_CATEGORY)
        return is_plain(to) || to == DK_TIMESTAMP || (from == DK_TEXT && to == DK_CATEGORY);
    if (is_temporal(from))
        return to == DK_INT64;
    return is_plain(to) || is_temporal(to);
}

static dk_status copy_rows(const struct view *in, struct vec *out, dk_error *err)
{
    if (in->type == DK_TEXT) {
        if (vec_reset(out, 0) != DK_OK || vec_append_view(out, in) != DK_OK)
            return error_nomem(err);
        return DK_OK;
    }
    if (vec_reset(out, in->nrows) != DK_OK)
        return error_nomem(err);
    if (in->type == DK_CATEGORY)
        words_share_dictionary(out, in);
    if (in->nrows)
        memcpy(out->data, in->data, (size_t)in->nrows * type_nbytes(in->type));
    if (!type_is_float(in->type))
        validity_merge(out, in, NULL);
    return DK_OK;
}

dk_status cast_apply(const struct view *in, struct vec *out, dk_error *err)
{
    if (!cast_is_possible(in->type, out->type))
        return error_set(err, DK_ETYPE, "cannot convert %s to %s", dk_type_name(in->type),
                         dk_type_name(out->type));
    if (in->type == out->type)
        return copy_rows(in, out, err);
    if (out->type == DK_CATEGORY)
        return cast_to_category(in, out, err);
    if (in->type == DK_TEXT || in->type == DK_CATEGORY)
        return cast_from_words(in, out, err);
    if (out->type == DK_TEXT)
        return cast_to_text(in, out, err);
    return cast_numbers(in, out, err);
}
