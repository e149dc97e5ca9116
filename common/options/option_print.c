#include <ctype.h>
#include <string.h>

#include "common/options/option_table.h"
#include "common/options/options.h"

#define HELP_WIDTH  79
#define HELP_INDENT 6

/* What holds when the option is not given, in words. */
static const char *default_words(const struct option *option)
{
    if (option->default_text)
        return option->default_text;
    return option->default_value ? option->default_value : "none";
}

/* Whether there is a default to speak of. */
static bool has_default(const struct option *option)
{
    return option->parse != NULL;
}

/* Writes words with blanks between them, from the column on, in lines of the help's width. */
static int print_wrapped(FILE *out, int column, const char *text)
{
    while (*text) {
        int length = (int)strcspn(text, " ");

        if (column + 1 + length > HELP_WIDTH && column > HELP_INDENT) {
            fprintf(out, "\n%*s", HELP_INDENT, "");
            column = HELP_INDENT;
        } else if (column > HELP_INDENT) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", length, text);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    return column;
}

/* The meaning and the default, below the name. */
static void print_help_text(FILE *out, const struct option *option)
{
    int column;

    fprintf(out, "%*s", HELP_INDENT, "");
    column = print_wrapped(out, HELP_INDENT, option->meaning);
    if (has_default(option)) {
        char words[512];

        snprintf(words, sizeof words, "(default: %s)", default_words(option));
        print_wrapped(out, column, words);
    }
    fputc('\n', out);
}

void options_print_help(FILE *out)
{
    fputs("Usage: consul-leader [OPTION...] -- COMMAND [ARG...]   supervise COMMAND\n"
          "       consul-leader [OPTION...]                       sidecar\n"
          "\n"
          "Elects one leader among all instances and tells the program when it becomes\n"
          "leader and when it stops being one. Every option can also be set by a variable\n"
          "(" OPTION_VARIABLE_PREFIX "TTL for --ttl) and in the file of --config.\n",
          out);
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const struct option *option = &option_table[id];

        if (!option->name)
            continue;
        fprintf(out, "\n  --%s%s%s\n", option->name, option->placeholder ? " " : "",
                option->placeholder ? option->placeholder : "");
        print_help_text(out, option);
    }
    fputs("\nOf the environment alone, above all secrets:\n", out);
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const struct option *option = &option_table[id];

        if (option->name)
            continue;
        fprintf(out, "\n  %s\n", option->variables[0]);
        print_help_text(out, option);
    }
}

/* Text as roff takes it as it is. */
static void print_roff(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
    }
}

/* A sentence: the meaning with a capital and its full stop. */
static void print_roff_sentence(FILE *out, const char *text)
{
    fputc(toupper((unsigned char)*text), out);
    print_roff(out, text + 1);
    fputs(".\n", out);
}

static void print_roff_default(FILE *out, const struct option *option)
{
    fputs("Default: ", out);
    print_roff(out, default_words(option));
    fputs(".\n", out);
}

/* The other variables that an option has, from the one on that is given. */
static void print_roff_variables(FILE *out, const struct option *option, size_t first)
{
    if (!option->variables[first])
        return;
    fputs("Also ", out);
    for (size_t i = first; option->variables[i]; i++)
        fprintf(out, "%s\\fB%s\\fR", i > first ? ", " : "", option->variables[i]);
    fputs(".\n", out);
}

void options_print_manual(FILE *out)
{
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const struct option *option = &option_table[id];

        if (!option->name)
            continue;
        fputs(".TP\n\\fB\\-\\-", out);
        print_roff(out, option->name);
        fputs("\\fR", out);
        if (option->placeholder)
            fprintf(out, " \\fI%s\\fR", option->placeholder);
        fputc('\n', out);
        print_roff_sentence(out, option->meaning);
        if (has_default(option))
            print_roff_default(out, option);
        print_roff_variables(out, option, 0);
    }
}

void options_print_manual_variables(FILE *out)
{
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const struct option *option = &option_table[id];

        if (option->name)
            continue;
        fprintf(out, ".TP\n\\fB%s\\fR\n", option->variables[0]);
        print_roff_sentence(out, option->meaning);
        if (option->default_value)
            print_roff_default(out, option);
        print_roff_variables(out, option, 1);
    }
}

/* Text within a cell of a table. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("|*_<>", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

void options_print_markdown(FILE *out)
{
    fputs("| option | default | meaning |\n|---|---|---|\n", out);
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const struct option *option = &option_table[id];

        if (!option->name)
            continue;
        fprintf(out, "| `--%s%s%s` | ", option->name, option->placeholder ? " " : "",
                option->placeholder ? option->placeholder : "");
        if (has_default(option))
            print_cell(out, default_words(option));
        fputs(" | ", out);
        print_cell(out, option->meaning);
        fputs(" |\n", out);
    }
}
