/* options.h - what the operator asked for, from flags, the environment and a file.
 *
 * One table (option_table.c) defines every option; the parser, the help, the manual page and the
 * README's table come from it. A flag goes before the environment, that before the file, that
 * before the default; a value that is overridden so is not looked at. An option that is repeated:
 * the last one holds, but lists grow. An empty environment variable counts as unset.
 */
#ifndef OPTIONS_OPTIONS_H
#define OPTIONS_OPTIONS_H

#include <stdio.h>

#include "common/base/error.h"
#include "common/options/settings.h"

#ifndef CONSUL_LEADER_VERSION
#define CONSUL_LEADER_VERSION "0.1.0"
#endif

/* Fills all of *settings, checked and complete. *command: the words after `--`, NULL-terminated
 * and part of argv; NULL for a sidecar. May log warnings; settings hold no part of the
 * environment's memory.
 * 0: done. 1: help or version was printed, exit 0. -1: exit 64 with the text, one line that names
 * the option and where its value came from, the value, and what was expected.
 */
int options_parse(struct settings *settings, int argc, char **argv, char ***command,
                  struct error *err);

/* Whether the files that the settings and the command name are there and can be used, and --user
 * is known: to be called before anything is started. command: NULL for a sidecar.
 * 0, or the status to exit with, and the text: 127 the command is not found, 126 it cannot be
 * executed, 64 anything else.
 */
int options_check_files(const struct settings *settings, char **command, struct error *err);

/* What --help prints. */
void options_print_help(FILE *out);

/* The manual page's list of options (roff), and the list of the variables that are no options. */
void options_print_manual(FILE *out);
void options_print_manual_variables(FILE *out);

/* The README's table of options. */
void options_print_markdown(FILE *out);

#endif
