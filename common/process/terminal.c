#include "common/process/terminal.h"

#include <unistd.h>

bool terminal_pass(pid_t from, pid_t to)
{
    return tcgetpgrp(STDIN_FILENO) == from && tcsetpgrp(STDIN_FILENO, to) == 0;
}
