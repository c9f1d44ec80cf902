"""What watches a stack: Prometheus as a process of it, and the dashboards of Grafana, which are generated.

Rules and alerts are written by hand, in `deploy/prometheus`.
"""

from tenon_local.monitoring.dashboards import files
from tenon_local.monitoring.prometheus import Prometheus

__all__ = ["Prometheus", "files"]
