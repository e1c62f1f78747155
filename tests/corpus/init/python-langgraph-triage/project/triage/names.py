"""Names that logs and dashboards use too."""

from typing import Final

CLOSE_TOOL: Final[str] = "close_issue"
LIST_TOOL = "list_issues"
