"""What each dashboard shows. Data only: `dashboards` makes Grafana's documents of it."""

from __future__ import annotations

from tenon_local.monitoring.panels import Dashboard, common, consuming, panel, quantiles

OVERVIEW = Dashboard(
    "overview",
    "Tenon: the line",
    (
        panel(
            "Processes up",
            "Replicas of each service that Prometheus reaches.",
            "short",
            ("sum by (job) (up)", "{{job}}"),
        ),
        panel(
            "Alerts",
            "That fire now; docs/operations.md says of each what it means and what to do first.",
            "short",
            ('sum by (alertname) (ALERTS{alertstate="firing"}) or vector(0)', "{{alertname}}"),
        ),
        panel(
            "Set aside",
            "What can't be told as things are: an operator has to look.",
            "short",
            ("max by (job, relay) (tenon_relay_parked)", "{{job}} {{relay}}"),
        ),
        panel(
            "Events",
            "That ingest answered with 202, and that it refused.",
            "ops",
            ("tenon:accepted:rate1m", "accepted"),
            ("sum(rate(tenon_ingest_rejected_total[1m]))", "rejected"),
        ),
        panel(
            "Dockings",
            "Made, and ended with something given back.",
            "ops",
            ("tenon:dockings:rate1m", "made"),
            ("sum(rate(tenon_matcher_releases_total[1m]))", "released"),
        ),
        panel(
            "Time to answer, 99 of 100",
            "From a request's head to the head of its answer.",
            "s",
            ("job:http_answer_seconds:p99", "{{job}}"),
        ),
        panel(
            "Time of a round, 99 of 100",
            "By stage.",
            "s",
            ("stage:round_seconds:p99", "{{stage}}"),
        ),
        panel(
            "Time to the feed, 99 of 100",
            "From a record's writing to its entry in the feed.",
            "s",
            ("tenon:feed_wait_seconds:p99", "all topics"),
        ),
        panel(
            "Backlog age",
            "How long the oldest record that is not handled has waited.",
            "s",
            ("job_topic:lag_seconds:max", "{{job}} {{topic}}"),
        ),
        panel(
            "Age of the oldest that waits to be told",
            "By relay.",
            "s",
            ("job_relay:oldest_seconds:max", "{{job}} {{relay}}"),
        ),
        panel(
            "Open demands",
            "By tier; 1 is served first.",
            "short",
            ("tier:demands_open:sum", "tier {{tier}}"),
        ),
        panel(
            "Why they are open",
            "Share of open demands by the test that most offers of their class fail.",
            "percentunit",
            ("reason:demands_open:share", "{{reason}}"),
        ),
        panel(
            "Memory",
            "Resident, of all processes of a service.",
            "bytes",
            ("sum by (job) (process_resident_memory_bytes)", "{{job}}"),
        ),
        panel(
            "Processor",
            "Cores that each service keeps busy.",
            "short",
            ("sum by (job) (rate(process_cpu_seconds_total[1m]))", "{{job}}"),
        ),
    ),
)

INGEST = Dashboard(
    "ingest",
    "Tenon: ingest",
    (
        panel(
            "Accepted",
            "Events that were answered with 202, by type.",
            "ops",
            ("sum by (type) (rate(tenon_ingest_accepted_total[1m]))", "{{type}}"),
        ),
        panel(
            "Rejected",
            "By the name of the problem.",
            "ops",
            ("sum by (reason) (rate(tenon_ingest_rejected_total[1m]))", "{{reason}}"),
        ),
        panel(
            "Memory in use for requests",
            "Bytes of requests under way, and of records that wait for Kafka; above the limits 503.",
            "bytes",
            ("sum(tenon_ingest_in_flight_bytes)", "in flight"),
            ("sum(tenon_ingest_kafka_waiting_bytes)", "waiting for Kafka"),
        ),
        panel(
            "Catena-X",
            "Objects of messages by what became of them, and what went to the open market or left it.",
            "ops",
            ("sum by (outcome) (rate(tenon_ingest_catenax_objects_total[1m]))", "{{outcome}}"),
            ("sum(rate(tenon_ingest_catenax_listed_total[1m]))", "to the market or off it"),
        ),
        panel(
            "MTConnect",
            "Agents that were asked, by what for; what was lost of them; how often capacity was published.",
            "ops",
            ("sum by (outcome) (rate(tenon_ingest_mtconnect_asked_total[1m]))", "{{outcome}}"),
            ("sum(rate(tenon_ingest_mtconnect_lost_total[1m]))", "lost"),
            ("sum(rate(tenon_ingest_mtconnect_told_total[1m]))", "published"),
        ),
        panel(
            "MTConnect: observations",
            "What agents have told, of any kind.",
            "ops",
            ("sum(rate(tenon_ingest_mtconnect_observations_total[1m]))", "observations"),
        ),
        panel(
            "EPCIS",
            "Events by what became of them, and reports of progress that they led to.",
            "ops",
            ("sum by (outcome) (rate(tenon_ingest_epcis_events_total[1m]))", "{{outcome}}"),
            ("sum(rate(tenon_ingest_epcis_told_total[1m]))", "reports of progress"),
        ),
        panel(
            "Rows of imported files",
            "By what became of them; tried: in a dry run.",
            "ops",
            ("sum by (outcome) (rate(tenon_ingest_import_rows_total[1m]))", "{{outcome}}"),
        ),
        panel(
            "Imports that ended",
            "Of files, by how.",
            "ops",
            ("sum by (outcome) (rate(tenon_ingest_imports_total[1m]))", "{{outcome}}"),
        ),
        *common("ingest"),
    ),
)

MATCHER = Dashboard(
    "matcher",
    "Tenon: matcher",
    (
        panel(
            "Rounds",
            "Committed.",
            "ops",
            ("sum(rate(tenon_matcher_rounds_total[1m]))", "rounds"),
        ),
        panel(
            "Records by outcome",
            "What became of the records of the log; skipped ones are dead letters.",
            "ops",
            ("sum by (outcome) (rate(tenon_matcher_records_total[1m]))", "{{outcome}}"),
        ),
        panel(
            "Records of a round",
            "At rest one, under load many.",
            "short",
            *quantiles("tenon_matcher_round_records"),
        ),
        panel(
            "Time of a round, by stage",
            "Read, decide, commit.",
            "s",
            *quantiles("tenon_matcher_round_seconds", by="stage"),
        ),
        panel(
            "Time to solve a market",
            "Of one market in one round, a part of the stage decide.",
            "s",
            *quantiles("tenon_matcher_solve_seconds"),
        ),
        panel(
            "Time spent",
            "Seconds of each second, all matchers together.",
            "s",
            ("sum by (stage) (rate(tenon_matcher_round_seconds_sum[1m]))", "{{stage}}"),
            ("sum(rate(tenon_matcher_solve_seconds_sum[1m]))", "of it solving"),
        ),
        panel(
            "Dockings",
            "Made, and ended with something given back.",
            "ops",
            ("sum(rate(tenon_matcher_dockings_total[1m]))", "made"),
            ("sum(rate(tenon_matcher_releases_total[1m]))", "released"),
        ),
        panel(
            "Open demands",
            "By tier; 1 is served first.",
            "short",
            ("sum by (tier) (tenon_matcher_demands_open)", "tier {{tier}}"),
        ),
        panel(
            "Why they are open",
            "Open demands by the test that most offers of their class fail.",
            "short",
            ("sum by (reason) (tenon_matcher_demands_open_reasons)", "{{reason}}"),
        ),
        panel(
            "Offers",
            "Of which something is free, and that hold less than what is docked of them.",
            "short",
            ("sum(tenon_matcher_offers_open)", "open"),
            ("sum(tenon_matcher_offers_overdrawn)", "overdrawn"),
        ),
        panel(
            "Loading a partition",
            "Seconds on average since the processes began, and states thrown away in 5 minutes.",
            "short",
            ("sum(tenon_matcher_load_seconds_sum) / sum(tenon_matcher_load_seconds_count)", "seconds"),
            ("sum(increase(tenon_matcher_states_dropped_total[5m]))", "dropped"),
        ),
        panel(
            "Clock of the log",
            "How far the slowest partition's clock is behind; it moves with rounds.",
            "s",
            ("max(time() - tenon_matcher_clock_seconds)", "behind"),
        ),
        panel(
            "Engines",
            "Processes by the version that decides; more than one only while a new one is rolled out.",
            "short",
            ("count by (engine) (tenon_matcher_engine)", "{{engine}}"),
        ),
        *consuming("matcher"),
        *common("matcher"),
    ),
)

NOTIFIER = Dashboard(
    "notifier",
    "Tenon: notifier",
    (
        panel(
            "Events",
            "That said something new, and echoes, which have no effect.",
            "ops",
            ("sum by (topic) (rate(tenon_notifier_events_total[1m]))", "{{topic}}"),
            ("sum by (topic) (rate(tenon_notifier_echoes_total[1m]))", "{{topic}} echoes"),
        ),
        panel(
            "Unusable records",
            "Set aside in tenon.rejected, in 5 minutes.",
            "short",
            (
                "sum by (topic, code) (increase(tenon_notifier_unusable_total[5m])) or vector(0)",
                "{{topic}} {{code}}",
            ),
        ),
        panel(
            "Entries of feeds",
            "Written, and handed to live streams.",
            "ops",
            ("sum(rate(tenon_notifier_feed_entries_total[1m]))", "written"),
            ("sum(rate(tenon_notifier_streamed_total[1m]))", "streamed"),
        ),
        panel(
            "Time to the feed",
            "From a record's writing to its entry in the feed.",
            "s",
            *quantiles("tenon_notifier_feed_wait_seconds"),
        ),
        panel(
            "Live streams",
            "Being served, and ended by this side in 5 minutes.",
            "short",
            ("sum(tenon_notifier_streams)", "served"),
            (
                "sum by (reason) (increase(tenon_notifier_streams_closed_total[5m])) or vector(0)",
                "ended: {{reason}}",
            ),
        ),
        panel(
            "Entries read for streams",
            "At a time.",
            "short",
            *quantiles("tenon_notifier_tail_entries"),
        ),
        panel(
            "Webhooks by outcome",
            "Calls of endpoints.",
            "ops",
            ("sum by (outcome) (rate(tenon_notifier_webhook_attempts_total[1m]))", "{{outcome}}"),
        ),
        panel(
            "Time of a call",
            "Until the endpoint has answered.",
            "s",
            *quantiles("tenon_notifier_webhook_seconds"),
        ),
        panel(
            "Endpoints",
            "Being called now, and called no more.",
            "short",
            ("sum(tenon_notifier_webhook_endpoints)", "being called"),
            ("max(tenon_notifier_webhook_endpoints_disabled)", "disabled"),
        ),
        panel(
            "Given up",
            "Events parked after their last attempt, and endpoints disabled, in an hour.",
            "short",
            ("sum(increase(tenon_notifier_webhook_parked_total[1h]))", "parked"),
            ("sum(increase(tenon_notifier_webhook_disabled_total[1h]))", "disabled"),
        ),
        panel(
            "Rows removed",
            "Because of their age, in an hour.",
            "short",
            ("sum by (table) (increase(tenon_notifier_retention_removed_total[1h]))", "{{table}}"),
        ),
        *consuming("notifier"),
        *common("notifier"),
    ),
)

DASHBOARDS = (OVERVIEW, INGEST, MATCHER, NOTIFIER)
