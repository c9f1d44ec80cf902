"""Signatures: the vector of the standard, and its own verifier as the judge."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from notifier.domain.sign import BadSecret, headers, key_of, public_key, signature, to_secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_vector_of_the_standard_is_met() -> None:
    signed = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(key=st.binary(min_size=24, max_size=64), body=st.dictionaries(st.text(), st.integers()))
def test_receivers_with_the_reference_library_accept_it(key: bytes, body: dict[str, int]) -> None:
    import msgspec

    payload = msgspec.json.encode(body)
    now_s = int(datetime.now(UTC).timestamp())
    sent = headers([to_secret(key)], "event-1", now_s, payload)
    assert Webhook(to_secret(key)).verify(payload.decode(), sent) == body
    plain = hmac.new(key, f"event-1.{now_s}.".encode() + payload, sha256).digest()
    assert b64decode(sent["webhook-signature"].removeprefix("v1,")) == plain


def test_two_secrets_give_two_signatures() -> None:
    other = to_secret(b"o" * 32)
    sent = headers([SECRET, other], "e", 1, b"{}")
    assert sent["webhook-signature"].split(" ") == [
        signature(SECRET, "e", 1, b"{}"),
        signature(other, "e", 1, b"{}"),
    ]


@given(key=st.binary(min_size=32, max_size=32), body=st.binary())
def test_a_pair_of_keys_signs_what_its_public_key_proves(key: bytes, body: bytes) -> None:
    secret = to_secret(key, "v1a")
    public = public_key(secret)
    assert public is not None
    made = headers([secret], "event-1", 7, body)["webhook-signature"]
    verifier = Ed25519PublicKey.from_public_bytes(b64decode(public.removeprefix("whpk_")))
    verifier.verify(b64decode(made.removeprefix("v1a,")), b"event-1.7." + body)
    assert b64encode(key).decode() not in public


def test_the_vector_of_ed25519_is_met() -> None:
    """RFC 8032, 7.1, test 1, of the key alone: its message is empty, which no webhook is."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert public_key(to_secret(seed, "v1a")) == "whpk_" + b64encode(public).decode()
    assert public_key(SECRET) is None


@pytest.mark.parametrize(
    "secret",
    ["whsk_c2hvcnQ=", "whpk_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!", "whsec_c2hvcnQ="],
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(BadSecret):
        key_of(secret)


def test_a_secret_of_another_size_is_not_made() -> None:
    with pytest.raises(BadSecret):
        to_secret(b"short")
