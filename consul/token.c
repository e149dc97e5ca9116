#include "consul/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/scope.h"

static bool same_file(const struct stat *one, const struct stat *other)
{
    return one->st_ino == other->st_ino && one->st_dev == other->st_dev &&
           one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
           one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

/* A token is one word; what surrounds it is the editor's. */
static void take_word(char text[TOKEN_SIZE], char *read)
{
    const char *word = read + strspn(read, " \t\r\n");

    snprintf(text, TOKEN_SIZE, "%.*s", (int)strcspn(word, " \t\r\n"), word);
}

/* O_NONBLOCK: a FIFO in its place must not stop the loop. */
static int token_read(struct token *token, struct error *err)
{
    char content[TOKEN_SIZE] = "";
    AUTO_CLOSE int fd = open(token->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &token->stamp) != 0)
        return error_errno(err, "cannot read the token file %s", token->file);
    ssize_t length = read(fd, content, sizeof content);
    if (length < 0)
        return error_errno(err, "cannot read the token file %s", token->file);
    if (length == sizeof content)
        return error_set(err, "the token file %s holds more than a token", token->file);

    take_word(token->text, content);
    if (token->text[0] == '\0')
        strcpy(token->text, token->fallback);
    return 0;
}

int token_open(struct token *token, const struct settings *settings, struct error *err)
{
    memset(token, 0, sizeof *token);
    _Static_assert(sizeof token->text == sizeof settings->token &&
                       sizeof token->fallback == sizeof settings->token &&
                       sizeof token->file == sizeof settings->token_file,
                   "they fit");
    strcpy(token->text, settings->token);
    strcpy(token->fallback, settings->token);
    strcpy(token->file, settings->token_file);
    return token->file[0] != '\0' ? token_read(token, err) : 0;
}

const char *token_current(struct token *token)
{
    uint64_t now = clock_now_ns();
    struct stat present;
    struct error err;

    if (token->file[0] == '\0' || now < token->checked_ns + SECONDS(1))
        return token->text;
    token->checked_ns = now;
    if (stat(token->file, &present) == 0 && same_file(&present, &token->stamp))
        return token->text;

    if (token_read(token, &err) == 0)
        token->complained = false;
    else if (!token->complained) {
        log_warn("the last token is kept: %s", err.text);
        token->complained = true;
    }
    return token->text;
}

void token_refused(struct token *token)
{
    memset(&token->stamp, 0, sizeof token->stamp);
    token->checked_ns = 0;
}
