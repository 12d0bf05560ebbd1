/* The coordination of clients with a diary: questions as lines of text, and what follows as lines
 * of text, so that tests read as stories. The scheduler beside it is a real one. */
#ifndef COORDINATION_SUPPORT_H
#define COORDINATION_SUPPORT_H

#include "unit/core/scheduler_support.h"

#include "core/coordination/coordination.h"

struct person {
    struct coord_asker asker; /* the first: instructions point to it */
    char name[16];
};

struct scene {
    struct story story; /* the scheduler, the time, the diary */
    struct coord *coord;
    struct coord_instructions out;
    struct person people[16];
};

/* ---- values as text ---- */

#define VALUES_MAX 64
struct notation {
    char text[512];
    struct wire_entry fields[8];
    struct wire_value items[VALUES_MAX];
    uint32_t nitems;
};

static inline struct wire_value read_word(const char *word)
{
    char *end;
    if (*word == '\'')
        return wire_text(word + 1);
    double number = strtod(word, &end);
    if (end != word && !*end)
        return strchr(word, '.') ? wire_float(number) : wire_int((int64_t)number);
    if (strcmp(word, "nil") == 0)
        return wire_nil();
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
        return wire_bool(*word == 't');
    return wire_text(word);
}

/* A word ('7 is the text), [word,word], [[word],[word,word]] or {word:word,word:word}; changes the
 * text. */
static inline struct wire_value read_value(struct notation *notation, char **at);

static inline struct wire_value read_items(struct notation *notation, char **at)
{
    struct wire_value own[16];
    uint32_t count = 0;
    while (**at && **at != ']' && **at != '}') {
        own[count++] = read_value(notation, at);
        if (**at == ',' || **at == ':')
            *(*at)++ = '\0';
    }
    if (**at)
        *(*at)++ = '\0';
    struct wire_value *items = &notation->items[notation->nitems];
    notation->nitems += count;
    assert_true(notation->nitems <= VALUES_MAX && count <= 16);
    memcpy(items, own, count * sizeof(*own));
    return wire_array(items, count);
}

static inline struct wire_value read_value(struct notation *notation, char **at)
{
    char word[64];
    static char words[256][64];
    static unsigned next;
    if (**at == '[' || **at == '{') {
        bool is_map = *(*at)++ == '{';
        struct wire_value value = read_items(notation, at);
        /* an array of keys and values in turn lies as the entries of a map do */
        return is_map ? wire_map((struct wire_entry *)value.as.items, value.count / 2) : value;
    }
    size_t length = strcspn(*at, ",]:}");
    assert_true(length < sizeof(word));
    memcpy(words[next % 256], *at, length);
    words[next % 256][length] = '\0';
    *at += length;
    return read_word(words[next++ % 256]);
}

/* "OP name=x timeout=0.5 keys=[a,b]" */
static inline struct wire_value read_message(struct notation *notation, const char *line)
{
    char *rest;
    uint32_t count = 1;
    notation->nitems = 0;
    snprintf(notation->text, sizeof(notation->text), "%s", line);
    char *word = strtok_r(notation->text, " ", &rest);
    notation->fields[0] = (struct wire_entry){wire_text("op"), wire_text(word)};
    while ((word = strtok_r(NULL, " ", &rest))) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        notation->fields[count].key = wire_text(word);
        notation->fields[count++].value = read_value(notation, &value);
    }
    return wire_map(notation->fields, count);
}

static inline void show_plain(struct text *text, struct wire_value value)
{
    bool is_map = value.kind == WIRE_MAP;
    switch (value.kind) {
    case WIRE_NIL:
        text_puts(text, "nil");
        break;
    case WIRE_BOOL:
        text_puts(text, value.as.boolean ? "true" : "false");
        break;
    case WIRE_INT:
        text_printf(text, "%lld", (long long)value.as.integer);
        break;
    case WIRE_FLOAT:
        text_printf(text, "%g", value.as.real);
        break;
    case WIRE_ARRAY:
    case WIRE_MAP:
        text_puts(text, is_map ? "{" : "[");
        for (uint32_t i = 0; i < value.count; i++) {
            text_puts(text, i ? ", " : "");
            if (is_map) {
                show_plain(text, value.as.entries[i].key);
                text_puts(text, ": ");
            }
            show_plain(text, is_map ? value.as.entries[i].value : value.as.items[i]);
        }
        text_puts(text, is_map ? "}" : "]");
        break;
    default:
        show_value(text, value);
        break;
    }
}

/* ---- the diary ---- */

static inline const char *person_name(const struct coord_asker *asker)
{
    return ((const struct person *)asker)->name;
}

static inline void show_key_of(struct text *text, const struct coord_instruction *instruction)
{
    text_puts(text, " ");
    show_value(text, wire_packed(instruction->key));
    text_puts(text, "\n");
}

static inline void show_instruction(struct scene *scene,
                                    const struct coord_instruction *instruction)
{
    struct text *text = &scene->story.diary;
    switch (instruction->kind) {
    case COORD_ANSWER:
        text_printf(text, "%s: ", person_name(instruction->asker));
        show_plain(text, instruction->value);
        text_puts(text, "\n");
        break;
    case COORD_RAISE:
        text_printf(text, "%s: %s: %s\n", person_name(instruction->asker), instruction->exception,
                    instruction->text);
        break;
    case COORD_TELL:
        text_printf(text, "client %u hears ", instruction->client);
        show_plain(text, instruction->value);
        text_puts(text, "\n");
        break;
    case COORD_DESIRE:
        text_printf(text, "client %u wants", instruction->client);
        show_key_of(text, instruction);
        break;
    case COORD_HOLD:
        text_printf(text, "%s holds", instruction->holder);
        show_key_of(text, instruction);
        break;
    case COORD_LET_GO:
        text_printf(text, "%s lets go of", instruction->holder);
        show_key_of(text, instruction);
        break;
    case COORD_DISMISS:
        text_printf(text, "%s leaves\n", instruction->holder);
        break;
    }
}

static inline dk_status take_event(struct scene *scene, struct coord_event event)
{
    dk_error err;
    event.now_us = scene->story.now_us;
    event.wall_s = 1000 + (double)event.now_us / 1e6;
    dk_status status = coord_step(scene->coord, &event, &scene->out);
    if (!coord_validate(scene->coord, &err))
        fail_msg("%s\nafter\n%s", err.message, scene->story.diary.data);
    for (size_t i = 0; i < scene->out.list.count && status == DK_OK; i++)
        show_instruction(scene, coord_instruction_at(&scene->out, i));
    coord_instructions_clear(&scene->out);
    return status;
}

/* ---- what happens ---- */

static inline struct person *person_of(struct scene *scene, const char *name)
{
    struct person *person = scene->people;
    while (*person->name && strcmp(person->name, name) != 0)
        person++;
    assert_true(person < scene->people + 16);
    snprintf(person->name, sizeof(person->name), "%s", name);
    return person;
}

static inline dk_status ask(struct scene *scene, const char *name, const char *line)
{
    struct notation notation;
    struct wire_value message = read_message(&notation, line);
    struct person *person = person_of(scene, name);
    assert_null(person->asker.waiting);
    return take_event(scene, (struct coord_event){
                                 .kind = COORD_ASK, .asker = &person->asker, .message = &message});
}

static inline dk_status say(struct scene *scene, uint32_t client, const char *line)
{
    struct notation notation;
    struct wire_value message = read_message(&notation, line);
    return take_event(
        scene, (struct coord_event){.kind = COORD_SAY, .client = client, .message = &message});
}

static inline void lose(struct scene *scene, const char *name)
{
    take_event(scene,
               (struct coord_event){.kind = COORD_GONE, .asker = &person_of(scene, name)->asker});
}

static inline void lose_client(struct scene *scene, uint32_t client)
{
    take_event(scene, (struct coord_event){.kind = COORD_CLIENT_GONE, .client = client});
}

/* Time passes, with ticks when they are wanted and at the end. */
static inline void wait_for(struct scene *scene, double seconds)
{
    int64_t end_us = scene->story.now_us + (int64_t)(seconds * 1e6);
    while (coord_deadline_us(scene->coord) <= end_us) {
        scene->story.now_us = coord_deadline_us(scene->coord);
        take_event(scene, (struct coord_event){.kind = COORD_TICK});
    }
    scene->story.now_us = end_us;
}

/* The scheduler comes to know tasks. */
static inline void know(struct scene *scene, const char *names)
{
    say_keys(&scene->story, SCHED_CLIENT_DESIRES, 0, names);
    if (coord_awaits_tasks(scene->coord))
        take_event(scene, (struct coord_event){.kind = COORD_TASKS_CHANGED});
}

static inline void expect(struct scene *scene, const char *expected)
{
    expect_diary(&scene->story, expected);
}

static inline void begin_scene(struct scene *scene)
{
    *scene = (struct scene){0};
    begin_story(&scene->story, NULL);
    expect_diary(&scene->story, "");
    scene->coord = coord_new(scene->story.memory, scene->story.sched);
    coord_instructions_init(&scene->out, scene->story.memory);
}

static inline void end_scene(struct scene *scene)
{
    coord_free(scene->coord);
    coord_instructions_deinit(&scene->out);
    end_story(&scene->story);
}

#endif
