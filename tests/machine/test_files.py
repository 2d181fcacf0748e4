"""Files that are written while others read them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from duis_gateway.machine.files import put_whole


def test_whoever_reads_a_file_that_is_put_sees_all_of_it(tmp_path: Path) -> None:
    file, over = tmp_path / "file", threading.Event()
    contents = [bytes([letter]) * 100_000 for letter in b"ab"]
    put_whole(file, contents[0])

    def write() -> None:
        for number in range(400):
            put_whole(file, contents[number % 2])
        over.set()

    writers = [threading.Thread(target=write) for _ in range(2)]
    for one in writers:
        one.start()
    seen = {file.read_bytes()}
    while not over.is_set():
        seen.add(file.read_bytes())
    for one in writers:
        one.join()
    assert seen <= set(contents)
    assert list(tmp_path.iterdir()) == [file]


def test_what_cannot_be_put_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").touch()
    with pytest.raises(OSError, match="directory"):
        put_whole(tmp_path / "folder", b"new")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "kept"]
