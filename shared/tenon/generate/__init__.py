"""Generated contracts and documents: written from their sources, checked for freshness.

Decides which files are generated and from what. It must not know any service: a service that has settings,
metrics or an HTTP interface says so by an entry point of the group `tenon.generated`, a function without
arguments that returns its `Contribution`.
"""

from tenon.generate.contribution import Contribution, contributions
from tenon.generate.files import check, write
from tenon.generate.plan import plan

__all__ = ["Contribution", "check", "contributions", "plan", "write"]
