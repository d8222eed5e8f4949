"""Measures a Rag: questions with known evidence, labelled pairs, figures with their intervals.

from eval import run, compare
report = run()
compare(report, Report.read(Path("baseline.json"))).dropped
"""

from __future__ import annotations

from eval.compare import Comparison, Row, compare
from eval.datasets import Dataset, open_dataset
from eval.output import write
from eval.report import Report
from eval.runner import run

__all__ = ["Comparison", "Dataset", "Report", "Row", "compare", "open_dataset", "run", "write"]
