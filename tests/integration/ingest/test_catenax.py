"""Partners of Catena-X on a running ingest: what is taken, what is compared, what reaches the open market.

Deterministic: statuses, what is kept, what the log is told. Not: how soon the relay has told it (waited for).
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.catenax.examples import EXAMPLES
from ingest.formats.catenax.aspects import SHORT_TERM
from tenon.db import Database
from tenon.kafka import KafkaSettings
from tests.integration.ingest.running import PATIENT, Answer, Ingest, party, ready, site, written
from tests.support import catenax
from tests.support.catenax import (
    COMMENT_ID,
    CUSTOMER,
    DEMAND_ID,
    GROUP_ID,
    MATERIAL,
    PLANT,
    SUPPLIER,
    WORKS,
    capacity,
    comment,
    demand,
    group,
    link,
    message,
    series,
    week,
)

CLASS = {"scheme": "hs", "code": "848420"}
LATER, LATEST = "2026-01-08T08:00:00Z", "2026-01-09T08:00:00Z"


async def partners(ingest: Ingest) -> tuple[Ingest, Ingest]:
    """Register a customer and a supplier, with a site each, and return both with keys of their own."""
    await ingest.accept(party("buyer"), party("maker"), site("buyer", "plant"), site("maker", "works"))
    for owner, bpnl, sites in (("buyer", CUSTOMER, {PLANT: "plant"}), ("maker", SUPPLIER, {WORKS: "works"})):
        told = {"bpnl": bpnl, "sites": sites}
        answer = await ingest.call("PUT", f"/v1/parties/{owner}/business-partner", json=told)
        assert answer.status == 200, answer.body
    return await ingest.new_key("buyer"), await ingest.new_key("maker")


async def post(by: Ingest, aspect: str, *objects: Any, **more: Any) -> Answer:
    body = message(*objects, **more)
    return await by.call("POST", f"/v1/catena-x/{aspect}", data=body)


async def tell_demand(buyer: Ingest, *objects: Any) -> Answer:
    return await post(buyer, "WeekBasedMaterialDemand", *objects)


async def tell_group(maker: Ingest, *objects: Any) -> Answer:
    told = {"sender": SUPPLIER, "receiver": CUSTOMER}
    return await post(maker, "WeekBasedCapacityGroup", *objects, **told)


async def market(kafka: KafkaSettings, ingest: Ingest) -> list[tuple[str, dict[str, Any]]]:
    """Return type and data of everything that the log was told, once it is told."""
    await ingest.outbox_empty()
    return [(event.type, json.loads(event.data)) for _, event in await written(kafka)]


async def test_what_a_pair_tells_each_other_is_compared_and_stays_between_them(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        buyer, maker = await partners(ingest)
        assert (await tell_demand(buyer, demand())).status == 201
        assert (await tell_group(maker, group())).status == 201
        assert (await tell_demand(buyer, demand(changedAt=LATER))).status == 200
        for side, owner, other in ((buyer, "buyer", SUPPLIER), (maker, "maker", CUSTOMER)):
            shown = await side.call("GET", f"/v1/parties/{owner}/catena-x/comparisons?partner={other}")
            (compared,) = shown.body["comparisons"]
            assert [(w["total"], w["colour"], w["missing"]) for w in compared["weeks"]] == [
                (1000, "red", 200),
                (0, "green", 0),
            ]
        assert await market(kafka, ingest) == []
        stranger = await ingest.call("GET", f"/v1/parties/buyer/catena-x/comparisons?partner={catenax.OTHER}")
        assert stranger.body == {"comparisons": [], "unanswered": [], "next": None}


async def test_what_the_known_supplier_cant_cover_goes_to_the_market_once_the_customer_says_so(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        buyer, maker = await partners(ingest)
        await tell_demand(buyer, demand())
        await tell_group(maker, group())
        release = {"class": CLASS, "material": MATERIAL}
        path = "/v1/parties/buyer/catena-x/releases/seals"
        assert (await buyer.call("PUT", path, json=release)).status == 200
        ((kind, told),) = await market(kafka, ingest)
        assert (kind, told["demand"]["party"], told["site"]["site"]) == (
            "tenon.demand.listed.v1",
            "buyer",
            "plant",
        )
        (window,) = told["demand"]["windows"]
        assert (window["quantity"], window["from"]) == (200, f"{week(3)}T00:00:00Z")
        assert {"type": "catenax-material-demand", "id": DEMAND_ID} in told["demand"]["external_references"]

        wider = group(capacity(week(3), 900, 950), capacity(week(4), 1, 1), changedAt=LATER)
        assert (await tell_group(maker, wider)).status == 200
        assert (await tell_group(maker, wider)).status == 200
        _, (kind, revised) = await market(kafka, ingest)
        assert revised["demand"]["windows"][0]["quantity"] == 50
        assert revised["demand"]["revision"] > told["demand"]["revision"]

        await tell_group(maker, group(capacity(week(3), 1000, 1000), changedAt=LATEST))
        withdrawn = (await market(kafka, ingest))[-1]
        assert withdrawn[0] == "tenon.demand.withdrawn.v1"
        assert withdrawn[1]["demand"] == told["demand"]["demand"]
        await tell_demand(buyer, demand(series({week(3): 1001}), changedAt=LATEST))
        again = (await market(kafka, ingest))[-1][1]["demand"]
        assert (again["demand"], again["windows"][0]["quantity"]) == (told["demand"]["demand"], 1)

        assert (await buyer.call("DELETE", path)).status == 204
        assert (await market(kafka, ingest))[-1][0] == "tenon.demand.withdrawn.v1"
        assert (await buyer.call("DELETE", path)).status == 404


async def test_the_supplier_may_offer_what_is_spare(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        buyer, maker = await partners(ingest)
        release = {
            "class": CLASS,
            "capacity_group": GROUP_ID,
            "price": {"amount": "1.20", "currency": "EUR"},
        }
        path = "/v1/parties/maker/catena-x/releases/press"
        assert (await maker.call("PUT", path, json=release)).status == 200
        await tell_group(maker, group())
        assert await market(kafka, ingest) == [], "nobody knows what of it the customer needs"
        await tell_demand(buyer, demand(series({week(3): 300, week(4): 900})))
        ((kind, told),) = await market(kafka, ingest)
        assert (kind, told["offer"]["site"]) == ("tenon.offer.listed.v1", "works")
        assert [w["quantity"] for w in told["offer"]["windows"]] == [500]
        (shown,) = (await maker.call("GET", "/v1/parties/maker/catena-x/releases")).body["releases"]
        assert [(each["open"], each["kind"]) for each in shown["listings"]] == [(True, "offer")]


async def test_why_something_is_not_on_the_market_is_said_and_mended_by_what_was_missing(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        buyer, maker = await partners(ingest)
        elsewhere = series({week(3): 1000}, catenax.SECOND_PLANT)
        await tell_demand(buyer, demand(elsewhere))
        await tell_group(maker, group(linkedDemandSeries=[link(location=catenax.SECOND_PLANT)]))
        release = {"class": CLASS, "material": MATERIAL}
        await buyer.call("PUT", "/v1/parties/buyer/catena-x/releases/seals", json=release)
        (shown,) = (await buyer.call("GET", "/v1/parties/buyer/catena-x/releases")).body["releases"]
        (listing,) = shown["listings"]
        assert listing["problem"] == f"no site of this party has the number {catenax.SECOND_PLANT}"
        assert await market(kafka, ingest) == []
        told = {"bpnl": CUSTOMER, "sites": {PLANT: "plant", catenax.SECOND_PLANT: "plant"}}
        await ingest.call("PUT", "/v1/parties/buyer/business-partner", json=told)
        ((kind, _),) = await market(kafka, ingest)
        assert kind == "tenon.demand.listed.v1"


async def test_each_case_of_the_tables_has_its_status(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        buyer, maker = await partners(ingest)
        other = demand(materialDemandId="11111111-1111-4111-8111-111111111111")
        assert [
            (await tell_demand(buyer, demand())).status,
            (await tell_demand(buyer, other)).status,
            (await tell_demand(buyer, demand(changedAt="2025-01-01T00:00:00Z"))).status,
            (await tell_demand(maker, demand())).status,
            (await tell_demand(buyer, demand(supplier=catenax.OTHER))).status,
            (await tell_group(maker, group(linkedDemandSeries=[]))).status,
            (await tell_group(maker, group())).status,
        ] == [201, 400, 400, 400, 400, 400, 201]
        answer = await tell_demand(buyer, {**other, "materialNumberCustomer": "RING"}, {"customer": 5})
        assert (answer.status, [each["status"] for each in answer.body["results"]]) == (400, [201, 400])
        held = (await buyer.call("GET", "/v1/parties/buyer/catena-x/demands?limit=1")).body
        assert len(held["objects"]) == 1
        rest = (await buyer.call("GET", f"/v1/parties/buyer/catena-x/demands?after={held['next']}")).body
        assert [each["object"]["materialNumberCustomer"] for each in rest["objects"]] == [MATERIAL]
        assert (await ingest.call("GET", "/v1/catena-x/WeekBasedMaterialDemand")).status == 405
        assert (await buyer.call("POST", "/v1/catena-x/WeekBasedMaterialDemand", data=b"{")).status == 422
        assert (await ingest.having("tenon_no_key").call("POST", "/v1/catena-x/IdBasedComment")).status == 401


async def test_who_has_no_number_is_no_partner_and_a_number_has_one_owner(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        await partners(ingest)
        await ingest.accept(party("else"))
        stranger = await ingest.new_key("else")
        assert (await tell_demand(stranger, demand())).status == 403
        path = "/v1/parties/else/business-partner"
        assert (await stranger.call("PUT", path, json={"bpnl": catenax.OTHER})).status == 403
        for told, status in (
            ({"bpnl": CUSTOMER}, 409),
            ({"bpnl": catenax.OTHER, "sites": {"BPNS00000000NONE": "nowhere"}}, 422),
            ({"bpnl": "DE123"}, 422),
            ({"bpnl": catenax.OTHER}, 200),
        ):
            assert (await ingest.call("PUT", path, json=told)).status == status, told
        assert (await ingest.call("PUT", path, json={"bpnl": "BPNL00000000ANEW"})).status == 409
        assert (await ingest.call("PUT", "/v1/parties/nobody/business-partner", json=told)).status == 404
        assert (await stranger.call("GET", path)).body == {"bpnl": catenax.OTHER}
        assert (await stranger.call("GET", "/v1/parties/buyer/business-partner")).status == 404


async def test_comments_are_kept_changed_and_deleted_for_good_by_who_wrote_them(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        buyer, maker = await partners(ingest)
        as_maker = {"sender": SUPPLIER, "receiver": CUSTOMER}

        async def tell(side: Ingest, **more: Any) -> int:
            told = as_maker if side is maker else {}
            return (await post(side, "IdBasedComment", comment(**more), **told)).status

        assert await tell(maker) == 403, "no such object was exchanged"
        await tell_group(maker, group())
        delete = {"requestDelete": True}
        assert [
            await tell(maker),
            await tell(maker, changedAt=LATER, commentText="In June."),
            await tell(buyer, changedAt=LATEST),
            await tell(buyer, **delete),
        ] == [201, 200, 400, 400]
        (kept,) = (await buyer.call("GET", "/v1/parties/buyer/catena-x/comments")).body["objects"]
        assert (kept["object"]["commentText"], kept["object"]["commentId"]) == ("In June.", COMMENT_ID)
        assert [
            await tell(maker, **delete),
            await tell(maker, **delete),
            await tell(maker, changedAt=LATEST),
        ] == [
            200,
            200,
            400,
        ]
        assert (await buyer.call("GET", "/v1/parties/buyer/catena-x/comments")).body["objects"] == []


async def test_a_request_for_update_is_answered_with_what_is_newer(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        buyer, maker = await partners(ingest)
        await tell_demand(buyer, demand())
        await tell_group(maker, group())
        as_maker = {"sender": SUPPLIER, "receiver": CUSTOMER}

        async def ask(side: Ingest, *asked: dict[str, Any]) -> tuple[list[Any], list[Any]]:
            told = as_maker if side is maker else {}
            answer = await post(side, "IdBasedRequestForUpdate", *asked, **told)
            assert (answer.status, answer.body["left"]) == (200, 0), answer.body
            return answer.body["weekBasedMaterialDemand"], answer.body["weekBasedCapacityGroup"]

        (told,), nothing = await ask(maker, {})
        assert (told["materialDemandId"], told["demandSeries"][0]["demands"][0]["demand"]) == (
            DEMAND_ID,
            1000,
        )
        assert nothing == []
        assert [len(each) for each in await ask(buyer, {})] == [0, 1]
        assert await ask(maker, {"weekBasedCapacityGroup": []}) == ([], [])
        known = {"materialDemandId": f"urn:uuid:{DEMAND_ID.upper()}", "changedAt": demand()["changedAt"]}
        assert await ask(maker, {"weekBasedMaterialDemand": [known]}) == ([], [])
        await tell_demand(buyer, demand(changedAt=LATER))
        assert len((await ask(maker, {"weekBasedMaterialDemand": [known]}))[0]) == 1
        broken = await post(maker, "IdBasedRequestForUpdate", {"weekBasedMaterialDemand": [{}]}, **as_maker)
        assert broken.status == 400


async def test_a_disruption_is_kept_and_shown_to_both_sides(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        buyer, maker = await partners(ingest)

        async def tell(side: Ingest, told: dict[str, Any], **more: Any) -> int:
            body = catenax.notification(told, **more)
            return (await side.call("POST", "/v1/catena-x/DemandAndCapacityNotification", data=body)).status

        back = {"sender": CUSTOMER, "receiver": SUPPLIER}
        resolved = catenax.notice(status="resolved", contentChangedAt=LATEST)
        turned = {**resolved, "affectedSitesSender": [PLANT], "affectedSitesRecipient": [WORKS]}
        assert [
            await tell(maker, catenax.notice()),
            await tell(maker, catenax.notice()),
            await tell(buyer, turned, **back),
            await tell(maker, catenax.notice(), receiver=catenax.OTHER),
            await tell(maker, resolved),
        ] == [200, 400, 400, 400, 200]
        for side, owner in ((buyer, "buyer"), (maker, "maker")):
            (shown,) = (await side.call("GET", f"/v1/parties/{owner}/catena-x/notifications")).body["objects"]
            assert (shown["sender"], shown["object"]["status"]) == (SUPPLIER, "resolved")


async def test_a_deviation_is_of_demand_as_it_was_and_as_it_was_measured_last(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        buyer, maker = await partners(ingest)
        start = datetime.now(UTC) + timedelta(seconds=60)
        parameters = {
            "startReferenceDateTime": start.isoformat(),
            "measurementInterval": 1,
            "rollingHorizonAlertThresholds": [
                {"sequenceNumber": 1, "subhorizonLength": 52, "relativePositiveDeviation": 0.1}
            ],
        }
        await tell_demand(buyer, demand(series({week(6): 100})))
        await tell_group(maker, group(capacity(week(6), 1, 1), demandVolatilityParameters=parameters))
        await tell_demand(buyer, demand(series({week(6): 120}), changedAt=LATER))
        path = f"/v1/parties/maker/catena-x/deviations?partner={CUSTOMER}"
        assert (await maker.call("GET", path)).body == {"deviations": [], "next": None}
        async with Database.connect(postgres, schema="ingest") as database:
            # As if all of it had happened: the first demand before the start, the second a week later.
            await database.execute(
                "UPDATE catenax_versions SET received_at = received_at - interval '15 days',"
                " superseded_at = superseded_at - interval '7 days'"
            )
            await database.execute("UPDATE catenax_objects SET received_at = received_at - interval '7 days'")
            moved = {**parameters, "startReferenceDateTime": (start - timedelta(days=9)).isoformat()}
            await database.execute(
                "UPDATE catenax_objects SET data = data || $1::text::jsonb"
                " WHERE aspect = 'WeekBasedCapacityGroup'",
                json.dumps({"demandVolatilityParameters": moved}),
            )
        (shown,) = (await maker.call("GET", path)).body["deviations"]
        (deviated,) = shown["weeks"]
        assert (shown["alerts"], deviated["previous"], deviated["latest"]) == (1, 100, 120)
        assert (deviated["relative"], deviated["exceeded"]) == (0.2, ["relativePositiveDeviation"])


async def test_short_term_figures_are_kept_and_shown(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        buyer, maker = await partners(ingest)
        as_maker = {"sender": SUPPLIER, "receiver": CUSTOMER}
        for aspect in SHORT_TERM:
            told = EXAMPLES[aspect.name]
            statuses = [(await post(maker, aspect.name, told, **as_maker)).status for _ in range(2)]
            assert statuses == [201, 200], aspect.name
            path = f"/v1/parties/buyer/catena-x/short-term?aspect={aspect.name}&partner={SUPPLIER}"
            (shown,) = (await buyer.call("GET", path)).body["objects"]
            assert (shown["sender"], shown["object"]) == (SUPPLIER, told)
        nobody = {"sender": SUPPLIER, "receiver": catenax.OTHER}
        assert (await post(maker, "ItemStock", EXAMPLES["ItemStock"], **nobody)).status == 400


async def test_what_comes_at_once_is_on_the_market_as_if_it_came_in_turn(
    kafka: KafkaSettings, postgres: str
) -> None:
    names = [f"RING {n}" for n in range(8)]
    async with ready(kafka, postgres, **PATIENT) as ingest:
        buyer, maker = await partners(ingest)

        def told(n: int) -> dict[str, Any]:
            return demand(
                materialDemandId=f"00000000-0000-4000-8000-{n:012d}", materialNumberCustomer=names[n]
            )

        def answer(n: int) -> dict[str, Any]:
            return group(
                capacityGroupId=f"10000000-0000-4000-8000-{n:012d}", linkedDemandSeries=[link(names[n])]
            )

        def let(n: int) -> Any:
            path = f"/v1/parties/buyer/catena-x/releases/ring-{n}"
            return buyer.call("PUT", path, json={"class": CLASS, "material": names[n]})

        every = range(len(names))
        answers = await asyncio.gather(
            *(tell_demand(buyer, told(n)) for n in every),
            *(let(n) for n in every),
            *(tell_group(maker, answer(n)) for n in every),
        )
        assert {each.status for each in answers} == {200, 201}
        shown = (await buyer.call("GET", "/v1/parties/buyer/catena-x/releases")).body["releases"]
        assert [[listing["open"] for listing in each["listings"]] for each in shown] == [[True]] * len(names)
        events = [data["demand"] for _, data in await market(kafka, ingest)]
        assert [each["windows"][0]["quantity"] for each in events] == [200] * len(names)
