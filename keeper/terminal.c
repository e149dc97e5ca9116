#include "keeper/terminal.h"

#include <unistd.h>

bool terminal_belongs_to(pid_t group)
{
    return tcgetpgrp(STDIN_FILENO) == group;
}

void terminal_give(pid_t group)
{
    tcsetpgrp(STDIN_FILENO, group);
}
