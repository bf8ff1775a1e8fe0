"""An identity provider that speaks OpenID Connect on this machine: it says of everybody what `claims` holds."""

import base64
import hashlib
import http.server
import json
import secrets
import threading
import time
import urllib.parse

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "carillon-web", "client-secret-marker"


class Provider:
    """`claims` go into the ID token and the userinfo answer, `info` over them in the latter; `down` breaks it."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.codes = {}
        self.reset()
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.answer(self, urllib.parse.urlsplit(self.path), {})

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                provider.answer(self, urllib.parse.urlsplit(self.path), dict(urllib.parse.parse_qsl(body)))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def reset(self):
        self.claims, self.info, self.down, self.cancels, self.asked = {}, {}, False, False, {}

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, handler, place, form):
        if self.down:
            return self.send(handler, 500, {})
        return getattr(self, "on_" + place.path.strip("/").replace("/", "_").replace(".", "").replace("-", "_"))(
            handler, dict(urllib.parse.parse_qsl(place.query)), form
        )

    def on_well_known_openid_configuration(self, handler, query, form):
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "userinfo_endpoint": "userinfo"}
        found = {name: f"{self.issuer}/{path}" for name, path in {**names, "jwks_uri": "keys"}.items()}
        methods = ["client_secret_post"]
        self.send(handler, 200, {"issuer": self.issuer, "token_endpoint_auth_methods_supported": methods, **found})

    def on_authorize(self, handler, query, form):
        self.asked = query
        code = secrets.token_hex(8)
        self.codes[code] = query
        said = {"error": "access_denied"} if self.cancels else {"code": code}
        handler.send_response(302)
        handler.send_header(
            "Location", f"{query['redirect_uri']}?{urllib.parse.urlencode({**said, 'state': query['state']})}"
        )
        handler.end_headers()

    def on_token(self, handler, query, form):
        asked = self.codes.pop(form.get("code"), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).decode()
        known = (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        if asked is None or not known or asked["code_challenge"] != proof.rstrip("="):
            return self.send(handler, 400, {"error": "invalid_grant"})
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, **self.claims}
        token = jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "one"})
        return self.send(handler, 200, {"access_token": "access", "token_type": "Bearer", "id_token": token})

    def on_userinfo(self, handler, query, form):
        assert handler.headers["Authorization"] == "Bearer access"
        self.send(handler, 200, {**self.claims, **self.info})

    def on_keys(self, handler, query, form):
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        self.send(handler, 200, {"keys": [{**public, "kid": "one", "alg": "RS256", "use": "sig"}]})

    def send(self, handler, status, body):
        raw = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)
