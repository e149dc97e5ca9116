"""Images that our own, from `make image`, is copied into."""
import contextlib
import os
import subprocess

from container import docker, new_name, remove
from instance import BUILD

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
HOME = "/opt/consul-leader"


@contextlib.contextmanager
def our_image():
    name = new_name()
    subprocess.run([os.path.join(ROOT, "image/build"), name], check=True, env=os.environ | {"BUILD": BUILD})
    try:
        yield name
    finally:
        remove(name)


def compile_program(folder, compiler, *options):
    """The test program, as `program` in a folder; returns its path."""
    path = os.path.join(folder, "program")
    subprocess.run([compiler, "-D_GNU_SOURCE", f"-I{ROOT}", *options, "-o", path,
                    os.path.join(ROOT, "tests/integration/program.c")], check=True)
    return path


@contextlib.contextmanager
def copied(ours, folder, name):
    """An image of what is in the folder, at its root, and of ours."""
    with open(os.path.join(folder, "Dockerfile"), "w") as file:
        file.write(f"FROM scratch\nCOPY . /\nCOPY --from={ours} {HOME} {HOME}\n")
    docker("build", "--quiet", "--tag", name, folder, env=os.environ | {"DOCKER_BUILDKIT": "0"}, stderr=subprocess.DEVNULL)
    try:
        yield name
    finally:
        remove(name)
