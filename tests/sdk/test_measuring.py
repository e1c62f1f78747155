"""What runs used and cost, counted by a real daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from faramesh import GovernedToolSet, ToolDeniedException
from stack import Stack

POLICY = """
agent "support-bot" {
  default deny
  rules { permit ask permit read }
  budget daily { max $0.01 tools ["ask"] }
  ambient { max_data_volume = 200 }
}
"""


def test_a_model_is_priced_and_data_is_counted(tmp_path: Path) -> None:
    stack = Stack(tmp_path, POLICY)
    stack.start()
    try:

        def ask(question: str) -> dict[str, Any]:
            return {"answer": question, "tokens": (1000, 200)}

        def read(name: str) -> str:
            return "x" * 60

        def measure(result: Any) -> Any:
            if not isinstance(result, dict):
                return None
            read, written = result["tokens"]
            return {"usage": {"model": "gpt-5", "input_tokens": read, "output_tokens": written}}

        tools = GovernedToolSet(
            [ask, read], agent_id="support-bot", measure=measure, socket=stack.socket
        )
        # 1,000 tokens at $1.25 and 200 at $10 for a million: $0.00325 each time.
        for _ in range(3):
            assert tools["ask"]("why")["answer"] == "why"
        with pytest.raises(ToolDeniedException) as denied:
            tools["ask"]("why")
        assert denied.value.code == "BUDGET_EXCEEDED"
        assert tools["read"]("a") == "x" * 60
        with pytest.raises(ToolDeniedException) as moved:
            for _ in range(3):
                tools["read"]("a")
        assert moved.value.code == "AMBIENT_EXCEEDED"
    finally:
        stack.stop()
