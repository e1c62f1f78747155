from google.adk.agents import LlmAgent


def get_weather(city: str, unit: str = "C") -> dict:
    """The weather in a city."""
    return {}


weather_agent = LlmAgent(name="weather_agent", model="gemini-2.5-flash", tools=[get_weather])
