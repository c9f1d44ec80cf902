"""`python -m tests.support.toy`."""

from tenon.app import main
from tenon.settings import CommonSettings
from tests.support.toy.service import bind

main(bind, CommonSettings, "tests.support.toy")
