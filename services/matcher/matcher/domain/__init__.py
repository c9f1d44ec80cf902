"""How Tenon decides: a deterministic state machine over the log of a partition.

Pure: no clock, no chance, no input or output. Time arrives as an argument, quantities are integers
(`1/scale` base units), money is integer millionths, distances are integer metres.
"""
