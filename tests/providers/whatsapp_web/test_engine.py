"""The binding: what it is bound to, and what it reads and writes by hand."""

from __future__ import annotations

import contextlib
import importlib
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.providers.whatsapp_web.host.engine import (
    VERSION,
    Engine,
    device_addresses,
    device_properties,
    fields_of,
    library_path,
    messages,
    sqlite_uri_path,
)
from app.providers.whatsapp_web.host.event_mapping import Event


def test_it_is_made_for_the_version_that_is_installed() -> None:
    assert version("neonize") == VERSION
    assert library_path().is_file()


def test_a_host_loads_none_of_neonize_s_own_code_and_nothing_that_it_does_not_need() -> None:
    """Its package starts threads, needs libmagic and may download a library. Every megabyte counts in each host."""
    code = """
import sys
from app.providers.whatsapp_web.host import __main__, service
from app.providers.whatsapp_web.host.engine import Engine, messages
Engine(), messages()
unwanted = {"neonize", "magic", "requests", "asyncio", "socket", "selectors", "sqlalchemy", "PySide6"}
found = [name for name in sys.modules if name.partition(".")[0] in unwanted]
sys.stdout.write(",".join(found))
sys.stdout.flush()
import os; os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, check=True)
    assert done.stdout == b""


def test_the_library_still_has_every_function_that_is_bound() -> None:
    code = "from app.providers.whatsapp_web.host.engine import Engine; Engine(); import os; os._exit(0)"
    subprocess.run([sys.executable, "-c", code], timeout=30, check=True)
    assert Engine.__name__ == "Engine"  # not loaded here: a Go runtime would stay in the tests' process


@pytest.mark.parametrize("name", ["Conecta", "Mentoria São João", "", "x" * 300, "é" * 80])
def test_the_hand_written_message_is_the_library_s(name: str) -> None:
    messages()
    registration = importlib.import_module("waCompanionReg.WAWebProtobufsCompanionReg_pb2")
    read = registration.DeviceProps.FromString(device_properties(name))
    assert name.startswith(read.os)
    assert read.platformType == registration.DeviceProps.CHROME
    if len(name) < 50:
        assert read.os == name


@pytest.mark.parametrize("device", [0, 1, 47, 70_000])
def test_what_a_session_is_told_first_is_read_as_the_library_s_own_classes_read_it(device: int) -> None:
    pb = messages()
    number = pb.JID(
        User="5511987654321", RawAgent=0, Device=device, Integrator=0, Server="s.whatsapp.net", IsEmpty=False
    )
    lid = pb.JID(User="", RawAgent=0, Device=0, Integrator=0, Server="lid", IsEmpty=True)
    whole = pb.Device(JID=number, LID=lid, Platform="android", BussinessName="", PushName="Zoé", Initialized=True)
    by_number, by_lid = device_addresses(whole.SerializeToString())
    assert by_number.user == "5511987654321"
    assert by_number.text == f"5511987654321:{device}@s.whatsapp.net".replace(":0@", "@")
    assert (by_lid.user, by_lid.text) == ("", "")
    entry = pb.LogEntry(Message="olá " * 100, Level="WARN", Name="Client").SerializeToString()
    assert fields_of(entry) == {1: ("olá " * 100).encode(), 2: b"WARN", 3: b"Client"}


@given(st.binary(max_size=60))
def test_what_is_no_message_is_an_error_and_nothing_else(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        fields_of(data)


def test_event_codes_are_the_library_s() -> None:
    """Read in its source, which is not imported: neonize/events.py, EVENT_TO_INT."""
    source = (library_path().parent / "events.py").read_text()
    names = {
        "KEEPALIVE_TIMEOUT": "KeepAliveTimeoutEv",
        "KEEPALIVE_RESTORED": "KeepAliveRestoredEv",
        "DEVICE": "Device",
    }
    for event in Event:
        name = names.get(event.name, event.name.title().replace("_", "") + "Ev")
        assert f"{name}: {event.value}," in source, event


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("/home/ana/a b.db", "/home/ana/a%20b.db"),
        ("/home/#1/x?y%41.db", "/home/%231/x%3Fy%2541.db"),
        ("/home/são.db", "/home/s%C3%A3o.db"),
    ],
)
def test_a_path_is_no_uri_until_it_is_quoted(file: str, text: str) -> None:
    assert sqlite_uri_path(Path(file)) == text
