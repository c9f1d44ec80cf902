"""The types of Catena-X that the interface's description shows."""

from ingest.catenax.asking import Updates
from ingest.catenax.partners import BusinessPartner
from ingest.catenax.posts import MessageProblem, MessageTaken
from ingest.catenax.views import Comparisons, DeviationShown, ReleaseShown
from ingest.formats.catenax.aspects import COMMENT, DEMAND, GROUP, NOTIFICATION, SHORT_TERM, UPDATE
from ingest.formats.catenax.reading import Header
from ingest.formats.catenax.releases import Release

CATENAX: tuple[type, ...] = (
    DEMAND.kind,
    GROUP.kind,
    COMMENT.kind,
    UPDATE.kind,
    NOTIFICATION.kind,
    *(aspect.kind for aspect in SHORT_TERM),
    Updates,
    Header,
    MessageTaken,
    MessageProblem,
    BusinessPartner,
    Release,
    Comparisons,
    DeviationShown,
    ReleaseShown,
)
