"""The address of a database, and what it says of TLS."""

import ssl
from pathlib import Path

import pytest
import trustme

from tenon.dsn import Address
from tenon.errors import Misconfigured

PLAIN = "postgresql://matcher:s3cret@db:5432/tenon"


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    return file


def test_an_address_that_says_nothing_leaves_tls_to_the_driver() -> None:
    address = Address.of(f"{PLAIN}?application_name=x")
    assert address.tls is None
    assert address.url.query == {"application_name": "x"}


@pytest.mark.parametrize(
    ("mode", "verify", "check_hostname"),
    [
        ("verify-full", ssl.CERT_REQUIRED, True),
        ("verify-ca", ssl.CERT_REQUIRED, False),
        ("require", ssl.CERT_REQUIRED, False),
    ],
)
def test_a_certificate_is_checked_as_libpq_does(
    ca_file: Path, mode: str, verify: ssl.VerifyMode, check_hostname: bool
) -> None:
    address = Address.of(f"{PLAIN}?sslmode={mode}&sslrootcert={ca_file}")
    assert isinstance(address.tls, ssl.SSLContext)
    assert (address.tls.verify_mode, address.tls.check_hostname) == (verify, check_hostname)
    assert address.url.render_as_string(hide_password=False) == PLAIN


def test_require_alone_encrypts_and_trusts_anybody() -> None:
    context = Address.of(f"{PLAIN}?sslmode=require").tls
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize("mode", ["disable", "prefer"])
def test_the_weaker_modes_are_the_drivers_own(mode: str) -> None:
    assert Address.of(f"{PLAIN}?sslmode={mode}").tls == mode


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("sslmode=full", "sslmode is one of disable, prefer, require, verify-ca, verify-full"),
        ("sslrootcert=/nowhere.pem", "sslmode is one of"),
        ("sslmode=prefer&sslrootcert=/nowhere.pem", "sslmode=prefer checks no certificate"),
        ("sslmode=verify-full&sslrootcert=/nowhere.pem", r"/nowhere\.pem can't be used .*: No such file"),
        ("sslmode=verify-full&sslrootcert=EMPTY", r"empty\.pem can't be used as certificates to trust"),
    ],
)
def test_what_does_not_fit_is_told_in_a_line_without_the_password(
    tmp_path: Path, query: str, told: str
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    with pytest.raises(Misconfigured, match=told) as error:
        Address.of(f"{PLAIN}?{query.replace('EMPTY', str(empty))}")
    assert "s3cret" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["tenon", "mysql://u:s3cret@h/d", "postgresql://u:s3cret@h:port/d"])
def test_what_is_no_address_is_not_repeated(text: str) -> None:
    with pytest.raises(Misconfigured) as error:
        Address.of(text)
    assert "s3cret" not in str(error.value)
