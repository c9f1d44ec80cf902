"""The steps by which the notifier's schema came to be."""
