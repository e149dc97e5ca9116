#include "common/base/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Where the text is read and its words are written. */
struct splitting {
    const char *in;
    char *out;
};

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\n' || character == '\r';
}

/* Copies up to the closing quote; false: there is none. */
static bool copy_single_quoted(struct splitting *splitting)
{
    for (splitting->in++; *splitting->in != '\''; splitting->in++) {
        if (*splitting->in == '\0')
            return false;
        *splitting->out++ = *splitting->in;
    }
    splitting->in++;
    return true;
}

/* Within double quotes a backslash is itself but before these. */
static bool copy_double_quoted(struct splitting *splitting)
{
    for (splitting->in++; *splitting->in != '"'; splitting->in++) {
        if (*splitting->in == '\\' && splitting->in[1] && strchr("$`\"\\\n", splitting->in[1])) {
            splitting->in++;
            if (*splitting->in == '\n') /* the line goes on */
                continue;
        }
        if (*splitting->in == '\0')
            return false;
        *splitting->out++ = *splitting->in;
    }
    splitting->in++;
    return true;
}

static bool copy_escaped(struct splitting *splitting)
{
    splitting->in++;
    if (*splitting->in == '\0')
        return false;
    if (*splitting->in != '\n')
        *splitting->out++ = *splitting->in;
    splitting->in++;
    return true;
}

/* Copies one word and ends it; what is wrong with it, or NULL. */
static const char *copy_word(struct splitting *splitting)
{
    while (*splitting->in && !is_blank(*splitting->in)) {
        if (*splitting->in == '\'') {
            if (!copy_single_quoted(splitting))
                return "has a single quote that is not closed";
        } else if (*splitting->in == '"') {
            if (!copy_double_quoted(splitting))
                return "has a double quote that is not closed";
        } else if (*splitting->in == '\\') {
            if (!copy_escaped(splitting))
                return "ends in a backslash";
        } else {
            *splitting->out++ = *splitting->in++;
        }
    }
    *splitting->out++ = '\0';
    return NULL;
}

/* Moves to the next word. A backslash before a newline joins lines and begins no word. */
static bool skip_blanks(struct splitting *splitting)
{
    for (;;) {
        if (is_blank(*splitting->in))
            splitting->in++;
        else if (splitting->in[0] == '\\' && splitting->in[1] == '\n')
            splitting->in += 2;
        else
            return *splitting->in != '\0';
    }
}

int words_split(const char *text, char ***words, struct error *err)
{
    /* Every word but the last has a blank behind it: so many words, and no longer than the text
     * with its end. */
    size_t length = strlen(text);
    size_t most_words = length / 2 + 1;
    char **list = malloc((most_words + 1) * sizeof *list + length + 1);
    size_t count = 0;

    *words = NULL;
    if (!list)
        return error_set(err, "out of memory");

    struct splitting splitting = { .in = text, .out = (char *)(list + most_words + 1) };
    while (skip_blanks(&splitting)) {
        list[count++] = splitting.out;

        const char *problem = copy_word(&splitting);
        if (problem) {
            free(list);
            return error_set(err, "\"%.200s\" %s", text, problem);
        }
    }
    if (count == 0) {
        free(list);
        return error_set(err, "\"%.200s\" has no word in it (expected a command)", text);
    }
    list[count] = NULL;
    *words = list;
    return 0;
}
