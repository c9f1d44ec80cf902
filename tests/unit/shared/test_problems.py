"""Problem documents: every error of an app has the same form."""

import msgspec
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from tenon.errors import Duplicate, Fenced, Misconfigured, TenonError, Transient, Unusable
from tenon.problems import Fault, Problem, install, of_error, unavailable
from tests.support import asgi


class Body(BaseModel):
    size: int


def app() -> FastAPI:
    made = FastAPI()
    install(made, [RequestValidationError])

    @made.get("/problem")
    async def problem() -> None:
        faults = [Fault("/data/until", "ends before it begins", "an instant after /data/from")]
        raise Problem(422, "the event can't be used", slug="invalid-event", errors=faults)

    @made.get("/away")
    async def away() -> None:
        raise Transient("the database")

    @made.get("/bug")
    async def bug() -> None:
        raise ZeroDivisionError

    @made.post("/body")
    async def body(given: Body) -> None:
        return None

    several = APIRouter(prefix="/several")
    for method in ("GET", "POST"):
        several.add_api_route("/{name}", away, methods=[method], operation_id=method)
    made.include_router(several)
    return made


async def ask(method: str, path: str, body: bytes = b"") -> asgi.Answer:
    answer = await asgi.ask(app(), method, path, body, content_type="application/json")
    assert answer.headers["content-type"] == "application/problem+json"
    return answer


async def test_a_problem_names_each_fault_with_its_place() -> None:
    answer = await ask("GET", "/problem")
    assert answer.status == 422
    assert answer.json() == {
        "type": "/problems/invalid-event",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "the event can't be used",
        "errors": [
            {
                "pointer": "/data/until",
                "reason": "ends before it begins",
                "expected": "an instant after /data/from",
            }
        ],
    }


async def test_the_frameworks_own_errors_have_the_same_form() -> None:
    nowhere = await ask("GET", "/nowhere")
    assert nowhere.json() == {"type": "/problems/not-found", "title": "Not Found", "status": 404}
    wrong = await ask("DELETE", "/problem")
    assert (wrong.status, wrong.json()["type"]) == (405, "/problems/method-not-allowed")
    assert wrong.headers["allow"] == "GET"


async def test_all_methods_that_an_address_takes_are_told() -> None:
    wrong = await ask("DELETE", "/several/x")
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET, POST")


async def test_what_is_away_asks_to_be_tried_again() -> None:
    answer = await ask("GET", "/away")
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert "database" not in answer.text


async def test_a_bug_tells_nothing_of_its_inside_but_is_raised_to_be_logged() -> None:
    answer = await ask("GET", "/bug")
    assert (answer.status, answer.json()["detail"]) == (500, "the fault is ours; it has been logged")
    assert isinstance(answer.raised, ZeroDivisionError)


async def test_a_body_that_is_not_as_described_is_pointed_at() -> None:
    answer = await ask("POST", "/body", b'{"size": "large"}')
    assert (answer.status, answer.json()["type"]) == (422, "/problems/invalid-request")
    assert answer.json()["errors"][0]["pointer"] == "/size"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Transient("x"), 503),
        (Unusable("too large", "/data"), 422),
        (Duplicate("x", "key"), 409),
        (Misconfigured("x"), 503),
        (Fenced("x"), 500),
    ],
)
def test_each_kind_of_error_has_its_status(error: TenonError, status: int) -> None:
    assert of_error(error).document.status == status


def test_unavailable_says_when_to_try_again() -> None:
    problem = unavailable("Kafka is behind", 5)
    assert problem.headers == {"retry-after": "5"}
    assert msgspec.json.decode(problem.response().body)["status"] == 503
