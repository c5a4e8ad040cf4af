"""Bitbucket Server as a client with an application link sees it: OAuth 1.0a with RSA-SHA1.

Every signature, time stamp and nonce is verified by oauthlib, the reference implementation in Python; what is
signed well below /rest goes on to a double of Bitbucket's REST API, in the name of whoever the token is for. The
listening socket is the standard input; `settings.json` says which consumer is known and where the double is.

https://developer.atlassian.com/server/framework/atlassian-sdk/oauth-for-bitbucket-server/
"""

import html
import json
import re
import secrets
import socket
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from oauthlib.oauth1 import (
    SIGNATURE_RSA,
    AccessTokenEndpoint,
    RequestTokenEndpoint,
    RequestValidator,
    ResourceEndpoint,
)

with open("settings.json", encoding="utf-8") as file:
    SETTINGS = json.load(file)
SERVLET = "/plugins/servlet/oauth"
FORM = "application/x-www-form-urlencoded"
# Five minutes, as Atlassian documents for Bitbucket Cloud.
MOST_SKEW = 300
LOCK = threading.Lock()

request_tokens = {}
access_tokens = {}
nonces = set()
refusals = []
# Why the request of this thread is refused, in Atlassian's words; oauthlib's own answers do not say.
problem = threading.local()


def because(words, is_fine):
    """Notes the words where it is not fine."""
    if not is_fine:
        problem.words = words
    return is_fine


class Validator(RequestValidator):
    """Knows one consumer, and every token it was given."""

    allowed_signature_methods = (SIGNATURE_RSA,)
    enforce_ssl = False
    timestamp_lifetime = MOST_SKEW
    # Atlassian's client sends nanoseconds.
    nonce_length = (8, 128)
    client_key_length = (1, 128)
    request_token_length = (16, 64)
    access_token_length = (16, 64)
    verifier_length = (4, 64)
    dummy_client = dummy_request_token = dummy_access_token = "dummy"

    def check_client_key(self, client_key):
        return because("consumer_key_unknown", 1 <= len(client_key) <= 128)

    def check_nonce(self, nonce):
        return because("parameter_rejected", 8 <= len(nonce) <= 128)

    def validate_client_key(self, client_key, request):
        return because("consumer_key_unknown", client_key == SETTINGS["consumer_key"])

    def get_rsa_key(self, client_key, request):
        return SETTINGS["public_key"]

    def validate_timestamp_and_nonce(
        self, client_key, timestamp, nonce, request, request_token=None, access_token=None
    ):
        with LOCK:
            is_fresh = (client_key, timestamp, nonce) not in nonces
            nonces.add((client_key, timestamp, nonce))
        return because("nonce_used", is_fresh)

    def validate_redirect_uri(self, client_key, redirect_uri, request):
        return because("parameter_rejected", redirect_uri.startswith(("http://", "https://")))

    def validate_requested_realms(self, client_key, realms, request):
        return True

    def get_default_realms(self, client_key, request):
        return []

    def get_realms(self, token, request):
        return []

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return True

    def save_request_token(self, token, request):
        request_tokens[token["oauth_token"]] = {"callback": request.redirect_uri}

    def validate_request_token(self, client_key, token, request):
        return because("token_rejected", token in request_tokens)

    def validate_verifier(self, client_key, token, verifier, request):
        expected = request_tokens.get(token, {}).get("verifier")
        is_it = expected is not None and secrets.compare_digest(expected, verifier)
        return because("token_rejected", is_it)

    def save_access_token(self, token, request):
        access_tokens[token["oauth_token"]] = request_tokens[request.resource_owner_key]["user"]

    def invalidate_request_token(self, client_key, request_token, request):
        request_tokens.pop(request_token, None)

    def validate_access_token(self, client_key, token, request):
        return because("token_rejected", token in access_tokens)


VALIDATOR = Validator()
REQUEST_TOKEN = RequestTokenEndpoint(VALIDATOR)
ACCESS_TOKEN = AccessTokenEndpoint(VALIDATOR)
RESOURCE = ResourceEndpoint(VALIDATOR)


class Handler(BaseHTTPRequestHandler):
    """Answers one request after the other of a connection."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Says nothing about requests."""

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = urlsplit(self.path).path
        url = SETTINGS["url"] + self.path
        headers = dict(self.headers.items())
        # A body that is no form is no part of the signature (RFC 5849, section 3.4.1.3.1).
        form = body.decode() if self.headers.get("content-type", "").startswith(FORM) else None
        problem.words = None
        if path == "/testkit/refusals":
            return self.answer(200, "application/json", json.dumps(refusals))
        if path == "/testkit/revoke":
            access_tokens.clear()
            return self.answer(200, "application/json", "null")
        if path == SERVLET + "/request-token" and self.command == "POST":
            return self.token(*REQUEST_TOKEN.create_request_token_response(url, "POST", form, headers))
        if path == SERVLET + "/access-token" and self.command == "POST":
            # Five years, and no way to refresh.
            more = {"oauth_expires_in": 157680000, "oauth_session_handle": secrets.token_hex(16)}
            answer = ACCESS_TOKEN.create_access_token_response(url, "POST", form, headers, credentials=more)
            return self.token(*answer)
        if path == SERVLET + "/authorize":
            return self.authorize(form)
        if path.startswith(("/rest/", "/plugins/servlet/applinks/whoami")):
            return self.rest(url, form, body, headers)
        return self.answer(404, "text/plain", "not found")

    do_POST = do_PUT = do_DELETE = do_GET

    def token(self, _headers, body, status):
        if status == 200:
            return self.answer(200, FORM, body)
        return self.refuse("text/plain", lambda words: f"oauth_problem={words}")

    def refuse(self, kind, shape):
        stamp = re.search(r'oauth_timestamp="(\d+)"', self.headers.get("authorization", ""))
        is_late = stamp and abs(time.time() - int(stamp.group(1))) > MOST_SKEW
        words = problem.words or ("timestamp_refused" if is_late else "signature_invalid")
        with LOCK:
            refusals.append(words)
        realm = f'OAuth realm="{SETTINGS["url"]}", oauth_problem="{words}"'
        return self.answer(401, kind, shape(words), [("www-authenticate", realm)])

    def authorize(self, form):
        fields = dict(parse_qsl(urlsplit(self.path).query)) | dict(parse_qsl(form or ""))
        token = fields.get("oauth_token", "")
        if token not in request_tokens:
            return self.answer(401, "text/html", "<p>The request token is unknown or was used.</p>")
        if self.command == "GET":
            people = "".join(f"<option>{html.escape(name)}</option>" for name in SETTINGS["tokens"])
            page = (
                f'<h1>Allow access?</h1><form method="post" action="">'
                f'<input type="hidden" name="oauth_token" value="{html.escape(token)}">'
                f'<select name="user">{people}</select>'
                f'<button name="decision" value="allow">Allow</button>'
                f'<button name="decision" value="deny">Deny</button></form>'
            )
            return self.answer(200, "text/html;charset=UTF-8", page)
        is_allowed = fields.get("decision") == "allow" and fields.get("user") in SETTINGS["tokens"]
        callback = request_tokens[token]["callback"]
        if is_allowed:
            verifier = secrets.token_hex(8)
            request_tokens[token].update(user=fields["user"], verifier=verifier)
        else:
            # So Bitbucket tells that somebody refused.
            verifier = "denied"
            request_tokens.pop(token)
        joint = "&" if urlsplit(callback).query else "?"
        back = callback + joint + urlencode({"oauth_token": token, "oauth_verifier": verifier})
        return self.answer(302, "text/plain", "", [("location", back)])

    def rest(self, url, form, body, headers):
        valid, request = RESOURCE.validate_protected_resource_request(url, self.command, form, headers, [])
        if not valid:
            return self.refuse("application/json", self.not_permitted)
        token = SETTINGS["tokens"][access_tokens[request.resource_owner_key]]
        passed = {"authorization": f"Bearer {token}"}
        passed |= {name: value for name, value in headers.items() if name.lower() in ("content-type", "accept")}
        data = body if body else None
        onward = urllib.request.Request(SETTINGS["double"] + self.path, data, passed, method=self.command)
        try:
            answer = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(onward)
        except urllib.error.HTTPError as error:
            answer = error
        kept = [("x-ausername", answer.headers.get("x-ausername") or "")]
        kind = answer.headers.get("content-type") or "text/plain"
        # The double does not know that it is behind somebody.
        text = answer.read().decode().replace(SETTINGS["double"], SETTINGS["url"])
        return self.answer(answer.status, kind, text, kept)

    @staticmethod
    def not_permitted(words):
        error = {
            "context": None,
            "message": f"oauth_problem={words}",
            "exceptionName": "com.atlassian.bitbucket.AuthorisationException",
        }
        return json.dumps({"errors": [error]})

    def answer(self, status, kind, text, more=()):
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        for name, value in more:
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=0)
server.daemon_threads = True
server.serve_forever()
