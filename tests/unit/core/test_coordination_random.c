/* Random lives: people ask, wait, die and come again, tasks come and go, time passes. After each
 * event the state is valid, and when all have gone nothing is left. */
#include "unit/core/coordination_support.h"

#define NLIVES  400
#define NEVENTS 400
#define NPEOPLE 12

static uint64_t seed;

static uint32_t below(uint32_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed >> 32) % limit);
}

static const char *const questions[] = {
    "variable_get name=N client=me",
    "variable_get name=N timeout=T",
    "variable_set name=N data=1",
    "variable_set name=N key=K timeout=T",
    "variable_set name=N key=K",
    "queue_create name=N maxsize=1",
    "queue_put name=N data=1",
    "queue_put name=N key=K timeout=T",
    "queue_put name=N key=K",
    "queue_get name=N",
    "queue_get name=N timeout=T",
    "queue_get name=N batch=true",
    "queue_get name=N batch=3",
    "queue_qsize name=N",
    "event_wait name=N",
    "event_wait name=N timeout=T",
    "event_set name=N",
    "event_clear name=N",
    "semaphore_register name=N max_leases=2 lease_timeout=3",
    "semaphore_acquire name=N lease_id=I",
    "semaphore_acquire name=N lease_id=I timeout=T",
    "semaphore_release name=N lease_id=I",
    "semaphore_refresh_leases name=N lease_ids=[I,I]",
    "semaphore_close name=N",
    "lock_acquire name=N id=I timeout=T",
    "lock_release name=N id=I",
    "multi_lock_acquire id=I locks=[x,y,z] num_locks=3",
    "multi_lock_acquire id=I locks=[N,y] num_locks=1 timeout=T",
    "multi_lock_acquire id=I locks=[N,z] num_locks=2",
    "multi_lock_release id=I",
    "publish_put names=[N] keys=[[K,K]] data=[1] override=true uid=I",
    "publish_put names=[N] keys=[[K]] data=[1]",
    "publish_delete names=[N] uid=I",
    "publish_get names=[N]",
    "set_metadata keys=[K,N] value={N:1}",
    "get_metadata keys=[K,N] default=0",
    "log_event topic=[N,K] msg=1",
    "events",
};

static const char *const sayings[] = {
    "variable-future-received-confirm name=N key=K token='1",
    "variable_delete name=N",
    "queue-future-release name=N key=K",
    "queue_release name=N",
    "publish_flush_batched_send uid=I",
    "subscribe-topic topic=N",
    "unsubscribe-topic topic=N",
};

/* N, K, I and T stand for one of a few names, keys, ids and times; the op comes before them. */
static void fill_in(const char *pattern, char *out)
{
    const char *at = strchr(pattern, ' ');
    size_t length = at ? (size_t)(at - pattern) : strlen(pattern);
    memcpy(out, pattern, length);
    out += length;
    for (; at && *at; at++) {
        bool stands_alone = !strchr("NKIT", *at) || (at[1] && !strchr(" ,]:", at[1]));
        if (stands_alone)
            *out++ = *at;
        else if (*at == 'N')
            out += sprintf(out, "%c", "xyz"[below(3)]);
        else if (*at == 'K')
            out += sprintf(out, "%c", "abc"[below(3)]);
        else
            out += sprintf(out, *at == 'I' ? "i%u" : "%u", below(4));
    }
    *out = '\0';
}

static void ask_something(struct scene *scene)
{
    char name[8], line[256];
    snprintf(name, sizeof(name), "p%u", below(NPEOPLE));
    if (person_of(scene, name)->asker.waiting)
        return;
    fill_in(questions[below(sizeof(questions) / sizeof(*questions))], line);
    ask(scene, name, line);
}

static void say_something(struct scene *scene)
{
    char line[256];
    fill_in(sayings[below(sizeof(sayings) / sizeof(*sayings))], line);
    say(scene, below(3), line);
}

static void let_something_happen(struct scene *scene)
{
    char name[8];
    uint32_t what = below(20);
    snprintf(name, sizeof(name), "p%u", below(NPEOPLE));
    if (what < 12)
        ask_something(scene);
    else if (what < 16)
        say_something(scene);
    else if (what == 16)
        lose(scene, name);
    else if (what == 17)
        know(scene, (const char *[]){"a", "b", "c"}[below(3)]);
    else if (what == 18)
        wait_for(scene, below(20) / 10.0);
    else if (below(4) == 0)
        lose_client(scene, below(3));
    else
        say_keys(&scene->story, SCHED_CLIENT_RELEASES, 0,
                 (const char *[]){"a", "b", "c"}[below(3)]);
}

/* Whatever was given to clients is confirmed. */
static void confirm_all(struct scene *scene, char name)
{
    char line[64];
    for (const char *key = "abc"; *key; key++)
        for (int i = 0; i < NEVENTS; i++) {
            snprintf(line, sizeof(line), "queue-future-release name=%c key=%c", name, *key);
            say(scene, 0, line);
        }
}

/* All that stays until it is told to go, goes. */
static void clean_up(struct scene *scene)
{
    static const char *const ends[] = {"semaphore_close name=%c", "event_clear name=%c",
                                       "publish_delete names=[%c]"};
    char name[8], line[64];
    for (uint32_t i = 0; i < NPEOPLE; i++) {
        snprintf(name, sizeof(name), "p%u", i);
        lose(scene, name);
    }
    for (const char *at = "xyz"; *at; at++) {
        for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
            snprintf(line, sizeof(line), ends[i], *at);
            ask(scene, "p0", line);
        }
        snprintf(line, sizeof(line), "variable_delete name=%c", *at);
        say(scene, 0, line);
        for (int i = 0; i < NEVENTS; i++) {
            snprintf(line, sizeof(line), "queue_release name=%c", *at);
            say(scene, 0, line);
        }
        confirm_all(scene, *at);
    }
    for (uint32_t id = 0; id < 4; id++) {
        snprintf(line, sizeof(line), "multi_lock_release id=i%u", id);
        ask(scene, "p0", line);
    }
    for (uint32_t client = 0; client < 3; client++)
        lose_client(scene, client);
    lose_client(scene, SCHED_NOBODY);
    wait_for(scene, 100);
}

#define HOLDS_MAX 64
struct holds {
    char lines[HOLDS_MAX][64]; /* "HOLDER KEY" */
    size_t count;
};

static size_t find_hold(const struct holds *holds, const char *wanted, size_t length)
{
    size_t at = 0;
    while (at < holds->count && strncmp(holds->lines[at], wanted, length) != 0)
        at++;
    return at;
}

static void let_go(struct holds *holds, const char *wanted, size_t length)
{
    size_t at = find_hold(holds, wanted, length);
    if (at < holds->count)
        memcpy(holds->lines[at], holds->lines[--holds->count], sizeof(holds->lines[at]));
}

/* Who holds what after all that the diary tells. */
static size_t count_holds(char *diary)
{
    struct holds holds = {.count = 0};
    char *rest, holder[48], key[8], wanted[64];
    for (char *line = strtok_r(diary, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (sscanf(line, "%47s holds %7s", holder, key) == 2) {
            snprintf(wanted, sizeof(wanted), "%s %s", holder, key);
            if (find_hold(&holds, wanted, sizeof(wanted)) == holds.count)
                memcpy(holds.lines[holds.count++], wanted, sizeof(wanted));
            assert_true(holds.count < HOLDS_MAX);
        } else if (sscanf(line, "%47s lets go of %7s", holder, key) == 2) {
            snprintf(wanted, sizeof(wanted), "%s %s", holder, key);
            assert_true(find_hold(&holds, wanted, sizeof(wanted)) < holds.count);
            let_go(&holds, wanted, sizeof(wanted));
        } else if (strstr(line, " leaves")) {
            snprintf(wanted, sizeof(wanted), "%.*s ", (int)strcspn(line, " "), line);
            while (find_hold(&holds, wanted, strlen(wanted)) < holds.count)
                let_go(&holds, wanted, strlen(wanted));
        }
    }
    return holds.count;
}

/* Proves that no order of events leads to a state that is not valid, leaves anybody waiting or
 * anything held. */
static void test_random_lives(void **state)
{
    (void)state;
    for (uint64_t life = 1; life <= NLIVES; life++) {
        struct scene scene;
        seed = life * 0x9e3779b97f4a7c15u;
        begin_scene(&scene);
        for (int i = 0; i < NEVENTS; i++)
            let_something_happen(&scene);
        clean_up(&scene);
        assert_int_equal(coord_nwaiting(scene.coord), 0);
        assert_int_equal(coord_deadline_us(scene.coord), INT64_MAX);
        assert_int_equal(count_holds(scene.story.diary.data), 0);
        end_scene(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_lives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
