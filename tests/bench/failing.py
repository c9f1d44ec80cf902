"""Why a run has no figures."""


class BenchFailed(Exception):
    """The run can't be measured, or was not honest."""
