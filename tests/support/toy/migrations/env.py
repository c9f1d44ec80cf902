"""Runs the migrations of the toy service."""

from sqlalchemy import MetaData

from tenon.migrations import run_env

run_env(MetaData())
