"""Catena-X: demand and capacity management (CX-0128), disruption notifications (CX-0146), short-term figures.

Pure: what a message says, which case of the standard's decision tables it is, what demand and capacity come
to week by week, and what of it may go to the open market. Knows neither HTTP nor where anything is kept.
"""
