/* shared.h - blocks of memory that several owners hold and nobody changes, and lists of them.
 *
 * They make a clone of the model cheap: it holds the same blocks. The counts are plain numbers, so
 * that a model and its clones belong to one thread.
 */
#ifndef MODEL_SHARED_H
#define MODEL_SHARED_H

#include <stddef.h>

/* Zeroed, with one owner. */
void *shared_new(size_t size);

/* The text in a block of its own. */
char *shared_text(const char *text);

/* One more owner; gives the block. */
void *shared_keep(void *block);

/* One owner less; the last one frees it. */
void shared_drop(void *block);

/* Each item is held once by the list. Zeroed: empty. */
struct shared_list {
    void **items;
    size_t count, room;
};

/* The list takes over the caller's hold of the item. */
void shared_list_insert(struct shared_list *list, size_t at, void *item);
void shared_list_replace(struct shared_list *list, size_t at, void *item);
void shared_list_remove(struct shared_list *list, size_t at, size_t count);

struct shared_list shared_list_copy(const struct shared_list *list);
void shared_list_end(struct shared_list *list);

/* Makes room for one more of `count` items of a plain array. */
void *array_grow(void *array, size_t count, size_t *room, size_t item_size);

#endif
