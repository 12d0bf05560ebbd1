#include "frame/program.h"

#include "graph/value.h"

struct program *program_new(dk_context *dk, const struct rowset *source)
{
    struct memory *memory = dk->memory;
    struct program *program = memory_calloc(memory, sizeof(*program));
    if (!program)
        return NULL;
    atomic_init(&program->refs, 1);
    atomic_init(&program->packed, NULL);
    program->memory = memory;
    program->nodes = &dk->expressions->nodes;
    program->source = source;
    arena_init(&program->arena, memory);
    vector_init(&program->loads, memory, sizeof(int32_t));
    vector_init(&program->types, memory, sizeof(dk_type));
    vector_init(&program->steps, memory, sizeof(struct step));
    vector_init(&program->domains, memory, sizeof(struct domain));
    vector_init(&program->sinks, memory, sizeof(struct sink));
    vector_init(&program->registers, memory, sizeof(const struct col *));
    struct domain all = {.rows = source, .parent = -1};
    if (vector_append(&program->domains, &all, 1) == DK_OK)
        return program;
    program_unref(program);
    return NULL;
}

void sink_init(struct sink *sink, struct memory *memory)
{
    *sink = (struct sink){.index = NO_REGISTER, .key = NO_REGISTER};
    vector_init(&sink->registers, memory, sizeof(int32_t));
    vector_init(&sink->names, memory, sizeof(const char *));
    vector_init(&sink->specs, memory, sizeof(struct agg_spec));
    vector_init(&sink->columns, memory, sizeof(const struct col *));
}

void sink_deinit(struct sink *sink)
{
    vector_deinit(&sink->registers);
    vector_deinit(&sink->names);
    vector_deinit(&sink->specs);
    vector_deinit(&sink->columns);
}

static void visit_columns(const struct program *program, const struct vector *columns,
                          node_visit visit)
{
    const struct col *const *all = columns->data;
    for (size_t i = 0; i < columns->count; i++)
        visit(program->nodes, &all[i]->node);
}

/* Everything that the program points to. */
static void visit_nodes(const struct program *program, node_visit visit)
{
    visit(program->nodes, &program->source->node);
    visit_columns(program, &program->registers, visit);
    for (size_t i = 0; i < program->domains.count; i++)
        visit(program->nodes, &program_domain(program, (int32_t)i)->rows->node);
    for (size_t i = 0; i < program->sinks.count; i++) {
        const struct sink *sink = program_sink(program, i);
        visit_columns(program, &sink->columns, visit);
        if (sink->grouped)
            visit(program->nodes, &sink->grouped->node);
    }
}

void program_hold(struct program *program)
{
    visit_nodes(program, nodes_ref);
    program->is_holding = true;
}

static void let_go(struct program *program)
{
    nodes_begin(program->nodes);
    visit_nodes(program, nodes_unref);
    nodes_end(program->nodes);
}

/* What is counted beyond the arena. */
static void release_stand_ins(struct program *program)
{
    for (size_t i = 0; i < program->steps.count; i++) {
        if (program_steps(program)[i].col)
            column_unref(program_steps(program)[i].col->literal);
    }
    if (program->source)
        csv_source_unref(program->source->csv);
}

static void program_free(struct program *program)
{
    struct dk_block *packed = atomic_load(&program->packed);
    if (program->is_holding)
        let_go(program);
    if (program->is_stand_in)
        release_stand_ins(program);
    if (packed)
        dk_value_unref((dk_value){DK_KIND_BYTES, {.block = packed}});
    for (size_t i = 0; i < program->sinks.count; i++)
        sink_deinit(program_sink(program, i));
    vector_deinit(&program->registers);
    vector_deinit(&program->sinks);
    vector_deinit(&program->domains);
    vector_deinit(&program->steps);
    vector_deinit(&program->types);
    vector_deinit(&program->loads);
    arena_deinit(&program->arena);
    memory_free(program->memory, program, sizeof(*program));
}

/* ---- those from other processes: equal bytes are one program, as long as somebody uses it ---- */

static struct program **find(struct programs *cache, struct token token)
{
    struct program **at = &cache->chains[token.lo % PROGRAM_CHAINS];
    while (*at && !token_equal((*at)->token, token))
        at = &(*at)->next;
    return at;
}

/* True when that was the last reference; nobody finds the program from then on. */
static bool drop_reference(struct program *program)
{
    struct programs *cache = program->cache;
    if (!cache)
        return atomic_fetch_sub_explicit(&program->refs, 1, memory_order_acq_rel) == 1;
    pthread_mutex_lock(&program->nodes->lock);
    bool was_last = atomic_fetch_sub(&program->refs, 1) == 1;
    if (was_last)
        *find(cache, program->token) = program->next;
    pthread_mutex_unlock(&program->nodes->lock);
    return was_last;
}

void program_unref(struct program *program)
{
    if (program && drop_reference(program))
        program_free(program);
}

/* The program of these bytes with a reference more; NULL: there is none. */
static struct program *find_ref(struct expressions *expressions, struct token token)
{
    pthread_mutex_lock(&expressions->nodes.lock);
    struct program *program = *find(&expressions->programs, token);
    if (program)
        atomic_fetch_add(&program->refs, 1);
    pthread_mutex_unlock(&expressions->nodes.lock);
    return program;
}

/* Puts a program into the cache, or takes the one that came there meanwhile for it. */
static struct program *add_or_replace(struct expressions *expressions, struct program *program)
{
    pthread_mutex_lock(&expressions->nodes.lock);
    struct program **at = find(&expressions->programs, program->token);
    struct program *known = *at;
    if (known) {
        atomic_fetch_add(&known->refs, 1);
    } else {
        program->cache = &expressions->programs;
        *at = program;
    }
    pthread_mutex_unlock(&expressions->nodes.lock);
    if (!known)
        return program;
    program_unref(program);
    return known;
}

static dk_status unpack(dk_context *dk, const void *bytes, size_t nbytes, void **object,
                        dk_error *err)
{
    struct token token = token_of(bytes, nbytes);
    struct program *program = find_ref(dk->expressions, token);
    if (!program) {
        DK_TRY(program_get(dk, bytes, nbytes, &program, err));
        program->token = token;
        program = add_or_replace(dk->expressions, program);
    }
    *object = program;
    return DK_OK;
}

/* The bytes are made once, for the tasks of all partitions. */
static dk_status pack(dk_context *dk, void *object, dk_value *out, dk_error *err)
{
    struct program *program = object;
    struct dk_block *known = atomic_load(&program->packed);
    if (known) {
        *out = dk_value_ref((dk_value){DK_KIND_BYTES, {.block = known}});
        return DK_OK;
    }
    struct writer writer;
    writer_init(&writer, dk->memory);
    dk_status status = program_put(program, &writer, err);
    if (status == DK_OK &&
        value_bytes(program->memory, writer.bytes.data, writer.bytes.count, out) != DK_OK)
        status = error_nomem(err);
    writer_deinit(&writer);
    if (status == DK_OK && atomic_compare_exchange_strong(&program->packed, &known, out->as.block))
        dk_value_ref(*out);
    return status;
}

static void free_object(void *object)
{
    program_unref(object);
}

const dk_object_type program_object = {
    .name = "frame.program", .free = free_object, .pack = pack, .unpack = unpack};
