/* MultiLock: several locks at once, or so many of them.
 *
 * Each lock has a row of users, the first of whom has it. A user that has as many locks as it wants
 * leaves the rows in which it is not the first. One that waits does so at a place of its own.
 *
 * Source: distributed.multi_lock.MultiLockExtension. */
#include <stdlib.h>

#include "base/error.h"
#include "core/coordination/parts.h"

static struct coord_claim *first_of(const struct coord_multi_lock *lock)
{
    return LIST_ENTRY(lock->claims.next, struct coord_claim, of_lock);
}

static bool is_held(const struct coord_claim *claim)
{
    return first_of(claim->lock) == claim;
}

/* ---- ends ---- */

static void end_claim(struct coord *coord, struct coord_claim *claim)
{
    struct coord_multi_lock *lock = claim->lock;
    bool was_held = is_held(claim);
    list_remove(&claim->of_user);
    list_remove(&claim->of_lock);
    memory_free(coord->memory, claim, sizeof(*claim));
    lock->nclaims--;
    if (list_is_empty(&lock->claims)) {
        coord_table_remove(&coord->multi_locks, lock);
    } else if (was_held) {
        struct coord_user *heir = first_of(lock)->user;
        if (heir->nmissing > 0 && --heir->nmissing == 0)
            coord_wake(coord, &heir->place);
    }
}

static void end_user(struct coord *coord, struct coord_user *user)
{
    while (!list_is_empty(&user->claims))
        end_claim(coord, LIST_ENTRY(user->claims.next, struct coord_claim, of_user));
    coord_table_remove(&coord->users, user);
}

/* It has what it wants. */
static void leave_other_rows(struct coord *coord, struct coord_user *user)
{
    struct list *next;
    for (struct list *at = user->claims.next; at != &user->claims; at = next) {
        struct coord_claim *claim = LIST_ENTRY(at, struct coord_claim, of_user);
        next = at->next;
        if (!is_held(claim))
            end_claim(coord, claim);
    }
}

/* ---- claims ---- */

static bool claim(struct coord *coord, struct coord_user *user, struct coord_multi_lock *lock)
{
    struct coord_claim *made = memory_alloc(coord->memory, sizeof(*made));
    if (!made)
        return false;
    *made = (struct coord_claim){.user = user, .lock = lock};
    list_append(&user->claims, &made->of_user);
    list_append(&lock->claims, &made->of_lock);
    if (lock->nclaims++ == 0 && user->nmissing > 0)
        user->nmissing--;
    return true;
}

/* NULL when it is no name, or out of memory. */
static struct coord_multi_lock *get_lock(struct coord *coord, const struct wire_value *name)
{
    struct wire_bytes packed;
    if (!coord_pack_key(coord, name, &packed))
        return NULL;
    struct coord_multi_lock *lock = coord_table_get(&coord->multi_locks, packed);
    if (!lock)
        coord_fail(coord);
    else if (!lock->claims.next)
        list_init(&lock->claims);
    return lock;
}

static bool claims_already(const struct coord_user *user, const struct coord_multi_lock *lock)
{
    LIST_EACH (at, &user->claims)
        if (LIST_ENTRY(at, struct coord_claim, of_user)->lock == lock)
            return true;
    return false;
}

/* Locks that nobody has go first: perhaps they are enough. Two rounds, and the order of the names
 * in each. */
static void claim_all(struct coord *coord, struct coord_user *user, const struct wire_value *names)
{
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < names->count && user->nmissing; i++) {
            struct coord_multi_lock *lock = get_lock(coord, &names->as.items[i]);
            bool is_wanted = lock && (round || !lock->nclaims) && !claims_already(user, lock);
            if (is_wanted && !claim(coord, user, lock))
                coord_fail(coord);
            if (lock && !lock->nclaims)
                coord_table_remove(&coord->multi_locks, lock);
        }
}

/* ---- questions ---- */

static bool read_wishes(struct coord *coord, const struct coord_ask *ask,
                        const struct wire_value **names, int64_t *nwanted)
{
    struct wire_bytes packed;
    *names = wire_find(ask->message, "locks");
    if (!*names || (*names)->kind != WIRE_ARRAY)
        return false;
    for (uint32_t i = 0; i < (*names)->count; i++)
        if (!coord_pack_key(coord, &(*names)->as.items[i], &packed))
            return false;
    *nwanted = (*names)->count;
    (void)wire_read_int(wire_find(ask->message, "num_locks"), nwanted);
    return *nwanted > 0 && *nwanted <= (*names)->count;
}

static struct coord_user *make_user(struct coord *coord, struct wire_bytes id, int64_t nwanted)
{
    struct coord_user *user = coord_table_get(&coord->users, id);
    if (!user) {
        coord_fail(coord);
        return NULL;
    }
    coord_place_init(&user->place, false, NULL);
    list_init(&user->claims);
    user->nmissing = nwanted;
    return user;
}

static bool try_acquire(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes id;
    int64_t nwanted;
    const struct wire_value *names;
    if (!coord_read_name(coord, ask, "id", &id))
        return true;
    struct coord_user *user = coord_table_find(&coord->users, id);
    if (user && !ask->has_waited)
        return coord_raise(coord, ask, "RuntimeError", "this MultiLock is acquired already");
    if (!user) {
        if (!read_wishes(coord, ask, &names, &nwanted))
            return coord_raise(coord, ask, "ValueError",
                               "a MultiLock wants at least one lock and no more than it names");
        user = make_user(coord, id, nwanted);
        if (!user)
            return true;
        claim_all(coord, user, names);
    }
    if (!user->nmissing) {
        leave_other_rows(coord, user);
        return coord_answer(coord, ask, wire_bool(true));
    }
    bool is_answered = coord_wait(coord, ask, &user->place);
    if (is_answered)
        end_user(coord, user);
    return is_answered;
}

static void give_up(struct coord *coord, struct coord_ask *ask)
{
    struct wire_bytes id;
    if (!coord_pack_name(coord, wire_find(ask->message, "id"), &id))
        return;
    struct coord_user *user = coord_table_find(&coord->users, id);
    if (!user)
        return;
    list_remove(&ask->link); /* the place goes with the user */
    list_remove(&user->place.woken);
    ask->place = NULL;
    end_user(coord, user);
}

static bool release(struct coord *coord, struct coord_ask *ask)
{
    char text[128];
    struct wire_bytes id;
    if (!coord_read_name(coord, ask, "id", &id))
        return true;
    struct coord_user *user = coord_table_find(&coord->users, id);
    if (user && !coord_place_is_used(&user->place)) {
        end_user(coord, user);
        return coord_answer_nil(coord, ask);
    }
    key_text(id, text, sizeof(text));
    return coord_raise(coord, ask, "KeyError", "%s", text);
}

const struct coord_question coord_multi_locks_questions[] = {
    {"multi_lock_acquire", try_acquire, COORD_LATE_FALSE, give_up},
    {"multi_lock_release", release, COORD_LATE_RAISES, NULL},
    {NULL, NULL, COORD_LATE_RAISES, NULL},
};

const struct coord_saying coord_multi_locks_sayings[] = {{NULL, NULL}};

/* ---- all of them ---- */

void coord_multi_locks_init(struct coord *coord)
{
    coord_table_init(&coord->users, coord->memory, sizeof(struct coord_user));
    coord_table_init(&coord->multi_locks, coord->memory, sizeof(struct coord_multi_lock));
}

void coord_multi_locks_deinit(struct coord *coord)
{
    struct coord_user *user;
    while ((user = coord_table_next(&coord->users, NULL)))
        end_user(coord, user);
    coord_table_deinit(&coord->users);
    coord_table_deinit(&coord->multi_locks);
}

static size_t count_claims(const struct coord_user *user, int64_t *nheld)
{
    size_t count = 0;
    *nheld = 0;
    LIST_EACH (at, &user->claims) {
        *nheld += is_held(LIST_ENTRY(at, struct coord_claim, of_user));
        count++;
    }
    return count;
}

bool coord_multi_locks_are_valid(const struct coord *coord, dk_error *err)
{
    size_t nof_users = 0, nof_locks = 0;
    COORD_EACH(struct coord_user, user, &coord->users)
    {
        int64_t nheld;
        size_t count = count_claims(user, &nheld);
        bool is_waiting = !list_is_empty(&user->place.waiting);
        if (is_waiting != (user->nmissing > 0) || (!is_waiting && (size_t)nheld != count))
            return !error_set(err, DK_EINVAL, "a user of locks that waits for nothing");
        nof_users += count;
    }
    COORD_EACH(struct coord_multi_lock, lock, &coord->multi_locks)
    nof_locks += lock->nclaims;
    if (nof_users != nof_locks)
        return !error_set(err, DK_EINVAL, "claims of users and of locks disagree");
    return true;
}
