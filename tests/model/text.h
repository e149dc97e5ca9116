/* text.h - text that grows, and the ways in which Go, so Consul, writes things. */
#ifndef MODEL_TEXT_H
#define MODEL_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Zeroed: empty, with no memory of its own; `bytes` ends with a NUL after the first addition. */
struct text {
    char *bytes;
    size_t length, room;
};

void text_end(struct text *text);

/* Empty again; keeps its memory. */
void text_clear(struct text *text);

/* Room for so many more bytes and a NUL. */
char *text_reserve(struct text *text, size_t length);

void text_add_bytes(struct text *text, const char *bytes, size_t length);
void text_add_number(struct text *text, uint64_t number);
void text_add_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void text_add(struct text *text, const char *string)
{
    text_add_bytes(text, string, strlen(string));
}

/* As encoding/json writes a string, with the quotes; `<`, `>` and `&` are escaped as well. */
void text_add_json(struct text *text, const char *string);

/* As fmt's %q writes it, with the quotes. */
void text_add_quoted(struct text *text, const char *string);

/* As encoding/json writes bytes: base64 with padding, without quotes. */
void text_add_base64(struct text *text, const char *bytes, size_t length);

#endif
