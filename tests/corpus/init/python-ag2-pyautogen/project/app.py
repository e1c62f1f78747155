import autogen
from autogen import agentchat

config = {"config_list": autogen.config_list_from_json("OAI_CONFIG_LIST")}
analyst = autogen.AssistantAgent(name="analyst", llm_config=config)
user = autogen.UserProxyAgent(name="user", code_execution_config=False)


@user.register_for_execution(name="run_sql")
@analyst.register_for_llm(name="run_sql", description="Run a query, read only.")
async def sql(query: str) -> str:
    return ""


def plot(series: list[float], kind: str = "line") -> str:
    """Draw a picture."""
    return "plot.png"


def teardown() -> None:
    """Remove temporary files."""


agentchat.register_function(plot, caller=analyst, executor=user, description="Draw a picture")
user.initiate_chat(analyst, message="How did sales go?")
