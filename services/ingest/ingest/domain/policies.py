"""The rules between the fields of a policy.

Worth must fall and reach must grow from step to step: only then is the best allocation a linear program.
"""

from collections.abc import Iterator
from itertools import pairwise

from ingest.domain.faults import Fault
from tenon.contracts.intake import PolicyPublished, ReachStep, Tranche


def policy_faults(policy: PolicyPublished) -> Iterator[Fault]:
    """Yield every rule that a policy breaks."""
    yield from _tranches(policy.tranches)
    yield from _reach(policy.reach)
    if policy.market is not None and not policy.market.strip():
        yield Fault("/data/market", "empty", "a market, such as hs:63; without it the policy is for all")


def _tranches(tranches: tuple[Tranche, ...]) -> Iterator[Fault]:
    if tranches[0].up_to_share <= 0:
        yield Fault("/data/tranches/0/up_to_share", "holds nothing", "a share above 0")
    for index, (before, after) in enumerate(pairwise(tranches), start=1):
        at = f"/data/tranches/{index}"
        if after.up_to_share <= before.up_to_share:
            yield Fault(f"{at}/up_to_share", "shares must rise", f"a share above {before.up_to_share}")
        if after.value > before.value:
            reason = "what is filled later can't be worth more"
            yield Fault(f"{at}/value", reason, f"at most {before.value}")
    if tranches[-1].up_to_share != 1:
        last = f"/data/tranches/{len(tranches) - 1}/up_to_share"
        yield Fault(
            last, "the last tranche must reach the whole", "1 (with value 0 for what is worth nothing)"
        )


def _reach(reach: tuple[ReachStep, ...]) -> Iterator[Fault]:
    if reach[0].waiting_s != 0:
        yield Fault("/data/reach/0/waiting_s", "nothing is said of the time before", "0")
    for index, (before, after) in enumerate(pairwise(reach), start=1):
        at = f"/data/reach/{index}"
        if after.waiting_s <= before.waiting_s:
            yield Fault(f"{at}/waiting_s", "waiting times must rise", f"more than {before.waiting_s}")
        if before.distance_m is None:
            yield Fault(at, "the step before allows any distance already", "no step after that one")
        elif after.distance_m is not None and after.distance_m <= before.distance_m:
            reason = "distances must rise with the waiting time"
            yield Fault(f"{at}/distance_m", reason, f"more than {before.distance_m}")
