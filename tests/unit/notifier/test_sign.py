"""Signatures: the vector of the standard, and its own verifier as the judge."""

from __future__ import annotations

import hmac
from base64 import b64decode
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from notifier.domain.sign import BadSecret, headers, key_of, signature, to_secret

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


@pytest.mark.parametrize("secret", ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!", "whsec_c2hvcnQ="])
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(BadSecret):
        key_of(secret)


def test_a_secret_of_another_size_is_not_made() -> None:
    with pytest.raises(BadSecret):
        to_secret(b"short")
