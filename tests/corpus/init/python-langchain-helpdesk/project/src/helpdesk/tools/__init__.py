from .knowledge import handbook_tool, summarise_tool
from .orders import CancelOrderTool, find_order, refund_order
from .tickets import close_ticket, reopen

ALL_TOOLS = [find_order, refund_order, CancelOrderTool(), close_ticket, reopen, handbook_tool, summarise_tool]

__all__ = ["ALL_TOOLS"]
