"""Calling the endpoints of subscribers: the queue of an endpoint is the feed behind its cursor."""
