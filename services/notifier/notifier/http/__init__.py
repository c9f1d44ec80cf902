"""The notifier's HTTP interface: streams, reads, subscriptions, the page."""
