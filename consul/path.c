#include "consul/path.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/scope.h"

/* RFC 3986, unreserved characters. */
static bool stays(unsigned char character, const char *also)
{
    return character < 128 && character != '\0' &&
           (isalnum(character) || strchr("-._~", character) || strchr(also, character));
}

static char *escape(const char *name, const char *also)
{
    char *text = memory_new(3 * strlen(name) + 1);
    char *end = text;

    for (; *name; name++)
        if (stays((unsigned char)*name, also))
            *end++ = *name;
        else
            end += sprintf(end, "%%%02X", (unsigned char)*name);
    return text;
}

static char *path_of(const char *prefix, const char *name, const char *also, const char *query)
{
    AUTO_FREE char *escaped = escape(name, also);

    return memory_text("%s%s%s%s", prefix, escaped, query[0] ? "?" : "", query);
}

char *path_key(const char *key, const char *query)
{
    return path_of("/v1/kv/", key, "/", query);
}

char *path_name(const char *prefix, const char *name, const char *query)
{
    return path_of(prefix, name, "", query);
}
