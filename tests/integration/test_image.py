"""The image that `make image` builds, copied into images that have nothing, or another C library."""
import os
import re
import shutil
import subprocess

import pytest

from container import Container, docker, new_name
from images import HOME, compile_program, copied, our_image
from instance import BUILD
from trio import FAST, KEY

PROGRAM = os.path.join(HOME, "bin/consul-leader")

pytestmark = pytest.mark.plain


@pytest.fixture(scope="module")
def ours():
    with our_image() as name:
        yield name


@pytest.fixture
def foreign(world, ours, request):
    """An image with a program of its own, into which ours was copied."""
    folder = world.path("context")
    os.mkdir(folder)
    if request.param == "nothing":
        compile_program(folder, "gcc", "-static")
    else:
        headers = subprocess.run(["readelf", "-l", compile_program(folder, "musl-gcc")], check=True, stdout=subprocess.PIPE,
                                 text=True).stdout
        loader = re.search(r"interpreter: (\S+)]", headers).group(1)
        os.mkdir(os.path.join(folder, "lib"))
        shutil.copy(os.path.realpath(loader), os.path.join(folder, loader.lstrip("/")))
    with copied(ours, folder, new_name()) as name:
        yield name


@pytest.mark.parametrize("foreign", ["nothing", "musl"], indirect=True)
def test_it_leads_in_an_image_of_another_kind(world, foreign):
    consul = world.consul().start().wait().servers[0]
    os.chmod(consul.socket, 0o666)
    one = Container(foreign, ["--user", "65534:65534", "--cap-drop", "ALL", "--read-only"], world.folder,
                    {"TEST_NAME": "one", "TEST_EVENTS": world.events.path, "CONSUL_HTTP_ADDR": "unix://" + consul.socket},
                    ["--service", "redis", "--tag-service", "none", *FAST, "--mode", "leader-only", "--", "/program", "run",
                     "--status", "7"], PROGRAM)
    try:
        one.wait_for_line("leading key=", 10)
        world.events.wait("start", 5)
        assert consul.holder(KEY)
        status, _ = one.stop()
        assert status == 7
        assert not consul.holder(KEY)
    finally:
        one.close()


def test_what_is_in_it(ours):
    """Our programs, the loader, and each library that one of them needs; nothing of it looks elsewhere."""
    root = os.path.join(BUILD, "image", "root")
    files = {os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names}
    libraries = {os.path.basename(path) for path in files if path.startswith(HOME[1:] + "/lib/")}
    assert files - {f"{HOME[1:]}/lib/{name}" for name in libraries} == {f"{HOME[1:]}/bin/{name}" for name in (
        "consul-leader", "consul-leader-network")}
    needed = set()
    for path in files:
        text = subprocess.run(["readelf", "-d", os.path.join(root, path)], check=True, stdout=subprocess.PIPE, text=True).stdout
        needed |= set(re.findall(r"NEEDED.*\[(.*)\]", text))
        if "/bin/" in path:
            assert f"[{HOME}/lib]" in text
    assert needed | {name for name in libraries if name.startswith("ld-")} == libraries
    assert int(docker("image", "inspect", "--format", "{{.Size}}", ours)) < 30_000_000
