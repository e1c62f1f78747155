from agents import (
    Agent,
    GuardrailFunctionOutput,
    Runner,
    WebSearchTool,
    handoff,
    input_guardrail,
)

from .tools import Trip, cancel_booking, find_flights, on_handoff, reserve, send


@input_guardrail
async def no_politics(ctx, agent, value) -> GuardrailFunctionOutput:
    """Stay with travel."""
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered=False)


planner = Agent[Trip](name="Planner", instructions="Plan one day.")
booker = Agent[Trip](name="Booker", tools=[reserve, cancel_booking])

concierge = Agent[Trip](
    name="Concierge",
    instructions="Help travellers.",
    tools=[
        find_flights,
        planner.as_tool(tool_name="plan_day", tool_description="Plan what to do on one day"),
        send,
        WebSearchTool(),
    ],
    handoffs=[handoff(booker, on_handoff=on_handoff)],
    input_guardrails=[no_politics],
)

if __name__ == "__main__":
    print(Runner.run_sync(concierge, "A weekend in Porto", context=Trip(user="u1")).final_output)
