"""`python -m tenon.generate`: the same as `tenon generate`."""

from tenon.generate.command import generate

generate()
