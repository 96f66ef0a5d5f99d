"""Reports: blocks, and what makes one HTML file of them."""

from workbench.report.blocks import Block
from workbench.report.html import build, write
from workbench.report.saliency import saliency_report
from workbench.report.single import explanation_blocks, record_blocks

__all__ = ["Block", "build", "explanation_blocks", "record_blocks", "saliency_report", "write"]
