"""What makes a client trust the emulator: a TLS authority and a Noise root, both new each time."""

import datetime as dt
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.emulators.whatsapp_web.curve import KeyPair
from tests.emulators.whatsapp_web.installed import protobuf

HOST: Final = "web.whatsapp.com"
AUTHORITY_FILE: Final = "ca.pem"
NOISE_ROOT_FILE: Final = "noise-root.pub"
_LEAF_FILE: Final = "leaf.pem"
_CERTIFIES: Final = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
_WEEK: Final = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class NoiseIdentity:
    """The service's Noise key and the certificates that vouch for it."""

    key: KeyPair
    chain: bytes


def tls_context(directory: Path) -> ssl.SSLContext:
    """Write a new authority's certificate to *directory*; return a context that speaks as the host it vouches for."""
    authority_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = _name("Conecta test authority")
    authority = (
        _certificate(authority_name, authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .add_extension(_CERTIFIES, critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    leaf = (
        _certificate(_name(HOST), authority_name, leaf_key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        # which Python 3.13 demands of what it trusts
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    (directory / AUTHORITY_FILE).write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    private = leaf_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    leaf_file = directory / _LEAF_FILE
    leaf_file.touch(0o600)
    leaf_file.write_bytes(private + leaf.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf_file)
    return context


def noise_identity(directory: Path) -> NoiseIdentity:
    """Write a new root's public key to *directory*; return an identity below it."""
    root, intermediate, key = KeyPair.new(), KeyPair.new(), KeyPair.new()
    (directory / NOISE_ROOT_FILE).write_bytes(root.public)
    chain = protobuf("waCert.WACert_pb2").CertChain()
    for certificate, issuer, serials, public in (
        (chain.intermediate, root, (1, 0), intermediate.public),
        (chain.leaf, intermediate, (2, 1), key.public),
    ):
        certificate.details = _noise_details(*serials, public)
        certificate.signature = issuer.sign(certificate.details)
    return NoiseIdentity(key, chain.SerializeToString())


def _noise_details(serial: int, issuer: int, public: bytes) -> bytes:
    now = dt.datetime.now(dt.UTC)
    details = protobuf("waCert.WACert_pb2").CertChain.NoiseCertificate.Details(
        serial=serial,
        issuerSerial=issuer,
        key=public,
        notBefore=int((now - _WEEK).timestamp()),
        notAfter=int((now + _WEEK).timestamp()),
    )
    return bytes(details.SerializeToString())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _WEEK)
        .not_valid_after(now + _WEEK)
    )
