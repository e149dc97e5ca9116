#include "keeper/command.h"

#include "common/base/scope.h"
#include "common/base/words.h"
#include "keeper/environment.h"

int command_spawn(const struct command *command, int output_fd, struct child *child,
                  struct error *err)
{
    static struct environment environment;
    AUTO_FREE char **words = NULL;

    if (words_split(command->text, &words, err) < 0)
        return -1;
    const struct environment_extra extra = {
        .lease_path = command->lease_path,
        .program = command->program,
        .ack_fd = -1,
    };
    environment_build(&environment, command->settings, command->user, command->situation, &extra);
    struct child_spec spec = {
        .argv = words,
        .environment = environment.variables,
        .user = command->user,
        .signals = command->signals,
        .directory = command->directory,
        .may_set_uid = command->settings->allow_setuid,
        .is_hook = true,
        .output_fd = output_fd,
        .private_fd = command->private_fd,
        .ack_fd = -1,
    };
    return child_spawn(child, &spec, err);
}
