"""The packaged hosts' entry: a process that holds sessions, or one that receives webhooks. It never loads Qt."""

import sys


def main() -> None:
    match sys.argv[1:2]:
        case ["--session-host"]:
            from app.providers.whatsapp_web.host.__main__ import main as serve
        case ["--webhooks-host"]:
            from app.providers.webhooks.host.__main__ import main as serve
        case _:
            sys.exit("conecta-host is started by Conecta, with --session-host or --webhooks-host.")
    serve()


main()
