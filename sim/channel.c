/* Letters on their way. */
#include <string.h>

#include "base/error.h"
#include "sim/cluster.h"
#include "sim/must.h"
#include "wire/pack.h"

static void put_letter(struct cluster *cluster, struct channel *channel, struct letter *letter,
                       struct occasion arrival, int64_t takes_us)
{
    arrival.at_us = cluster->now_us + takes_us;
    if (arrival.at_us < channel->last_at_us)
        arrival.at_us = channel->last_at_us;
    channel->last_at_us = arrival.at_us;
    if (channel->last)
        channel->last->next = letter;
    else
        channel->first = letter;
    channel->last = letter;
    agenda_put(&cluster->agenda, arrival);
}

static struct letter *make_letter(struct cluster *cluster, const void *bytes, size_t nbytes)
{
    struct letter *letter = must(memory_alloc(cluster->memory, sizeof(*letter) + nbytes));
    letter->next = NULL;
    letter->nbytes = nbytes;
    if (nbytes)
        memcpy(letter->bytes, bytes, nbytes);
    return letter;
}

struct letter *sim_pack_letter(struct cluster *cluster, const struct wire_value *message)
{
    cluster->packed.count = cluster->frames.count = 0;
    if (wire_pack(&cluster->packed, &cluster->frames, message, &cluster->err) != DK_OK)
        sim_fail(cluster, SIM_NO_KEY, "a message cannot be packed: %s", cluster->err.message);
    return make_letter(cluster, cluster->packed.data, cluster->packed.count);
}

void sim_post(struct cluster *cluster, struct channel *channel, const struct wire_value *message,
              struct occasion arrival, int64_t latency_us, double bandwidth)
{
    struct letter *letter = sim_pack_letter(cluster, message);
    int64_t takes_us = latency_us + (int64_t)((double)letter->nbytes / bandwidth * 1e6);
    put_letter(cluster, channel, letter, arrival, takes_us);
}

void sim_post_end(struct cluster *cluster, struct channel *channel, struct occasion arrival,
                  int64_t latency_us)
{
    put_letter(cluster, channel, make_letter(cluster, NULL, 0), arrival, latency_us);
}

struct letter *sim_take_letter(struct channel *channel)
{
    struct letter *letter = channel->first;
    if (!letter)
        return NULL;
    channel->first = letter->next;
    if (!channel->first)
        channel->last = NULL;
    return letter;
}

void sim_free_letter(struct cluster *cluster, struct letter *letter)
{
    memory_free(cluster->memory, letter, sizeof(*letter) + letter->nbytes);
}

void sim_clear_channel(struct cluster *cluster, struct channel *channel)
{
    for (struct letter *letter; (letter = sim_take_letter(channel));)
        sim_free_letter(cluster, letter);
}

void sim_tear_channel(struct cluster *cluster, struct channel *channel)
{
    struct channel torn = *channel;
    uint32_t count = 0;
    for (struct letter *letter = channel->first; letter; letter = letter->next)
        count++;
    uint32_t kept = chance_below(&cluster->chance, count + 1);
    channel->first = channel->last = NULL;
    for (struct letter *letter; (letter = sim_take_letter(&torn));) {
        if (kept) {
            kept--;
            letter->next = NULL;
            if (channel->last)
                channel->last->next = letter;
            else
                channel->first = letter;
            channel->last = letter;
            continue;
        }
        sim_clear_channel(cluster, &torn);
        sim_free_letter(cluster, letter);
    }
}

/* ---- noting ---- */

static void note_key(struct cluster *cluster, struct diary_line line, const struct wire_value *key,
                     struct wire_bytes what)
{
    if (key && key_pack(key, &cluster->scratch, NULL) == DK_OK)
        line.key =
            sim_number(cluster, (struct wire_bytes){cluster->scratch.data, cluster->scratch.count});
    diary_note(&cluster->diary, line, what);
}

void sim_note(struct cluster *cluster, char side, uint32_t who, const struct wire_value *message,
              const struct letter *letter)
{
    struct diary_line line = {
        .at_us = cluster->now_us, .who = who, .key = SIM_NO_KEY, .side = side};
    const struct wire_value *keys = wire_find(message, "keys");
    const struct wire_value *who_has = wire_find(message, "who_has");
    const struct wire_value *key = wire_find(message, "key");
    struct wire_bytes op = {"?", 1};
    (void)wire_read_text(wire_find(message, "op"), &op);
    (void)wire_read_int(wire_find(message, "run_id"), &line.number);
    diary_mix(&cluster->diary, letter->bytes, letter->nbytes);
    if (key || (!keys && !who_has))
        note_key(cluster, line, key, op);
    for (uint32_t i = 0; keys && keys->kind == WIRE_ARRAY && i < keys->count; i++)
        note_key(cluster, line, &keys->as.items[i], op);
    for (uint32_t i = 0; !key && who_has && i < who_has->count; i++) {
        line.number = who_has->as.entries[i].value.count;
        note_key(cluster, line, &who_has->as.entries[i].key, op);
    }
}
