"""Export: a run as a program of its own, without wellfit."""

from wellfit.exporter.programs import TARGETS, Exported, export

__all__ = ["TARGETS", "Exported", "export"]
