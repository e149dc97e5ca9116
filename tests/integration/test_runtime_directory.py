"""The folders that we make for ourselves: where, and whose they have to be."""
import glob
import os
import stat

import pytest

from instance import program
from network import own_mounts

ELSEWHERE = {"RUNTIME_DIRECTORY": ""}
NOBODY = 65534


def as_nobody(world, name, prepare):
    """Started by nobody, with a /dev/shm of its own, and nothing else to write to."""
    world.lock = world.path("said", "lock")
    shell = f"mount -t tmpfs -o mode=1777 none /dev/shm && {prepare} && exec setpriv --reuid={NOBODY} --clear-groups \"$@\""
    enter = ["unshare", *own_mounts(), "sh", "-c", shell, "sh"]
    return world.file(name, "--instance", "web-1", command=program(), enter=enter, environment=ELSEWHERE)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_anothers_folder_in_dev_shm_is_refused(world):
    """Whoever owns it could put his own files in the place of ours."""
    other = as_nobody(world, "other", f"install -d -m 777 -o 1 /dev/shm/consul-leader-{NOBODY}")
    other.wait_for_line(f"warn no place lock.*/dev/shm/consul-leader-{NOBODY} belongs to user 1", 5)
    own = as_nobody(world, "own", "true")
    own.wait_for_line("leading|follower", 5)
    assert not own.matching("no place lock")


def test_folders_can_be_gone_through_whatever_the_umask(world):
    runtime = os.path.join(world.runtime, "made")
    world.file("one", "--instance", "web-1", command=program(), environment={"RUNTIME_DIRECTORY": runtime},
               umask=0o077).wait_for_line("leading", 5)
    for folder in [runtime, *glob.glob(runtime + "/place-*")]:
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o711, folder
