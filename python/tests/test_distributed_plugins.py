"""What a client has on all workers beside their tasks: files that it uploads, and plug-ins."""
import os
import sys
import zipfile

import pytest
from tree import BUILD
from test_distributed import commands, scheduler_file  # noqa: F401

from cdask.distributed import Client, LocalCluster, WorkerPlugin, get_worker


@pytest.fixture
def cluster():
    with LocalCluster(n_workers=2, threads_per_worker=1) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with Client(cluster) as client:
        yield client


def answer():
    import uploaded
    return uploaded.ANSWER


def written(path, value):
    path.write_text(f"ANSWER = {value}\n")
    return path


def test_upload_file(cluster, client, tmp_path):
    """Workers import it: those that are there, at once, and those that come later; uploaded again, anew."""
    answers = client.upload_file(written(tmp_path / "uploaded.py", 42))
    assert sorted(answers) == sorted(client.nthreads())
    assert client.submit(answer).result() == 42 and set(client.run(answer).values()) == {42}
    client.upload_file(str(written(tmp_path / "uploaded.py", 1234)))
    assert set(client.run(answer).values()) == {1234}
    cluster.scale(3)
    client.wait_for_workers(3)
    assert list(client.run(answer).values()) == [1234] * 3


def test_where_it_is(client, tmp_path):
    """In a folder of the worker's own, which goes with it."""
    def where(dask_worker):
        import uploaded
        return dask_worker.local_directory, uploaded.__file__
    client.upload_file(written(tmp_path / "uploaded.py", 1))
    found = list(client.run(where).values())
    assert len(set(found)) == 2
    assert all(file == os.path.join(folder, "uploaded.py") and os.path.exists(file) for folder, file in found)
    assert client.submit(lambda: get_worker().local_directory).result() in dict(found)
    client.shutdown()
    assert not any(os.path.exists(folder) for folder, _ in found)


def test_upload_archive(client, tmp_path):
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("uploaded.py", "ANSWER = 7\n")
    client.upload_file(path)
    assert set(client.run(answer).values()) == {7}


def test_what_cannot_be_uploaded(client, tmp_path):
    """What importing it raises is raised here; without load nobody imports it."""
    path = tmp_path / "uploaded.py"
    path.write_text("raise LookupError('not today')\n")
    with pytest.raises(LookupError, match="not today"):
        client.upload_file(path)
    client.upload_file(path, load=False)
    with pytest.raises(FileNotFoundError):
        client.upload_file(tmp_path / "missing.py")
    with pytest.raises(RuntimeError, match="tasks.so: file too short"):
        (tmp_path / "tasks.so").write_bytes(b"no library")
        client.upload_file(tmp_path / "tasks.so")
    client.upload_file(BUILD / "tests/programs/libtest_tasks.so")


class Mark(WorkerPlugin):
    def __init__(self, value):
        self.value = value

    def setup(self, worker):
        worker.marks = [*getattr(worker, "marks", []), self.value]

    async def teardown(self, worker):
        worker.marks.remove(self.value)


def test_plugins(client):
    """They come and go; one comes in the place of another of its name."""
    def marks(dask_worker):
        return getattr(dask_worker, "marks", [])
    client.register_plugin(Mark(1), name="mark")
    client.register_plugin(Mark(2), name="other")
    client.register_plugin(Mark(3), name="mark")
    client.register_plugin(Mark(4), name="mark", idempotent=True)
    assert list(client.run(marks).values()) == [[2, 3]] * 2
    client.unregister_worker_plugin("other")
    assert list(client.run(marks).values()) == [[3]] * 2
    with pytest.raises(ValueError, match="no plugin of that name"):
        client.unregister_worker_plugin("other")
    with pytest.raises(TypeError, match="no plug-in"):
        client.register_plugin(3)


def test_on_dask_scheduler(commands, tmp_path):  # noqa: F811
    """Dask's scheduler passes it on: to its Python workers, and to ours."""
    commands(sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
             "--scheduler-file", tmp_path / "s")
    file = scheduler_file(tmp_path / "s")
    commands(sys.executable, "-m", "dask", "worker", "--scheduler-file", file, "--no-dashboard", "--nthreads", "1",
             "--local-directory", tmp_path)
    commands(sys.executable, "-m", "cdask", "worker", "--scheduler-file", file, "--nthreads", "1")
    with Client(scheduler_file=file) as client:
        client.wait_for_workers(2, timeout=60)
        client.upload_file(written(tmp_path / "uploaded.py", 5))
        assert list(client.run(lambda: __import__("uploaded").ANSWER).values()) == [5, 5]
