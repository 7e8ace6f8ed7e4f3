"""A certificate authority for servers that stand in for others on loopback."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import wassima
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Signs certificates for names that exist on loopback only."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self.certificate = self._sign(
            self._key, self._name, x509.BasicConstraints(ca=True, path_length=None)
        )

    def trust(self) -> None:
        """Make this process believe in what the authority signs."""
        wassima.register_ca(self.certificate.public_bytes(serialization.Encoding.PEM).decode())

    def context_for(self, *hosts: str, folder: Path, revocations: str = "") -> ssl.SSLContext:
        """What a server needs to prove that it is each of these hosts.

        ``revocations`` is where the certificate says that revoked ones are listed.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        extensions = [x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])]
        if revocations:
            list_ = [x509.UniformResourceIdentifier(revocations)]
            extensions.append(
                x509.CRLDistributionPoints([x509.DistributionPoint(list_, None, None, None)])
            )
        certificate = self._sign(key, x509.Name([]), *extensions)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file = folder / "server.pem"
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _sign(self, key, subject: x509.Name, *extensions: x509.ExtensionType) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self._key, hashes.SHA256())
