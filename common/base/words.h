/* words.h - a hook's text as the argument list of a program, without a shell.
 *
 * Words are separated by blanks and newlines. Quotes and backslashes mean what they mean to a
 * POSIX shell (Shell Command Language, 2.2 Quoting); nothing else does: `$HOME`, `*`, `|`, `;`
 * and `#` are themselves.
 */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include "common/base/error.h"

/* Splits the text into a NULL-terminated list of at least one word, in one piece of memory: the
 * caller's, free(*words) ends it all. -1: a quote that is not closed, a backslash with nothing
 * behind it, no word at all, no memory; *words is NULL then.
 */
int words_split(const char *text, char ***words, struct error *err);

#endif
