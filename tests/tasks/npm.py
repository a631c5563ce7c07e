"""Servers from npm that tests talk to; where one cannot be had the test skips and says why."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.newman.find import NewmanUnavailable, Node, find_node
from tasks.newman.install import npm_package


def node() -> Node:
    """Answer the Node of this machine."""
    found = find_node(os.environ)
    if found is None:
        pytest.skip("there is no Node on this machine")
    return found


def package(name: str, version: str) -> Path:
    """Answer the folder of an npm package, installed into our cache at first use."""
    try:
        return npm_package(name, version, node(), os.environ, print)
    except NewmanUnavailable as error:
        pytest.skip(str(error))


FIRESTORE = """
const folder = process.argv[1];
const { FirestoreServer } = require(folder);
const grpc = require(require.resolve('@grpc/grpc-js', { paths: [folder] }));
const it = new FirestoreServer();
const open = grpc.ServerCredentials.createInsecure();
it.server.bindAsync('127.0.0.1:0', open, (error, port) => console.log(error || port));
process.stdin.on('end', () => process.exit(0)).resume();
"""
"""Its own `start` binds every interface, so we bind loopback ourselves; it ends when we close its stdin."""


@contextmanager
def firestore() -> Iterator[str]:
    """Run the Firestore emulator of npm on loopback; gives its host and port."""
    folder = package("@firestore-emulator/server", "0.3.15")
    command = [node().executable, "-e", FIRESTORE, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield f"127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()
        process.wait(timeout=10)
