"""
Stands in for a publisher behind a balancer, and tells what reaches it. Runs in a container, by its text alone.

Any path answers what was asked, as JSON. `/readyz` answers 200, until `/api/unready` is called. After a websocket
handshake bytes come back as they are.
"""

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: Of RFC 6455, to prove that a handshake was understood; HAProxy looks at it.
KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Echo(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    ready = True

    def do_GET(self) -> None:
        """Answer with what was asked."""
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self._tunnel()
            return
        if self.path == "/api/unready":
            Echo.ready = False
        body = json.dumps({"headers": self.headers.items(), "path": self.path}).encode()
        self.send_response(503 if self.path == "/readyz" and not Echo.ready else 200)
        self.send_header("Content-Type", "application/x-echo")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _tunnel(self) -> None:
        digest = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + KEY_SUFFIX).encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.send_header("X-Echo", "1")
        self.end_headers()
        while data := self.connection.recv(1000):
            self.connection.sendall(data)
        self.close_connection = True


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8000), Echo).serve_forever()
