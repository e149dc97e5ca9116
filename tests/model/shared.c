#include "tests/model/shared.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

/* Stands before the block, which stays aligned for anything. */
union owners {
    size_t count;
    max_align_t alignment;
};

void *shared_new(size_t size)
{
    union owners *owners = memory_new(sizeof *owners + size);

    owners->count = 1;
    return owners + 1;
}

char *shared_text(const char *text)
{
    return strcpy(shared_new(strlen(text) + 1), text);
}

void *shared_keep(void *block)
{
    ((union owners *)block - 1)->count++;
    return block;
}

void shared_drop(void *block)
{
    if (block && --((union owners *)block - 1)->count == 0)
        free((union owners *)block - 1);
}

void *array_grow(void *array, size_t count, size_t *room, size_t item_size)
{
    if (count < *room)
        return array;
    *room = *room ? 2 * *room : 8;
    return memory_resize(array, *room * item_size);
}

void shared_list_insert(struct shared_list *list, size_t at, void *item)
{
    list->items = array_grow(list->items, list->count, &list->room, sizeof *list->items);
    memmove(list->items + at + 1, list->items + at, (list->count - at) * sizeof *list->items);
    list->items[at] = item;
    list->count++;
}

void shared_list_replace(struct shared_list *list, size_t at, void *item)
{
    shared_drop(list->items[at]);
    list->items[at] = item;
}

void shared_list_remove(struct shared_list *list, size_t at, size_t count)
{
    for (size_t i = at; i < at + count; i++)
        shared_drop(list->items[i]);
    list->count -= count;
    if (count > 0)
        memmove(list->items + at, list->items + at + count,
                (list->count - at) * sizeof *list->items);
}

struct shared_list shared_list_copy(const struct shared_list *list)
{
    struct shared_list copy = { .count = list->count, .room = list->count };

    if (list->count == 0)
        return copy;
    copy.items = memory_resize(NULL, list->count * sizeof *list->items);
    for (size_t i = 0; i < list->count; i++)
        copy.items[i] = shared_keep(list->items[i]);
    return copy;
}

void shared_list_end(struct shared_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        shared_drop(list->items[i]);
    free(list->items);
    memset(list, 0, sizeof *list);
}
