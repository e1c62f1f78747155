from crewai import Agent, Crew, Process, Task
from crewai.project import CrewBase, agent, crew, task
from crewai_tools import FileReadTool, SerperDevTool

from newsdesk.tools.custom_tool import ArchiveTool, PublishTool
from newsdesk.tools.wire import read_wire


@CrewBase
class Newsdesk:
    """The crew."""

    agents_config = "config/agents.yaml"
    tasks_config = "config/tasks.yaml"

    @agent
    def editor(self) -> Agent:
        return Agent(config=self.agents_config["editor"], tools=[SerperDevTool(), PublishTool(), read_wire])

    @task
    def write_task(self) -> Task:
        return Task(config=self.tasks_config["write"], tools=[ArchiveTool(), FileReadTool(file_path="style.md")])

    @crew
    def crew(self) -> Crew:
        return Crew(agents=self.agents, tasks=self.tasks, process=Process.sequential)
