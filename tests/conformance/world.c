#include "tests/conformance/world.h"

#include <ctype.h>
#include <stdlib.h>

#include "tests/model/shared.h"

#define MODEL_INDEX 100 /* so that it is not the real one by chance */

void world_begin(struct world *world, bool alone, uint64_t session_ttl_min_ns)
{
    memset(world, 0, sizeof *world);
    world->model = consul_model_new(MODEL_INDEX, session_ttl_min_ns);
    world->alone = alone;
}

void world_end(struct world *world)
{
    consul_model_free(world->model);
    free(world->pairs);
    memset(world, 0, sizeof *world);
}

/* The first pair whose model's index is not below. */
static size_t place_of(const struct world *world, uint64_t model)
{
    size_t low = 0, high = world->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (world->pairs[middle].model < model)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool complain(struct text *difference, const char *what, struct index_pair pair,
                     struct index_pair other)
{
    text_add_format(difference,
                    "%s: Consul %llu, model %llu, where %llu was the model's %llu before\n", what,
                    (unsigned long long)pair.real, (unsigned long long)pair.model,
                    (unsigned long long)other.real, (unsigned long long)other.model);
    return false;
}

/* Whether the pair stands in the order of all the others; then it is one of them. */
static bool pair_fits(struct world *world, struct index_pair pair, const char *what,
                      struct text *difference)
{
    static const struct index_pair none;
    size_t at = place_of(world, pair.model);
    bool known = at < world->count && world->pairs[at].model == pair.model;

    if (index_is_constant(pair.real) || index_is_constant(pair.model))
        return pair.real == pair.model || complain(difference, what, pair, none);
    if (known && world->pairs[at].real != pair.real)
        return complain(difference, what, pair, world->pairs[at]);
    if (!known && at > 0 && world->pairs[at - 1].real >= pair.real)
        return complain(difference, what, pair, world->pairs[at - 1]);
    if (!known && at < world->count && world->pairs[at].real <= pair.real)
        return complain(difference, what, pair, world->pairs[at]);
    if (known)
        return true;
    world->pairs = array_grow(world->pairs, world->count, &world->room, sizeof *world->pairs);
    memmove(world->pairs + at + 1, world->pairs + at, (world->count - at) * sizeof *world->pairs);
    world->pairs[at] = pair;
    world->count++;
    return true;
}

/* Others write to the table as well: it is at least what the model knows of. */
static bool table_fits(const struct world *world, struct index_pair pair, struct text *difference)
{
    size_t behind = place_of(world, pair.model + 1);

    if (pair.real == 0 || pair.model == 0)
        return pair.real == pair.model || complain(difference, "header", pair, pair);
    if (behind == 0 || world->pairs[behind - 1].real <= pair.real)
        return true;
    return complain(difference, "header of a table", pair, world->pairs[behind - 1]);
}

/* --- Bodies. --- */

static bool ends_with(const char *begin, const char *at, const char *text)
{
    size_t length = strlen(text);

    return (size_t)(at - begin) >= length && memcmp(at - length, text, length) == 0;
}

static bool is_index(const char *begin, const char *at)
{
    static const char *const before[] = { "\"CreateIndex\":", "\"ModifyIndex\":",
                                          "current modify index ", " != " };

    for (size_t i = 0; isdigit((unsigned char)*at) && i < sizeof before / sizeof *before; i++)
        if (ends_with(begin, at, before[i]))
            return true;
    return false;
}

/* Both in step, from index to index. */
static bool bodies_fit(struct world *world, const char *real, const char *model, world_shown shown,
                       void *context, struct text *difference)
{
    const char *begin = model, *key = NULL;
    size_t key_length = 0;

    while (*real == *model || is_index(begin, model)) {
        if (ends_with(begin, model, "\"Key\":\"")) {
            key = model;
            key_length = strcspn(key, "\"");
        }
        if (is_index(begin, model)) {
            bool modified = ends_with(begin, model, "\"ModifyIndex\":");
            struct index_pair pair = { .real = strtoull(real, (char **)&real, 10),
                                       .model = strtoull(model, (char **)&model, 10) };
            if (!pair_fits(world, pair, "index", difference))
                return false;
            if (key && modified)
                shown(context, key, key_length, pair);
            continue;
        }
        if (*real == '\0')
            return true;
        real++;
        model++;
    }
    text_add_format(difference, "bodies differ at byte %zu\n", (size_t)(model - begin));
    return false;
}

bool world_compare(struct world *world, const struct wire_answer *real,
                   const struct consul_answer *model, bool of_table, world_shown shown,
                   void *context, struct text *difference)
{
    struct index_pair header = { .real = real->index, .model = model->index };

    if (real->status != model->status) {
        text_add_format(difference, "status: Consul %d, model %d\n", real->status, model->status);
        return false;
    }
    if (!bodies_fit(world, real->body.bytes, model->body, shown, context, difference))
        return false;
    if (of_table && !world->alone)
        return table_fits(world, header, difference);
    return pair_fits(world, header, "header", difference);
}
