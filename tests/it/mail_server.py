"""A mail server for one test: mail_server.py starttls|wrapper|plain CA_FILE [USER PASSWORD] [--busy-once].

Prints `ready PORT`, then each mail it takes as a JSON object a line, until its standard input ends. Its certificate is for
`localhost`, by an authority made for the occasion, whose certificate it writes to CA_FILE.
"""

import asyncio
import json
import ssl
import sys

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

busy_once = "--busy-once" in sys.argv
mode, ca_file, *login = [word for word in sys.argv[1:] if word != "--busy-once"]


class Handler:
    def __init__(self):
        self.busy = busy_once

    async def handle_DATA(self, server, session, envelope):
        if self.busy:
            self.busy = False
            return "451 busy, try again"
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "content": envelope.content.decode("utf-8", "surrogateescape"),
            "encrypted": mode == "wrapper" or session.ssl is not None,
            "authenticated": bool(session.authenticated),
        }
        print(json.dumps(mail), flush=True)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, auth_data):
    wanted = LoginPassword(login[0].encode(), login[1].encode()) if login else None
    return AuthResult(success=auth_data == wanted, handled=False)


def protocol(context):
    return SMTP(
        HANDLER,
        hostname="localhost",
        tls_context=context if mode == "starttls" else None,
        require_starttls=mode == "starttls",
        authenticator=authenticate,
        auth_required=bool(login),
        auth_require_tls=mode == "starttls",
    )


async def main():
    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    loop = asyncio.get_running_loop()
    wrapper = context if mode == "wrapper" else None
    server = await loop.create_server(lambda: protocol(context), "127.0.0.1", 0, ssl=wrapper)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


HANDLER = Handler()
asyncio.run(main())
