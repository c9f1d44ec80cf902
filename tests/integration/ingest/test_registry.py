"""Parties, sites, policies and keys: what is in force, who is told of a change, who may see what.

Deterministic: what is in force and what is told. Not: how soon the relay has told it (waited for).
"""

import asyncio
import json
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tenon.contracts.codec import decode_strict
from tenon.contracts.log import OfferListed, PartyChanged, SiteChanged
from tenon.contracts.parties import PartyState
from tenon.db import Database
from tenon.errors import Misconfigured
from tenon.kafka import KafkaSettings
from tests.integration.ingest.running import (
    PARTITIONS,
    Ingest,
    event,
    offer,
    party,
    prepare,
    ready,
    running,
    settings_for,
    site,
    written,
)
from tests.support.waiting import until

DRUGS = {"class": {"scheme": "hs", "code": "3004"}, "unit": "C62"}


def policy(revision: int = 1, **more: Any) -> dict[str, Any]:
    return event(
        "tenon.policy.published.v1", {"policy": "p1", "revision": revision, **more}, f"policy-{revision}"
    )


async def test_revisions_decide_what_is_in_force(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme", 3), site("acme", revision=3), policy(3))
        for older, same, other, newer in (
            (party("acme", 2), party("acme", 3), party("acme", 3, name="Else"), party("acme", 4)),
            (
                site("acme", revision=2),
                site("acme", revision=3),
                site("acme", revision=3, name="Else"),
                site("acme", revision=4),
            ),
            (policy(2), policy(3), policy(3, hold_s=5), policy(4)),
        ):
            for wrong in (older, other):
                answer = await ingest.send(wrong)
                assert (answer.status, answer.pointers) == (409, ["/data/revision"]), answer.body
            assert (await ingest.send(same)).status == 202
            assert (await ingest.send(newer)).status == 202
        assert (await ingest.call("GET", "/v1/parties/acme")).body["revision"] == 4


async def test_within_a_batch_the_later_statement_is_in_force(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        batch = [party("acme"), site("acme"), site("acme", revision=2, name="New"), site("acme", revision=1)]
        answer = await ingest.batch(batch)
        assert [result["status"] for result in answer.body["results"]] == [*["accepted"] * 3, "rejected"]
        (shown,) = (await ingest.call("GET", "/v1/parties/acme/sites")).body["sites"]
        assert (shown["revision"], shown["name"]) == (2, "New")


async def test_a_changed_site_is_told_to_each_market_that_knows_it(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), site("acme"), site("acme", "s2"))
        await ingest.accept(offer("acme"), offer("acme", "o2", item=DRUGS))
        await ingest.accept(site("acme", revision=2, region="DE"), site("acme", "s2", revision=2))
        await ingest.outbox_empty()
        told = [record for _, record in await written(kafka) if record.type == "tenon.site.changed.v1"]
        assert sorted(record.extensions["market"] for record in told) == ["hs:30", "hs:63"]
        for record in told:
            state = decode_strict(SiteChanged, record.data).site
            assert (state.site, state.revision, state.region) == ("s1", 2, "DE")


async def test_changed_terms_are_told_to_each_market_that_knows_a_site_of_the_party(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), site("acme"), offer("acme"), offer("acme", "o2", item=DRUGS))
        await ingest.accept(party("acme", 2, supply_confirmation="automatic"))
        await ingest.outbox_empty()
        told = [record for _, record in await written(kafka) if record.type == "tenon.party.changed.v1"]
        assert sorted(record.extensions["market"] for record in told) == ["hs:30", "hs:63"]
        assert decode_strict(PartyChanged, told[0].data).terms.supply_confirmation == "automatic"


async def test_an_offer_is_listed_with_the_site_that_is_in_force(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), site("acme"), offer("acme"))
        await ingest.accept(site("acme", revision=2))
        await ingest.accept(offer("acme", revision=2))
        listed = [record for _, record in await written(kafka) if record.type == "tenon.offer.listed.v1"]
        assert [decode_strict(OfferListed, record.data).site.revision for record in listed] == [1, 2]


async def test_another_replica_tells_of_a_site_it_did_not_change_itself(
    kafka: KafkaSettings, postgres: str
) -> None:
    await prepare(kafka, postgres)
    one_settings = settings_for(kafka, postgres, instance="one")
    async with running(one_settings) as one, running(settings_for(kafka, postgres, instance="two")) as two:
        await one.accept(party("acme"), site("acme"), offer("acme"))
        await two.accept(site("acme", revision=2))
        # One may still remember the site as it was; the market is told of the change all the same.
        await one.accept(offer("acme", "o2"))
        await one.outbox_empty()
        records = [record for _, record in await written(kafka)]
        assert "tenon.site.changed.v1" in [record.type for record in records]
        await asyncio.sleep(2.1)
        await one.accept(offer("acme", "o3"))
        last = (await written(kafka))[-1][1]
        assert decode_strict(OfferListed, last.data).site.revision == 2


async def test_a_policy_reaches_every_partition(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(policy(), policy(2, market="hs:63"))
        await ingest.outbox_empty()
        records = await written(kafka)
        for market in ("*", "hs:63"):
            told = [partition for partition, record in records if record.extensions["market"] == market]
            assert sorted(told) == list(range(PARTITIONS))


async def test_a_key_is_shown_once_and_works_until_it_is_revoked(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres, look_up_ttl_ms=0) as ingest:
        await ingest.accept(party("acme"), site("acme"))
        made = await ingest.call("POST", "/v1/parties/acme/keys", json={"label": "erp"})
        assert (made.status, made.headers["cache-control"]) == (201, "no-store")
        key, secret = made.body["key"], made.body["secret"]
        assert secret.startswith(f"tenon_{key}_")
        acme = ingest.having(secret)
        assert (await acme.send(offer("acme"))).status == 202
        listed = (await acme.call("GET", "/v1/parties/acme/keys")).body["keys"]
        assert [(shown["key"], shown["label"], shown["revoked_at"]) for shown in listed] == [
            (key, "erp", None)
        ]
        assert secret not in json.dumps(listed)
        assert (await acme.call("DELETE", f"/v1/parties/acme/keys/{key}")).status == 204
        assert (await acme.send(offer("acme", "o2"))).status == 401
        assert (await ingest.call("DELETE", f"/v1/parties/acme/keys/{key}")).status == 204
        assert (await ingest.call("DELETE", "/v1/parties/acme/keys/none")).status == 404


async def test_a_label_is_read_after_the_key_and_within_its_bounds(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"))
        path = "/v1/parties/acme/keys"
        answer = await ingest.call("POST", path, data=b" " * 5_000)
        assert (answer.status, answer.body["type"]) == (413, "/problems/too-large")
        for wrong, status, pointer in (
            (b'{"label":7}', 422, "/label"),
            (b'{"label":"a\\u0000"}', 422, "/label"),
            (b'{"lable":"x"}', 422, "/lable"),
            (b"[]", 422, ""),
            (b"{", 400, ""),
        ):
            answer = await ingest.call("POST", path, data=wrong)
            assert (answer.status, answer.pointers) == (status, [pointer]), answer.body
            assert answer.headers["content-type"] == "application/problem+json"
        assert (await ingest.having("no").call("POST", path, data=b" " * 5_000)).status == 401
        assert (await ingest.call("GET", path)).body["keys"] == []


async def test_a_remembered_key_that_is_revoked_here_ends_at_once(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres, look_up_ttl_ms=60_000) as ingest:
        await ingest.accept(party("acme"), site("acme"))
        acme = await ingest.new_key("acme")
        assert (await acme.send(offer("acme"))).status == 202
        key = acme.key.split("_")[1]
        assert (await ingest.call("DELETE", f"/v1/parties/acme/keys/{key}")).status == 204
        assert (await acme.send(offer("acme", "o2"))).status == 401


async def test_the_database_holds_hashes_alone(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"))
        acme = await ingest.new_key("acme")
        await ingest.outbox_empty()
        async with Database.connect(postgres, schema="ingest") as database:
            rows = await database.fetch("SELECT k::text FROM api_keys k")
            rows += await database.fetch("SELECT o::text FROM outbox o")
        secret = acme.key.rsplit("_", 1)[1]
        assert rows
        assert not any(secret in row[0] or secret.encode().hex() in row[0] for row in rows)


async def test_each_change_of_a_party_is_told_with_a_rising_sequence(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"))
        acme = await ingest.new_key("acme")
        await ingest.accept(party("acme", 2, name="Acme Ltd"))
        await ingest.call("DELETE", f"/v1/parties/acme/keys/{acme.key.split('_')[1]}")
        await ingest.outbox_empty()
        records = [record for _, record in await written(kafka, "tenon.parties.v1")]
        assert [int(record.extensions["sequence"]) for record in records] == [1, 2, 3, 4]
        states = [decode_strict(PartyState, record.data) for record in records]
        assert [(state.revision, state.name, len(state.keys)) for state in states] == [
            (1, "Party acme", 0),
            (1, "Party acme", 1),
            (2, "Acme Ltd", 1),
            (2, "Acme Ltd", 0),
        ]
        assert states[1].keys[0].sha256 == sha256(acme.key.encode()).hexdigest()


async def test_concurrent_keys_of_one_party_are_all_told(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"))
        await asyncio.gather(*(ingest.new_key("acme") for _ in range(20)))
        await ingest.outbox_empty()
        records = [record for _, record in await written(kafka, "tenon.parties.v1")]
        assert [int(record.extensions["sequence"]) for record in records] == list(range(1, 22))
        assert len(decode_strict(PartyState, records[-1].data).keys) == 20


async def test_a_party_has_a_bounded_number_of_keys(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"))
        for _ in range(100):
            await ingest.new_key("acme")
        answer = await ingest.call("POST", "/v1/parties/acme/keys")
        assert answer.status == 409


async def test_concurrent_registrations_of_one_party_end_in_one(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        answers = await asyncio.gather(*(ingest.send(party("acme", n, name=f"N{n}")) for n in range(1, 9)))
        assert {answer.status for answer in answers} <= {202, 409}
        assert (await ingest.call("GET", "/v1/parties/acme")).body["revision"] == 8
        await ingest.outbox_empty()
        records = [record for _, record in await written(kafka, "tenon.parties.v1")]
        accepted = sum(answer.status == 202 for answer in answers)
        assert [int(record.extensions["sequence"]) for record in records] == list(range(1, accepted + 1))


async def test_a_site_that_changes_while_offers_of_new_markets_come_is_never_left_old(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), site("acme"))

        async def change() -> None:
            for revision in range(2, 20):
                await ingest.accept(site("acme", revision=revision))

        async def list_in_new_markets() -> None:
            for number in range(10, 40):
                item = {"class": {"scheme": "hs", "code": f"{number}01"}, "unit": "C62"}
                await ingest.accept(offer("acme", f"o{number}", item=item))

        await asyncio.gather(change(), list_in_new_markets())
        await ingest.outbox_empty()
        newest: dict[str, int] = {}
        for _, record in await written(kafka):
            state = json.loads(record.data)["site"]
            market = record.extensions["market"]
            newest[market] = max(newest.get(market, 0), state["revision"])
        assert len(newest) == 30
        assert set(newest.values()) == {19}


async def test_an_offer_that_waited_for_a_change_of_its_site_carries_the_changed_site(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with (
        ready(kafka, postgres) as ingest,
        Database.connect(postgres, schema="ingest", pool_size=2) as database,
    ):
        await ingest.accept(party("acme"), site("acme"))
        async with database.transaction() as connection:
            await connection.execute("SELECT FROM parties WHERE party = 'acme' FOR UPDATE")
            listing = asyncio.create_task(ingest.accept(offer("acme", "o1")))
            await until(
                partial(database.fetch, "SELECT 1 FROM pg_locks WHERE NOT granted"), "the offer waits"
            )
            await connection.execute(
                "UPDATE sites SET revision = 2, data = jsonb_set(data, '{revision}', '2')"
                " WHERE party = 'acme'"
            )
        await listing
        (told,) = [decode_strict(OfferListed, record.data) for _, record in await written(kafka)]
        assert told.site.revision == 2


async def test_another_partys_addresses_do_not_exist(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), party("other"))
        acme = await ingest.new_key("acme")

        async def statuses(caller: Ingest, owner: str) -> list[int]:
            base = f"/v1/parties/{owner}"
            calls = [
                ("GET", base),
                ("GET", f"{base}/sites"),
                ("GET", f"{base}/keys"),
                ("POST", f"{base}/keys"),
            ]
            return [(await caller.call(*call)).status for call in calls]

        assert await statuses(acme, "acme") == [200, 200, 200, 201]
        assert await statuses(acme, "other") == [404] * 4
        assert await statuses(ingest, "nobody") == [404] * 4
        assert await statuses(ingest, "a%00b") == [404] * 4
        assert await statuses(ingest.having(""), "acme") == [401] * 4
        assert (await acme.call("GET", "/v1/outbox")).status == 403


async def test_sites_are_listed_page_by_page(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), *(site("acme", f"s{number}") for number in range(5)))
        seen: list[str] = []
        after: str | None = ""
        while after is not None:
            page = (await ingest.call("GET", f"/v1/parties/acme/sites?limit=2&after={after}")).body
            seen += [shown["site"] for shown in page["sites"]]
            after = page["next"]
        assert seen == ["s0", "s1", "s2", "s3", "s4"]
        answer = await ingest.call("GET", "/v1/parties/acme/sites?limit=0")
        assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_a_log_with_another_table_of_markets_stops_the_start(
    kafka: KafkaSettings, postgres: str, tmp_path: Path
) -> None:
    table = tmp_path / "markets.toml"
    table.write_text('partitions = 8\n[[rules]]\nscheme = "hs"\nprefix = "63"\nmarket = "textiles"\n')
    await prepare(kafka, postgres)
    with pytest.raises(Misconfigured, match="tenon topics"):
        async with running(settings_for(kafka, postgres, markets_file=table)):
            pass


async def test_a_cluster_without_topics_stops_the_start(kafka: KafkaSettings, postgres: str) -> None:
    with pytest.raises(Misconfigured, match="tenon topics"):
        async with running(settings_for(kafka, postgres)):
            pass
