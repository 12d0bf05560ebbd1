/* Event: a flag that is set or not, and that can be waited for.
 *
 * Source: distributed.event.EventExtension. */
#include "base/error.h"
#include "core/coordination/parts.h"

static void tidy(struct coord *coord, struct coord_flag *flag)
{
    if (!flag->is_set && !coord_place_is_used(&flag->place))
        coord_table_remove(&coord->flags, flag);
}

static void on_emptied(struct coord *coord, struct coord_place *place)
{
    tidy(coord, LIST_ENTRY(place, struct coord_flag, place));
}

static struct coord_flag *get_flag(struct coord *coord, struct wire_bytes name)
{
    struct coord_flag *flag = coord_table_get(&coord->flags, name);
    if (!flag)
        coord_fail(coord);
    else if (!flag->place.emptied)
        coord_place_init(&flag->place, false, on_emptied);
    return flag;
}

static bool try_wait(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name;
    if (!coord_read_name(coord, ask, "name", &name))
        return true;
    struct coord_flag *flag = get_flag(coord, name);
    if (!flag)
        return true;
    if (flag->is_set)
        return coord_answer(coord, ask, wire_bool(true));
    bool is_answered = coord_wait(coord, ask, &flag->place);
    if (is_answered)
        tidy(coord, flag);
    return is_answered;
}

static bool set(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name;
    if (!coord_read_name(coord, ask, "name", &name))
        return true;
    struct coord_flag *flag = get_flag(coord, name);
    if (!flag)
        return true;
    flag->is_set = true;
    coord_wake(coord, &flag->place);
    return coord_answer_nil(coord, ask);
}

static bool clear(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name;
    if (!coord_read_name(coord, ask, "name", &name))
        return true;
    struct coord_flag *flag = coord_table_find(&coord->flags, name);
    if (flag) {
        flag->is_set = false;
        tidy(coord, flag);
    }
    return coord_answer_nil(coord, ask);
}

static bool is_set(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes name;
    if (!coord_read_name(coord, ask, "name", &name))
        return true;
    const struct coord_flag *flag = coord_table_find(&coord->flags, name);
    return coord_answer(coord, ask, wire_bool(flag && flag->is_set));
}

const struct coord_question coord_flags_questions[] = {
    {"event_wait", try_wait, COORD_LATE_FALSE, NULL},
    {"event_set", set, COORD_LATE_RAISES, NULL},
    {"event_clear", clear, COORD_LATE_RAISES, NULL},
    {"event_is_set", is_set, COORD_LATE_RAISES, NULL},
    {NULL, NULL, COORD_LATE_RAISES, NULL},
};

const struct coord_saying coord_flags_sayings[] = {{NULL, NULL}};

void coord_flags_init(struct coord *coord)
{
    coord_table_init(&coord->flags, coord->memory, sizeof(struct coord_flag));
}

void coord_flags_deinit(struct coord *coord)
{
    coord_table_deinit(&coord->flags);
}

bool coord_flags_are_valid(const struct coord *coord, dk_error *err)
{
    COORD_EACH(struct coord_flag, flag, &coord->flags)
    if (flag->is_set == !list_is_empty(&flag->place.waiting))
        return !error_set(err, DK_EINVAL, "an event that is set and waited for, or neither");
    return true;
}
