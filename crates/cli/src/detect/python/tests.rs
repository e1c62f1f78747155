//! Python sources in one table: what is a tool, and what only looks like one.

use std::path::Path;

use super::*;

/// The tools as `name(parameters)` and the warnings, for one file.
fn read(text: &str) -> (Vec<String>, Vec<String>) {
    project(&[("a.py", text)])
}

/// The same, for several files.
fn project(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let mut python = Python::of("desk".to_owned());
    for (path, text) in files {
        python.read(Path::new(path), text);
    }
    for _ in 0..6 {
        for path in python.due_again() {
            let (_, text) = files.iter().find(|(name, _)| Path::new(name) == path).unwrap();
            python.read(&path, text);
        }
    }
    let mut warnings = Vec::new();
    let tools = python.finish(&mut warnings);
    let shown = tools.iter().map(|tool| format!("{}({})", tool.name, tool.parameters.join(",")));
    (shown.collect(), warnings)
}

#[test]
fn hits() {
    let table = [
        ("from langchain.tools import tool as agent_tool\n@agent_tool\ndef f(a): ...", "f(a)"),
        ("from langchain.tools import *\n@tool\ndef f(a, *rest, b=1, **more): ...", "f(a,b)"),
        ("from .deps import mcp\n@mcp.tool('given')\ndef f(): ...", "given()"),
        ("from fastmcp import FastMCP\ndef register(mcp: FastMCP):\n  @mcp.tool\n  def f(a): ...", "f(a)"),
        (
            "from mcp.server import FastMCP\nclass A:\n  def go(self):\n    @self.server.tool()\n    def f(a): ...",
            "f(a)",
        ),
        (
            "from agents import function_tool\nNAME = 'given'\n@function_tool(name_override=NAME)\ndef f(): ...",
            "given()",
        ),
        ("from agents import function_tool\n@function_tool(name_override=None)\ndef f(): ...", "f()"),
        ("from crewai.tools import tool\n@other\n@tool('A' ' tool')\ndef f(): ...", "A tool()"),
        ("from langchain.tools import tool\ndef f(a): ...\nt = tool(f)", "f(a)"),
        ("from langchain.tools import tool\ndef f(a): ...\nt = tool('given')(f)", "given(a)"),
        ("from strands import tool\nclass A:\n  @tool\n  def f(self, a): ...", "f(a)"),
        ("def f(a): ...\nmodel.bind_tools(tools=[f])", "f(a)"),
        ("def f(a): ...\nmodel.bind_tools([*[f]])", "f(a)"),
        ("import typing\ndef f(a): ...\nmodel.bind_tools(typing.cast(list, [f]))", "f(a)"),
        ("from langgraph.prebuilt import ToolNode\ndef f(a): ...\nn = ToolNode([f])", "f(a)"),
        (
            "from google.adk.tools import BaseTool\nclass A(BaseTool):\n  def __init__(self):\n    super().__init__(name='given')\n  async def run_async(self, args): ...",
            "given(args)",
        ),
        (
            "t = {'type': 'function', 'function': {'name': 'f', 'parameters': {'properties': {'a': {}}}}}",
            "f(a)",
        ),
        ("t = {'type': 'function', 'name': 'f', 'parameters': {'properties': {}}}", "f()"),
        ("from crewai.tools import tool\n@tool('A' + ' ' + \"tool\")\ndef f(): ...", "A tool()"),
        (
            "from langchain.tools import tool\n@tool('other')\ndef f(a): ...\nmodel.bind_tools([f])",
            "other(a)",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(read(text), (vec![expected.to_owned()], vec![]), "{text}");
    }
}

#[test]
fn near_misses() {
    let table = [
        "# from strands import tool\n# @tool\n# def f(): ...",
        "from strands import tool\ntext = '''\n@tool\ndef f(): ...\n'''",
        "def tool(f): return f\n@tool\ndef g(): ...",
        "@tool\ndef f(): ...",
        "def tool(a): ...",
        "from langchain.tools import *\ndef tool(f): return f\n@tool\ndef g(): ...",
        "import click\ncli = click.Group()\n@cli.tool()\ndef f(): ...",
        "import mcp\nimport click\ncli = click.Group()\n@cli.tool()\ndef f(): ...",
        "@app.tool()\ndef f(): ...",
        "from abc import ABC\nclass BaseTool(ABC): ...\nclass A(BaseTool):\n  name = 'x'\n  def _run(self): ...",
        "from crewai.tools import BaseTool\nclass A(BaseTool):\n  cache = True",
        "def hammer(): ...\ndef build(tools): ...\nbuild(tools=[hammer])",
        "from workshop import Tool\nTool('hammer')",
        "person = {'name': 'Ada', 'parameters': {}}",
        "t = {'name': compute(), 'input_schema': {}}",
        "from strands import tool\n@tool\nclass A: ...",
        "from langgraph.prebuilt import create_react_agent\ntools = [tools, tools]\ncreate_react_agent(m, tools)",
    ];
    for text in table {
        assert_eq!(read(text), (vec![], vec![]), "{text}");
    }
}

#[test]
fn a_name_that_cannot_be_read_is_a_warning() {
    let table = [
        "from strands import tool\n@tool(name=f'{prefix}_x')\ndef f(): ...",
        "from crewai.tools import tool\n@tool(prefix + 'x')\ndef f(): ...",
        "from crewai.tools import BaseTool\nclass A(BaseTool): name: str = make()",
        "from crewai.tools import BaseTool\nclass A(BaseTool):\n  def _run(self): ...",
    ];
    for text in table {
        let (tools, warnings) = read(text);
        assert_eq!((tools.len(), warnings.len()), (0, 1), "{text}: {warnings:?}");
        assert!(warnings[0].contains("`a.py:2`"), "{warnings:?}");
    }
}

#[test]
fn a_function_handed_over_by_another_file_is_found_there() {
    let agent = "from google.adk.agents import Agent\nfrom .tools import search as find, done\nAgent(tools=[find, done])";
    let tools = "from strands import tool\ndef search(q): ...\ndef other(q): ...\n@tool('finished')\ndone = 1\n@tool('finished')\ndef done(): ...";
    let (found, warnings) = project(&[("app/agent.py", agent), ("app/tools/__init__.py", tools)]);
    assert_eq!(found, ["finished()", "search(q)"]);
    assert_eq!(warnings, ["`app/tools/__init__.py` does not parse fully; its tools may be incomplete"]);
}

#[test]
fn what_other_files_hand_on_is_found_where_it_is() {
    let agent = "from google.adk.agents import Agent\n";
    type Files<'f> = &'f [(&'f str, &'f str)];
    let tables: &[(Files<'_>, &[&str])] = &[
        // A list that a function gives, through a package that takes every name of another module.
        (
            &[
                ("a.py", &format!("{agent}from lib import tools_of\nAgent(tools=tools_of('x'))")),
                ("lib/__init__.py", "from .inner import *"),
                ("lib/inner.py", "def f(a): ...\ndef tools_of(kind):\n  extra = [f]\n  return extra"),
            ],
            &["f(a)"],
        ),
        // A function that gives a list is itself a tool when it is not called.
        (
            &[
                ("a.py", &format!("{agent}from lib import f\nAgent(tools=[f])")),
                ("lib.py", "def g(): ...\ndef f(a):\n  return [g]"),
            ],
            &["f(a)"],
        ),
        // A method of an object in another file; the nearer of two files with the same name.
        (
            &[
                ("x/a.py", &format!("{agent}from lib import desk\nAgent(tools=[desk.go])")),
                ("x/lib.py", "class Desk:\n  def go(self, near): ...\ndesk = Desk()"),
                ("y/lib.py", "class Desk:\n  def go(self, far): ...\ndesk = Desk()"),
            ],
            &["go(near)"],
        ),
        // Modules that take names of each other end.
        (
            &[
                ("a.py", &format!("{agent}from b import *\nfrom b import t\nAgent(tools=[t, u])")),
                ("b.py", "from a import *\nfrom a import t"),
            ],
            &[],
        ),
        // The project's folder is a package itself.
        (
            &[
                ("a.py", &format!("{agent}from desk.sub.lib import f\nAgent(tools=[f])")),
                ("sub/lib.py", "def f(a): ..."),
                ("lib.py", "def f(b): ..."),
            ],
            &["f(a)"],
        ),
        // A tool class through two files, with a name from a third.
        (
            &[
                ("base.py", "from crewai.tools import BaseTool\nclass Base(BaseTool): ..."),
                ("middle.py", "from base import Base\nclass Middle(Base): ..."),
                ("names.py", "class N:\n  SEARCH = 'search'"),
                (
                    "tool.py",
                    "from middle import Middle\nimport names\nclass T(Middle):\n  name: str = names.N.SEARCH\n  def _run(self, q): ...",
                ),
            ],
            &["search(q)"],
        ),
    ];
    for (files, expected) in tables {
        assert_eq!(
            project(files),
            (expected.iter().map(|it| (*it).to_owned()).collect(), vec![]),
            "{files:?}"
        );
    }
}

#[test]
fn deep_nesting_and_long_lines_end() {
    let deep = format!("x = {}1{}\n", "(".repeat(50_000), ")".repeat(50_000));
    let table = [
        deep,
        format!("{}1{}", "{'name': x, 'parameters': ".repeat(30_000), "}".repeat(30_000)),
        format!("{}1{}", "f(tools=[self.a, ".repeat(30_000), "])".repeat(30_000)),
        "[".repeat(100_000),
        format!("f({}", "a.b(".repeat(50_000)),
        "\u{0}\u{fffd}'".repeat(10_000),
    ];
    for text in table {
        let started = std::time::Instant::now();
        let (tools, _) = read(&text);
        assert!(tools.is_empty());
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
