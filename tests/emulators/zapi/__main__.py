"""Z-API on this computer, by itself: ``python -m tests.emulators.zapi [port]``.

It makes one instance and prints what to type. Commands on standard input move it: ``scan 5511987654321``, ``drop``,
``unlink``, ``offline``, ``online``, ``bill``, ``paid``, ``queue 5511912345678 text``.
"""

from __future__ import annotations

import sys

from tests.emulators.serving import Served
from tests.emulators.zapi.emulator import ZapiEmulator
from tests.emulators.zapi.instance import Instance


def _obey(instance: Instance, line: str) -> None:
    command, _, rest = line.strip().partition(" ")
    match command:
        case "scan":
            instance.scan(rest, instance.qr())
        case "drop" | "unlink":
            instance.drop(restorable=command == "drop")
        case "offline" | "online":
            instance.smartphone_online = command == "online"
        case "bill" | "paid":
            instance.paid = command == "paid"
        case "queue":
            instance.enqueue(*rest.split(" ", 1))
        case _:
            sys.stdout.write("scan, drop, unlink, offline, online, bill, paid, queue\n")


def main() -> None:
    emulator = ZapiEmulator()
    instance = emulator.add_instance()
    with Served(emulator, int(sys.argv[1]) if len(sys.argv) > 1 else 0) as served:
        sys.stdout.write(f"CONECTA_ZAPI_URL={served.url}\ninstance {instance.id}\ntoken {instance.token}\n")
        sys.stdout.flush()
        for line in sys.stdin:
            _obey(instance, line)


if __name__ == "__main__":
    main()
