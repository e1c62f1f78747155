"""Faramesh for Python: every tool call is decided before it runs.

    from faramesh import GovernedToolSet

    tools = GovernedToolSet([search, refund], agent_id="support-bot")

Give ``tools`` to your framework. A call that is not permitted raises
:class:`ToolDeniedException` and the tool does not run.
"""

from __future__ import annotations

from .asking import WAIT
from .autoload import install_from_environment
from .exceptions import (
    ArgumentsInvalid,
    DaemonProtocolError,
    DaemonTimeout,
    DaemonUnreachable,
    ToolDeferredException,
    ToolDeniedException,
)
from .http_transport import HttpTransport
from .resolution import (
    BudgetReset,
    Operator,
    PendingApproval,
    PendingApprovals,
    Resolution,
    RetryAfter,
    RuleBlock,
    Unmet,
)
from .session import Delegation, Session, Spawned
from .stub import RecordedCall, StubTransport
from .toolset import GovernedToolSet, governed
from .transport import Transport
from .unix_socket import UnixSocketTransport

__version__ = "0.4.0"

__all__ = [
    "WAIT",
    "ArgumentsInvalid",
    "BudgetReset",
    "DaemonProtocolError",
    "DaemonTimeout",
    "DaemonUnreachable",
    "Delegation",
    "GovernedToolSet",
    "HttpTransport",
    "Operator",
    "PendingApproval",
    "PendingApprovals",
    "RecordedCall",
    "Resolution",
    "RetryAfter",
    "RuleBlock",
    "Session",
    "Spawned",
    "StubTransport",
    "ToolDeferredException",
    "ToolDeniedException",
    "Transport",
    "UnixSocketTransport",
    "Unmet",
    "__version__",
    "governed",
]

install_from_environment()
