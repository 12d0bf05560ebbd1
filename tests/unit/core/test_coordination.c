/* What clients coordinate by, told as stories: who asks what, and the answers that follow. */
#include "unit/core/coordination_support.h"

/* Proves that getting a variable waits until it is set, for all who wait, and that its time ends.
 */
static void test_variable(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    ask(&scene, "ann", "variable_get name=x");
    ask(&scene, "bob", "variable_get name=x timeout=2");
    expect(&scene, "");
    ask(&scene, "eve", "variable_get name=y timeout=1");
    wait_for(&scene, 1.5);
    expect(&scene, "eve: TimeoutError: variable_get: the time is up\n");
    ask(&scene, "eve", "variable_set name=x data=[1,two]");
    expect(&scene, "eve: nil\n"
                   "ann: {type: msgpack, value: [1, two]}\n"
                   "bob: {type: msgpack, value: [1, two]}\n");
    ask(&scene, "eve", "variable_set name=x");
    ask(&scene, "ann", "variable_get name=x timeout=0");
    expect(&scene, "eve: nil\nann: {type: msgpack, value: nil}\n");
    say(&scene, 7, "variable_delete name=x");
    ask(&scene, "ann", "variable_get name=x timeout=0");
    expect(&scene, "ann: TimeoutError: variable_get: the time is up\n");
    end_scene(&scene);
}

/* Proves that a result stays held until it is replaced and all who were told of it hold it. */
static void test_variable_holds(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    know(&scene, "a,b");
    ask(&scene, "ann", "variable_set name=x key=a");
    expect(&scene, "variable-x holds a\nann: nil\n");
    ask(&scene, "bob", "variable_get name=x");
    expect(&scene, "bob: {type: Future, value: a, state: released, token: 1}\n");
    ask(&scene, "ann", "variable_set name=x key=b");
    expect(&scene, "variable-x holds b\nann: nil\n");
    say(&scene, 7, "variable-future-received-confirm name=x key=a token='1");
    expect(&scene, "client 7 wants a\nvariable-x lets go of a\n");
    ask(&scene, "bob", "variable_get name=x");
    ask(&scene, "ann", "variable_set name=x data=1");
    ask(&scene, "ann", "variable_set name=x key=b");
    expect(&scene, "bob: {type: Future, value: b, state: released, token: 2}\n"
                   "ann: nil\n"
                   "variable-x holds b\nann: nil\n");
    say(&scene, 7, "variable-future-received-confirm name=x key=b token='2");
    expect(&scene, "client 7 wants b\n"); /* it is what the variable is set to */
    say(&scene, 7, "variable_delete name=x");
    expect(&scene, "variable-x lets go of b\nvariable-x leaves\n");
    end_scene(&scene);
}

/* Proves that a client that dies before it has confirmed holds nothing up. */
static void test_variable_and_a_dead_client(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    know(&scene, "a");
    ask(&scene, "ann", "variable_set name=x key=a");
    ask(&scene, "bob", "variable_get name=x client=me");
    say(&scene, 7, "variable_delete name=x");
    expect(&scene, "variable-x holds a\nann: nil\n"
                   "bob: {type: Future, value: a, state: released, token: 1}\n");
    lose_client(&scene, scene.story.client);
    expect(&scene, "variable-x lets go of a\nvariable-x leaves\n");
    end_scene(&scene);
}

/* Proves that a result that failed comes with the reason, and one that nobody knows is waited for.
 */
static void test_variable_of_tasks(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    ask(&scene, "ann", "variable_set name=x key=e timeout=30s");
    ask(&scene, "bob", "variable_set name=y key=never timeout=100ms");
    assert_true(coord_awaits_tasks(scene.coord));
    wait_for(&scene, 1);
    expect(&scene, "bob: TimeoutError: Task never unknown to scheduler.\n");
    add_worker(&scene.story, "w1", 1);
    submit(&scene.story, "e", "e");
    fail_task(&scene.story, "w1", "e");
    expect(&scene, "w1: compute-task e\nclient: task-erred e boom\n");
    know(&scene, "e");
    expect(&scene, "client: task-erred e boom\nvariable-x holds e\nann: nil\n");
    ask(&scene, "bob", "variable_get name=x");
    expect(&scene, "bob: {type: Future, value: e, state: erred, exception: boom, traceback: nil, "
                   "token: 1}\n");
    end_scene(&scene);
}

/* Proves that a queue is first in, first out, and fair to those who wait. */
static void test_queue(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    ask(&scene, "ann", "queue_get name=q");
    expect(&scene, "ann: KeyError: q\n");
    ask(&scene, "ann", "queue_create name=q maxsize=2");
    ask(&scene, "ann", "queue_get name=q");
    ask(&scene, "bob", "queue_get name=q timeout=5");
    ask(&scene, "eve", "queue_put name=q data=1");
    expect(&scene, "ann: nil\neve: nil\nann: {type: msgpack, value: 1}\n");
    ask(&scene, "eve", "queue_put name=q data=2");
    expect(&scene, "eve: nil\nbob: {type: msgpack, value: 2}\n");
    ask(&scene, "eve", "queue_put name=q data=3");
    ask(&scene, "eve", "queue_put name=q data=4");
    ask(&scene, "eve", "queue_put name=q data=5 timeout=0");
    expect(&scene, "eve: nil\neve: nil\neve: TimeoutError: queue_put: the time is up\n");
    ask(&scene, "eve", "queue_put name=q data=6");
    ask(&scene, "bob", "queue_qsize name=q");
    ask(&scene, "bob", "queue_get name=q");
    expect(&scene, "bob: 2\nbob: {type: msgpack, value: 3}\neve: nil\n");
    ask(&scene, "bob", "queue_get name=q batch=true");
    expect(&scene, "bob: [{type: msgpack, value: 4}, {type: msgpack, value: 6}]\n");
    ask(&scene, "bob", "queue_get name=q batch=true");
    expect(&scene, "bob: []\n");
    ask(&scene, "bob", "queue_get name=q batch=2 timeout=1");
    expect(&scene, "bob: NotImplementedError: Dask queues don't support simultaneous use of "
                   "integer batch sizes and timeouts\n");
    end_scene(&scene);
}

/* Proves that a batch larger than the queue is collected, and comes back in order when its taker
 * dies: to whoever waits next. */
static void test_queue_and_a_dead_taker(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    ask(&scene, "ann", "queue_create name=q maxsize=1");
    ask(&scene, "ann", "queue_get name=q batch=4");
    for (int i = 1; i <= 3; i++) {
        char line[64];
        snprintf(line, sizeof(line), "queue_put name=q data=%d", i);
        ask(&scene, "eve", line);
    }
    ask(&scene, "bob", "queue_get name=q batch=2");
    expect(&scene, "ann: nil\neve: nil\neve: nil\neve: nil\n");
    lose(&scene, "ann");
    expect(&scene, "bob: [{type: msgpack, value: 1}, {type: msgpack, value: 2}]\n");
    ask(&scene, "bob", "queue_get name=q");
    expect(&scene, "bob: {type: msgpack, value: 3}\n");
    ask(&scene, "bob", "queue_get name=q");
    lose(&scene, "bob");
    ask(&scene, "eve", "queue_put name=q data=4");
    ask(&scene, "ann", "queue_qsize name=q");
    expect(&scene, "eve: nil\nann: 1\n");
    end_scene(&scene);
}

/* Proves that a result is held from when it is put until whoever has got it holds it; that a queue
 * is shared by all who have opened it; and that closing lets go and sends those who wait away. */
static void test_queue_holds(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    know(&scene, "a,b");
    ask(&scene, "ann", "queue_create name=q");
    ask(&scene, "bob", "queue_create name=q");
    ask(&scene, "ann", "queue_put name=q key=a");
    ask(&scene, "ann", "queue_put name=q key=a");
    ask(&scene, "ann", "queue_put name=q key=b");
    expect(&scene, "ann: nil\nbob: nil\nqueue-q holds a\nann: nil\nann: nil\nqueue-q holds b\nann: "
                   "nil\n");
    say(&scene, 7, "queue-future-release name=q key=a"); /* which it has not got */
    ask(&scene, "bob", "queue_get name=q");
    say(&scene, 7, "queue-future-release name=q key=a");
    expect(&scene, "client 7 wants a\nbob: {type: Future, value: a, state: released}\n"
                   "client 7 wants a\n");
    ask(&scene, "bob", "queue_get name=q");
    say(&scene, 7, "queue_release name=q");
    expect(&scene, "bob: {type: Future, value: a, state: released}\n");
    ask(&scene, "eve", "queue_get name=q batch=9");
    say(&scene, 7, "queue_release name=q");
    expect(&scene, "eve: KeyError: q\nqueue-q lets go of b\n");
    say(&scene, 7, "queue-future-release name=q key=a");
    expect(&scene, "client 7 wants a\nqueue-q lets go of a\nqueue-q leaves\n");
    end_scene(&scene);
}

/* Proves that an event lets all go, and that one that nobody needs is not kept. */
static void test_event(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    ask(&scene, "ann", "event_wait name=e timeout=1s");
    wait_for(&scene, 2);
    ask(&scene, "ann", "event_wait name=e");
    ask(&scene, "bob", "event_wait name=e");
    ask(&scene, "eve", "event_clear name=e");
    expect(&scene, "ann: false\neve: nil\n");
    lose(&scene, "bob");
    ask(&scene, "eve", "event_set name=e");
    ask(&scene, "eve", "event_is_set name=e");
    ask(&scene, "eve", "event_wait name=e timeout=0");
    ask(&scene, "eve", "event_clear name=e");
    ask(&scene, "eve", "event_is_set name=e");
    expect(&scene, "eve: nil\nann: true\neve: true\neve: true\neve: nil\neve: false\n");
    end_scene(&scene);
}

/* Proves that a semaphore gives so many leases, each id one, in the order of asking. */
static void test_semaphore(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    ask(&scene, "ann", "semaphore_acquire name=s lease_id=a");
    expect(&scene, "ann: RuntimeError: Semaphore or Lock `s` not known.\n");
    ask(&scene, "ann", "semaphore_register name=s max_leases=2 lease_timeout=nil");
    ask(&scene, "bob", "semaphore_register name=s max_leases=3 lease_timeout=nil");
    expect(&scene, "ann: nil\nbob: ValueError: Inconsistent max leases: 3, expected: 2\n");
    ask(&scene, "ann", "semaphore_acquire name=s lease_id=a");
    ask(&scene, "ann", "semaphore_acquire name=s lease_id=a");
    ask(&scene, "ann", "semaphore_acquire name=s lease_id=b");
    ask(&scene, "ann", "semaphore_acquire name=s lease_id=c timeout=0");
    expect(&scene, "ann: true\nann: true\nann: true\nann: false\n");
    ask(&scene, "ann", "semaphore_acquire name=s lease_id=c");
    ask(&scene, "bob", "semaphore_acquire name=s lease_id=d");
    ask(&scene, "eve", "semaphore_release name=s lease_id=x");
    ask(&scene, "eve", "semaphore_release name=s lease_id=a");
    expect(&scene, "eve: nil\neve: nil\nann: true\n");
    ask(&scene, "eve", "semaphore_value name=s");
    wait_for(&scene, 1e6);
    ask(&scene, "eve", "semaphore_close name=s");
    expect(&scene, "eve: 2\neve: nil\nbob: RuntimeError: Semaphore or Lock `s` not known.\n");
    end_scene(&scene);
}

/* Proves that a lease that is not refreshed ends, and its semaphore goes to who waits. */
static void test_lease_ends(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    ask(&scene, "ann", "semaphore_register name=s max_leases=1 lease_timeout=30");
    ask(&scene, "ann", "semaphore_acquire name=s lease_id=a");
    ask(&scene, "bob", "semaphore_acquire name=s lease_id=b");
    expect(&scene, "ann: nil\nann: true\n");
    ask(&scene, "eve", "semaphore_acquire name=s lease_id=c timeout=60");
    wait_for(&scene, 20);
    ask(&scene, "ann", "semaphore_refresh_leases name=s lease_ids=[a]");
    wait_for(&scene, 20);
    expect(&scene, "ann: nil\n");
    wait_for(&scene, 10);
    expect(&scene, "bob: true\n");
    wait_for(&scene, 15);
    expect(&scene, "eve: false\n");
    lose(&scene, "ann");
    wait_for(&scene, 100);
    ask(&scene, "ann", "semaphore_value name=s");
    expect(&scene, "ann: 0\n");
    end_scene(&scene);
}

/* Proves that the locks of 2022 need no registration and leave nothing behind. */
static void test_lock_of_2022(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    ask(&scene, "ann", "lock_acquire name=l id=1");
    ask(&scene, "bob", "lock_acquire name=l id=2");
    ask(&scene, "eve", "lock_release name=l id=3");
    ask(&scene, "eve", "lock_locked name=l");
    expect(&scene, "ann: true\neve: ValueError: This lock has not yet been acquired\neve: true\n");
    ask(&scene, "ann", "lock_release name=l id=1");
    expect(&scene, "ann: nil\nbob: true\n");
    ask(&scene, "ann", "lock_release name=l id=2");
    ask(&scene, "ann", "lock_locked name=l");
    expect(&scene, "ann: nil\nann: false\n");
    end_scene(&scene);
}

/* Proves that a user of several locks takes what is free and waits for the rest, in rows; that some
 * of them may be enough; and that one who gives up or dies leaves all rows. */
static void test_multi_lock(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    ask(&scene, "ann", "multi_lock_acquire id=A locks=[x,y] num_locks=2");
    ask(&scene, "bob", "multi_lock_acquire id=B locks=[y,z] num_locks=2");
    ask(&scene, "eve", "multi_lock_acquire id=E locks=[z,x] num_locks=2");
    ask(&scene, "kim", "multi_lock_acquire id=K locks=[x,y,z] num_locks=1 timeout=1");
    expect(&scene, "ann: true\n");
    wait_for(&scene, 1);
    expect(&scene, "kim: false\n");
    ask(&scene, "kim", "multi_lock_release id=K");
    expect(&scene, "kim: KeyError: K\n");
    ask(&scene, "kim", "multi_lock_acquire id=K locks=[x,free,z] num_locks=1");
    ask(&scene, "kim", "multi_lock_release id=K");
    expect(&scene, "kim: true\nkim: nil\n");
    ask(&scene, "kim", "multi_lock_release id=A");
    expect(&scene, "kim: nil\nbob: true\n");
    ask(&scene, "ann", "multi_lock_acquire id=A locks=[x] num_locks=1");
    lose(&scene, "eve"); /* who had x by then */
    expect(&scene, "ann: true\n");
    ask(&scene, "kim", "multi_lock_release id=B");
    ask(&scene, "kim", "multi_lock_release id=A");
    ask(&scene, "kim", "multi_lock_acquire id=K locks=[x,y,z] num_locks=3");
    ask(&scene, "bob", "multi_lock_acquire id=K locks=[x] num_locks=1");
    ask(&scene, "bob", "multi_lock_acquire id=B locks=[] num_locks=0");
    expect(&scene,
           "kim: nil\nkim: nil\nkim: true\n"
           "bob: RuntimeError: this MultiLock is acquired already\n"
           "bob: ValueError: a MultiLock wants at least one lock and no more than it names\n");
    end_scene(&scene);
}

/* Proves that of two whose time is up together, the first may leave to the second what it waits
 * for.
 */
static void test_multi_locks_that_end_together(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    ask(&scene, "ann", "multi_lock_acquire id=A locks=[x] num_locks=1");
    ask(&scene, "bob", "multi_lock_acquire id=B locks=[x,y] num_locks=2 timeout=1");
    ask(&scene, "eve", "multi_lock_acquire id=E locks=[y] num_locks=1 timeout=1");
    wait_for(&scene, 2);
    expect(&scene, "ann: true\nbob: false\neve: false\n");
    ask(&scene, "kim", "multi_lock_acquire id=K locks=[y] num_locks=1 timeout=0");
    expect(&scene, "kim: true\n");
    end_scene(&scene);
}

/* Proves that publishing waits for the word on the client's stream, holds and lets go, and refuses
 * what is there. */
static void test_datasets(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    know(&scene, "a,b,c");
    ask(&scene, "ann", "publish_put names=[d] keys=[[a,b]] data=[D] override=false uid=u1");
    ask(&scene, "bob", "publish_list");
    expect(&scene, "bob: []\n");
    say(&scene, 7, "publish_flush_batched_send uid=u1");
    expect(&scene, "published-d holds a\npublished-d holds b\nann: nil\n");
    say(&scene, 7, "publish_flush_batched_send uid=u2");
    ask(&scene, "ann", "publish_put names=[d] keys=[[]] data=[E] override=false uid=u2");
    expect(&scene, "ann: KeyError: Dataset d already exists\n");
    ask(&scene, "ann", "publish_put names=[d,c] keys=[[b,c],[]] data=[E,F] override=true");
    expect(&scene,
           "published-d holds b\npublished-d holds c\npublished-d lets go of a\nann: nil\n");
    ask(&scene, "bob", "publish_get names=[d,none]");
    ask(&scene, "bob", "publish_list");
    expect(&scene, "bob: [{data: E, keys: [b, c]}, nil]\nbob: [c, d]\n");
    say(&scene, 7, "publish_flush_batched_send uid=u3");
    say(&scene, 7, "publish_flush_batched_send uid=u4");
    ask(&scene, "ann", "publish_delete names=[d,none] uid=u3");
    expect(&scene, "published-d leaves\nann: nil\n");
    ask(&scene, "ann", "publish_delete names=[c] uid=never");
    lose(&scene, "ann");
    lose_client(&scene, 7);
    expect(&scene, "");
    end_scene(&scene);
}

/* Proves that metadata is a tree: maps merge along paths, values are replaced. */
static void test_metadata(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    ask(&scene, "ann", "set_metadata keys=[a,b,c] value=1");
    ask(&scene, "ann", "set_metadata keys=[a,d] value={x:1,y:[5,6]}");
    ask(&scene, "bob", "get_metadata keys=[a]");
    expect(&scene, "ann: nil\nann: nil\nbob: {b: {c: 1}, d: {x: 1, y: [5, 6]}}\n");
    ask(&scene, "ann", "set_metadata keys=[a,d,x,deep] value=nil");
    ask(&scene, "bob", "get_metadata keys=[a,d]");
    ask(&scene, "bob", "get_metadata keys=[a,d,y,1]");
    expect(&scene, "ann: nil\nbob: {x: {deep: nil}, y: [5, 6]}\nbob: 6\n");
    ask(&scene, "bob", "get_metadata keys=[a,q]");
    ask(&scene, "bob", "get_metadata keys=[a,q] default=7");
    ask(&scene, "bob", "get_metadata keys=[a,d,y,2] default=nil");
    ask(&scene, "bob", "get_metadata keys=[]");
    expect(&scene, "bob: KeyError: q\nbob: 7\nbob: nil\n"
                   "bob: {a: {b: {c: 1}, d: {x: {deep: nil}, y: [5, 6]}}}\n");
    ask(&scene, "bob", "set_metadata keys=[] value=1");
    expect(&scene, "bob: ValueError: set_metadata: \"keys\" is not an array of at most 64 keys\n");
    end_scene(&scene);
}

/* Proves that metadata under the name of a task goes with the task, and what is left is counted. */
static void test_metadata_of_tasks(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    know(&scene, "a");
    ask(&scene, "ann", "set_metadata keys=[a,note] value=1");
    say_keys(&scene.story, SCHED_CLIENT_RELEASES, 0, "a");
    ask(&scene, "bob", "get_metadata keys=[a] default=gone");
    expect(&scene, "ann: nil\nbob: gone\n");
    for (int i = 0; i < 300; i++) {
        char name[32], line[64];
        snprintf(name, sizeof(name), "t%d", i);
        snprintf(line, sizeof(line), "set_metadata keys=[t%d] value=1", i);
        know(&scene, name);
        ask(&scene, "ann", line);
        say_keys(&scene.story, SCHED_CLIENT_RELEASES, 0, name);
    }
    assert_true(memory_use(scene.story.memory).current < 100 << 10);
    end_scene(&scene);
}

static void note_task(struct scene *scene, const char *line)
{
    struct notation notation;
    struct wire_value message = read_message(&notation, line);
    take_event(scene, (struct coord_event){.kind = COORD_TASK_ENDED, .message = &message});
}

/* Proves that what becomes of tasks is collected from those that were submitted since, also of
 * those that a failure takes along. */
static void test_task_metadata(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    add_worker(&scene.story, "w1", 4);
    submit(&scene.story, "a", "a");
    ask(&scene, "ann", "start_task_metadata name=m");
    assert_true(coord_collects_tasks(scene.coord));
    submit(&scene.story, "b; e; f=e; g", "b,f,g");
    finish(&scene.story, "w1", "a");
    note_task(&scene, "task-finished key=a metadata={x:1}");
    finish(&scene.story, "w1", "b");
    note_task(&scene, "task-finished key=b metadata={x:1}");
    note_task(&scene, "task-finished key=g"); /* which is not so */
    fail_task(&scene.story, "w1", "e");
    note_task(&scene, "task-erred key=e metadata={}");
    text_deinit(&scene.story.diary);
    text_init(&scene.story.diary, scene.story.memory);
    ask(&scene, "ann", "stop_task_metadata name=m");
    expect(&scene, "ann: {metadata: {b: {x: 1}, e: nil, f: nil}, "
                   "state: {b: memory, e: erred, f: erred}}\n");
    ask(&scene, "ann", "stop_task_metadata name=m");
    expect(&scene, "ann: ValueError: no task metadata is collected under m\n");
    ask(&scene, "ann", "start_task_metadata name=m");
    end_scene(&scene);
}

/* Proves that events are kept, told to subscribers, and the oldest forgotten. */
static void test_topics(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    say(&scene, 1, "subscribe-topic topic=t");
    say(&scene, 1, "subscribe-topic topic=t");
    say(&scene, 2, "subscribe-topic topic=t");
    ask(&scene, "ann", "log_event topic=[t,u] msg=hello");
    expect(&scene, "client 1 hears {op: event, topic: t, event: [1000, hello]}\n"
                   "client 2 hears {op: event, topic: t, event: [1000, hello]}\n"
                   "ann: nil\n");
    say(&scene, 1, "unsubscribe-topic topic=t");
    lose_client(&scene, 2);
    wait_for(&scene, 1);
    say(&scene, 9, "log-event topic=t msg=2");
    ask(&scene, "ann", "events topic=t");
    ask(&scene, "ann", "events");
    ask(&scene, "ann", "events topic=none");
    expect(&scene, "ann: [[1000, hello], [1001, 2]]\n"
                   "ann: {t: [[1000, hello], [1001, 2]], u: [[1000, hello]]}\n"
                   "ann: []\n");
    for (int i = 0; i < 1001; i++) {
        char line[64];
        snprintf(line, sizeof(line), "log-event topic=many msg=%d", i);
        say(&scene, 9, line);
    }
    ask(&scene, "ann", "events topic=many");
    assert_non_null(strstr(scene.story.diary.data, "ann: [[1001, 1], [1001, 2]"));
    assert_non_null(strstr(scene.story.diary.data, "[1001, 1000]]\n"));
    end_scene(&scene);
}

/* Proves that what is no question of ours, or a bad one, changes nothing. */
static void test_bad_questions(void **state)
{
    (void)state;
    struct scene scene;
    begin_scene(&scene);
    assert_int_equal(ask(&scene, "ann", "gather keys=[a]"), DK_ENOTSUP);
    assert_int_equal(say(&scene, 1, "update-graph"), DK_ENOTSUP);
    ask(&scene, "ann", "event_wait name={a:1}");
    ask(&scene, "ann", "event_wait name=e timeout=1parsec");
    ask(&scene, "ann", "variable_get name=e timeout=x");
    ask(&scene, "ann", "lock_acquire name=l id=1");
    ask(&scene, "ann", "lock_acquire name=l id=2 timeout=1parsec");
    ask(&scene, "ann", "multi_lock_acquire id=1 locks=[a] num_locks=1");
    ask(&scene, "ann", "multi_lock_acquire id=2 locks=[a,{b:1}] num_locks=1");
    ask(&scene, "ann", "publish_put names=[a] keys=[] data=[]");
    ask(&scene, "ann", "publish_put names=[] keys=[] data=[] uid=never timeout=x");
    assert_int_equal(coord_nwaiting(scene.coord), 0);
    assert_non_null(strstr(scene.story.diary.data,
                           "ann: TypeError: event_wait: \"name\" is missing, "
                           "or no name\nann: KeyError: Invalid time unit"));
    assert_non_null(strstr(scene.story.diary.data, "ann: ValueError: publish_put: names, keys"));
    end_scene(&scene);
}

/* ---- out of memory ---- */

static const char *const everything[] = {
    "variable_get name=x",
    "variable_set name=x data=[1,2]",
    "variable_set name=x key=a",
    "variable_get name=x",
    "variable_set name=y key=unknown timeout=5",
    "queue_create name=q maxsize=1",
    "queue_get name=q batch=3",
    "queue_put name=q data=1",
    "queue_put name=q key=a",
    "queue_put name=q key=b",
    "queue_put name=q data=2",
    "event_wait name=e timeout=5",
    "event_set name=e",
    "semaphore_register name=s max_leases=1 lease_timeout=1",
    "semaphore_acquire name=s lease_id=1",
    "semaphore_acquire name=s lease_id=2",
    "lock_acquire name=l id=1",
    "multi_lock_acquire id=A locks=[x,y] num_locks=2",
    "multi_lock_acquire id=B locks=[y,z] num_locks=2",
    "publish_put names=[d] keys=[[a,b]] data=[D] uid=u1",
    "publish_list",
    "publish_get names=[d]",
    "set_metadata keys=[a,b,c] value={x:1,y:[5,6]}",
    "get_metadata keys=[]",
    "log_event topic=[t,u] msg=hello",
    "events",
    "start_task_metadata name=m",
    "stop_task_metadata name=m",
    "multi_lock_release id=A",
};

/* Each question has a person of its own, for some wait. */
static dk_status ask_everything(struct coord *coord, struct coord_instructions *out,
                                struct coord_asker *askers)
{
    struct notation notation;
    for (size_t i = 0; i < sizeof(everything) / sizeof(*everything); i++) {
        dk_error err;
        struct wire_value message = read_message(&notation, everything[i]);
        struct coord_event event = {
            .kind = COORD_ASK, .asker = &askers[i], .message = &message, .now_us = (int64_t)i};
        dk_status status = coord_step(coord, &event, out);
        if (!coord_validate(coord, &err))
            fail_msg("%s after %s", err.message, everything[i]);
        coord_instructions_clear(out);
        if (status != DK_OK)
            return status;
        struct coord_event tick = {.kind = COORD_TICK, .now_us = (int64_t)i * 100000};
        if ((status = coord_step(coord, &tick, out)) != DK_OK)
            return status;
    }
    return DK_OK;
}

static dk_status out_of_memory(struct memory *memory)
{
    struct coord_asker askers[64] = {{NULL}};
    struct coord_instructions out;
    struct sched_outbox sched_out;
    struct sched *sched = sched_new(memory, NULL);
    struct coord *coord = sched ? coord_new(memory, sched) : NULL;
    struct wire_bytes keys[] = {key("a"), key("b")};
    struct sched_event known = {.kind = SCHED_ADD_CLIENT, .as.add_client = {.name = "me"}};
    coord_instructions_init(&out, memory);
    sched_outbox_init(&sched_out, memory);
    dk_status status = coord ? sched_step(sched, &known, &sched_out, NULL) : DK_ENOMEM;
    known = (struct sched_event){.kind = SCHED_CLIENT_DESIRES, .as.keys = {keys, 2}};
    if (status == DK_OK) {
        known.client = sched_find_client(sched, "me");
        status = sched_step(sched, &known, &sched_out, NULL);
    }
    if (status == DK_OK)
        status = ask_everything(coord, &out, askers);
    sched_outbox_deinit(&sched_out);
    coord_instructions_deinit(&out);
    coord_free(coord);
    if (sched)
        sched_free(sched);
    return status;
}

/* Proves that each allocation may fail: the step says so, and all is freed. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(out_of_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variable),
        cmocka_unit_test(test_variable_holds),
        cmocka_unit_test(test_variable_and_a_dead_client),
        cmocka_unit_test(test_variable_of_tasks),
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_queue_and_a_dead_taker),
        cmocka_unit_test(test_queue_holds),
        cmocka_unit_test(test_event),
        cmocka_unit_test(test_semaphore),
        cmocka_unit_test(test_lease_ends),
        cmocka_unit_test(test_lock_of_2022),
        cmocka_unit_test(test_multi_lock),
        cmocka_unit_test(test_multi_locks_that_end_together),
        cmocka_unit_test(test_datasets),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_metadata_of_tasks),
        cmocka_unit_test(test_task_metadata),
        cmocka_unit_test(test_topics),
        cmocka_unit_test(test_bad_questions),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
