"""Where a URL of a user's leads us: to public addresses over https, and nowhere else."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from notifications.outgoing import client
from notifications.outgoing.addresses import address_is_public
from notifications.outgoing.client import NoAnswer, NotPublic, NotSent, request_post
from notifications.outgoing.posting import url_fault
from notifications.outgoing.urls import BadTarget, target_parse

HOSTILE = [
    # other schemes
    "http://hooks.acme.dev/",
    "ftp://hooks.acme.dev/",
    "file:///etc/passwd",
    "gopher://hooks.acme.dev:443/_x",
    "//hooks.acme.dev/",
    "hooks.acme.dev/",
    "javascript:alert(1)",
    # this machine
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost.localdomain/",
    "https://api.localhost/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.127.127.127/",
    "https://0.0.0.0/",
    "https://0/",
    "https://[::1]/",
    "https://[::]/",
    # other spellings of numbers
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.0.0.0x1/",
    "https://93.184.215.014/",
    "https://3627734798/",
    "https://1.2.3.4.5/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://①②⑦.0.0.1/",
    # networks of somebody's own, and metadata services
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://168.63.129.16/",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://kubernetes.default.svc/",
    "https://printer.local/",
    "https://intranet/",
    "https://198.18.0.1/",
    "https://203.0.113.7/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    # IPv6 that is not public, or carries IPv4
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:93.184.215.14]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::169.254.169.254]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[2001:db8::1]/",
    "https://[ff02::1]/",
    # credentials, ports, and what parsers read differently
    "https://user:password@hooks.acme.dev/",
    "https://hooks.acme.dev@127.0.0.1/",
    "https://127.0.0.1#@hooks.acme.dev/",
    "https://hooks.acme.dev:22/",
    "https://hooks.acme.dev:6379/",
    "https://hooks.acme.dev:0/",
    "https://hooks.acme.dev:99999/",
    "https://hooks.acme.dev:/",
    "https://hooks.acme.dev\\@127.0.0.1/",
    "https:\\\\127.0.0.1/",
    "https:/hooks.acme.dev/",
    "https:///127.0.0.1/",
    "https://hooks.acme.dev/#fragment",
    "https://hooks.acme.dev/\r\nHost: 127.0.0.1",
    "https://hooks.acme.dev/ HTTP/1.1",
    "https://hooks.acme.dev/\t",
    " https://hooks.acme.dev/",
    "https://hooks.acme.dev/\n",
    "https://hooks.acme.dev./",
    "https://hooks..acme.dev/",
    "https://-hooks.acme.dev/",
    "https://hooks_acme.dev/",
    "https://bücher.example.com/",
    "https://hooks.acme.dev%2f@127.0.0.1/",
    "https://hooks.acme.dev\u3002internal/",
    "https://*.acme.dev/",
    "https://" + "a" * 64 + ".dev/",
    "https://hooks.acme.dev/" + "a" * 2000,
    "https://",
    "",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused_before_anybody_is_asked(url):
    assert url_fault(url)


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://hooks.acme.dev", "hooks.acme.dev", 443, "/"),
        ("https://Hooks.Acme.DEV:8443/a/b?c=d%20e&f", "hooks.acme.dev", 8443, "/a/b?c=d%20e&f"),
        ("https://93.184.215.14/x", "93.184.215.14", 443, "/x"),
        ("https://[2606:2800:21f:cb07::1]/x", "2606:2800:21f:cb07::1", 443, "/x"),
        ("https://xn--bcher-kva.example.com/", "xn--bcher-kva.example.com", 443, "/"),
    ],
)
def test_a_plain_https_url_is_understood(url, host, port, path):
    target = target_parse(url)
    assert (target.host, target.port, target.path) == (host, port, path)
    assert (target.encrypted, target.trusted) == (True, False)


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_passes_that_the_standard_library_calls_private(address):
    if not address.is_global or address.is_multicast:
        assert not address_is_public(str(address))


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_passes_that_the_standard_library_calls_private(address):
    if not address.is_global or address.is_multicast or address.ipv4_mapped or address.sixtofour:
        assert not address_is_public(str(address))


@given(st.text(max_size=60))
def test_any_text_is_refused_or_understood(text):
    for url in (text, f"https://{text}", f"https://hooks.acme.dev/{text}"):
        try:
            target = target_parse(url)
        except BadTarget:
            continue
        assert target.encrypted
        assert target.host.isascii()
        assert " " not in target.path


def post(url, timeout_s=2.0):
    return request_post(url, body=b"{}", headers={}, timeout_s=timeout_s)


@pytest.fixture
def resolver(monkeypatch):
    """A resolver whose answers change, and the list of what it was asked."""
    answers, asked = [], []

    def getaddrinfo(host, port, **_):
        asked.append(host)
        found = answers.pop(0) if answers else ["127.0.0.1"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in found]

    monkeypatch.setattr(client.socket, "getaddrinfo", getaddrinfo)
    return answers, asked


@pytest.fixture
def connections(monkeypatch):
    """Where connections were made to; none is made."""
    made = []

    def socket_open(address, port, **_):
        made.append((address, port))
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(client, "socket_open", socket_open)
    return made


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::a00:1"],
        ["fe80::1%eth0"],
        ["93.184.215.14", "192.168.0.1"],
    ],
)
def test_a_public_name_that_leads_inside_is_refused_without_a_connection(
    resolver, connections, found
):
    resolver[0].append(found)
    with pytest.raises(NotPublic) as refusal:
        post("https://hooks.acme.dev/")
    assert not connections
    assert not any(address in str(refusal.value) for address in found)


def test_a_name_that_changes_its_mind_gains_nothing(resolver, connections):
    """DNS rebinding: public when it is checked, this machine when it is asked again."""
    answers, asked = resolver
    answers += [["93.184.215.14"], ["127.0.0.1"], ["127.0.0.1"]]
    with pytest.raises(NotSent):
        post("https://hooks.acme.dev/")
    assert asked == ["hooks.acme.dev"], "it is looked up once"
    assert connections == [("93.184.215.14", 443)], "and the address that was checked is called"


def test_a_name_that_has_turned_inside_since_the_last_time_is_refused(resolver, connections):
    answers, _ = resolver
    answers += [["93.184.215.14"], ["127.0.0.1"]]
    with pytest.raises(NotSent, match="cannot be reached"):
        post("https://hooks.acme.dev/")
    with pytest.raises(NotPublic):
        post("https://hooks.acme.dev/")
    assert connections == [("93.184.215.14", 443)]


def test_a_resolver_that_hangs_is_left_alone(monkeypatch):
    waiting = threading.Event()
    monkeypatch.setattr(client.socket, "getaddrinfo", lambda *_, **__: [][waiting.wait(5) :])
    with pytest.raises(NotSent, match="not found in"):
        post("https://hooks.acme.dev/", timeout_s=0.2)
    waiting.set()


def certificate(name):
    """A self-signed certificate and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM), private


class Echo(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.hosts.append(self.headers["Host"])
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def https(tmp_path, monkeypatch, settings):
    """An https server on loopback with a certificate for hooks.acme.dev, and what it was told."""
    public, private = certificate("hooks.acme.dev")
    (tmp_path / "pem").write_bytes(public + private)
    server = HTTPServer(("127.0.0.1", 0), Echo)
    server.hosts, server.names = [], []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")
    context.sni_callback = lambda _sock, name, _context: server.names.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setattr(
        client, "tls_context", lambda: ssl.create_default_context(cadata=public.decode())
    )
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_connection_is_pinned_and_still_the_names(https, settings, resolver):
    origin = f"https://hooks.acme.dev:{https.server_port}"
    settings.WEBHOOK_TEST_ORIGINS = [origin]
    assert post(f"{origin}/x").status == 200
    assert https.names == ["hooks.acme.dev"], "SNI"
    assert https.hosts == [f"hooks.acme.dev:{https.server_port}"]


def test_a_certificate_for_another_name_is_not_trusted(https, settings, resolver):
    origin = f"https://other.acme.dev:{https.server_port}"
    settings.WEBHOOK_TEST_ORIGINS = [origin]
    with pytest.raises(NotSent, match="cannot be trusted"):
        post(f"{origin}/x")
    assert not https.hosts


def test_a_server_that_says_nothing_in_the_handshake_is_left(settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        origin = f"https://127.0.0.1:{silent.getsockname()[1]}"
        settings.WEBHOOK_TEST_ORIGINS = [origin]
        with pytest.raises((NotSent, NoAnswer)):
            post(f"{origin}/", timeout_s=0.3)


def test_the_exception_for_tests_is_for_that_origin_alone(settings):
    settings.WEBHOOK_TEST_ORIGINS = ["http://127.0.0.1:9000"]
    assert target_parse("http://127.0.0.1:9000/x").trusted
    for url in ("http://127.0.0.1:9001/", "https://127.0.0.1:9000/", "http://127.0.0.2:9000/"):
        with pytest.raises(BadTarget):
            target_parse(url)


def test_production_refuses_to_start_with_it():
    import os
    import subprocess
    import sys

    environment = {
        **os.environ,
        "APP_ENV": "production",
        "SECRET_KEY": "k" * 60,
        "ALLOWED_HOSTS": "alerts.acme.dev",
        "WEBHOOK_TEST_ORIGINS": "http://127.0.0.1:9000",
    }
    done = subprocess.run(
        [sys.executable, "-c", "import backtester.settings"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "WEBHOOK_TEST_ORIGINS" in done.stderr


def test_what_is_public_stays_public():
    assert all(
        map(address_is_public, ["93.184.215.14", "8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"])
    )
    assert not address_is_public(str(IPv4Address(2130706433)))
