"""State machines of Hypothesis, driven the same way everywhere."""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def drive(machine: type[RuleBasedStateMachine]) -> None:
    """Run a machine through random stories: the same ones each time, ever new ones in the profile `deep`."""
    same = settings.get_current_profile_name() != "deep"
    chosen = settings(deadline=None, derandomize=same, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=chosen)
