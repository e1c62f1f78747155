//! TypeScript sources in one table: what is a tool, and what only looks like one.

use std::path::Path;

use super::*;

/// The tools as `name(parameters)` and the warnings, for one file.
fn all(text: &str) -> (Vec<String>, Vec<String>) {
    let mut typescript = TypeScript::default();
    typescript.read(Path::new("a.ts"), text, false);
    for (path, jsx) in typescript.due_again() {
        typescript.read(&path, text, jsx);
    }
    let mut warnings = Vec::new();
    let tools = typescript.finish(&mut warnings);
    (tools.iter().map(|tool| format!("{}({})", tool.name, tool.parameters.join(","))).collect(), warnings)
}

#[test]
fn hits() {
    let table = [
        (
            "import * as lc from '@langchain/core/tools'; lc.tool(f, { name: 'x', schema: z.object({ a: z.string() }) });",
            "x(a)",
        ),
        (
            "import { tool } from '@anthropic-ai/claude-agent-sdk'; tool('x', 'Words', { a: z.string() }, f);",
            "x(a)",
        ),
        (
            "import { tool } from 'ai'; export const weather = tool({ inputSchema: z.object({ city: z.string() }) });",
            "weather(city)",
        ),
        ("import { tool } from 'ai'; const a = tool({}); run({ tools: { b: a } as const });", "b()"),
        ("import { tool } from 'ai'; run({ tools: { 'get-it': tool({}) } });", "get-it()"),
        (
            "const { tool: make } = require('@openai/agents'); make({ name: `x`, parameters: { type: 'object', properties: { a: {} } } });",
            "x(a)",
        ),
        (
            "import { FunctionTool } from '@google/adk'; const NAME = 'x'; new FunctionTool({ name: NAME, parameters: z.object({ a: 1 }) });",
            "x(a)",
        ),
        (
            "import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'; function add(s: McpServer) { s.registerTool('x', { inputSchema: { a: z.string() } }, f); }",
            "x(a)",
        ),
        (
            "import { FastMCP } from 'fastmcp'; const s = new FastMCP({}); s.addTool({ name: 'x', parameters: z.object({ a: 1 }) });",
            "x(a)",
        ),
        (
            "export const add = (s) => { s.registerTool('x' + '-y', { description: 'a', inputSchema: { a: 1 } }, f); }",
            "x-y(a)",
        ),
        ("const c = { toolSpec: { name: 'x', inputSchema: { json: { properties: { a: {} } } } } };", "x(a)"),
        (
            "const c = { type: 'function', function: { name: 'x', parameters: { properties: { a: {} } } } };",
            "x(a)",
        ),
        (
            "import { createTool } from '@mastra/core'; const schema = z.object({ a: 1 }).strict().describe('b'); createTool({ id: 'x', inputSchema: schema });",
            "x(a)",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(all(text), (vec![expected.to_owned()], vec![]), "{text}");
    }
}

#[test]
fn near_misses() {
    let table = [
        "// import { tool } from 'ai'; tool({ name: 'x' });",
        "import { tool } from 'ai'; /* tool({ name: 'x' }) */ const a = \"tool({ name: 'x' })\";",
        "function tool(options: object) {} tool({ name: 'x' });",
        "tool({ name: 'x' });",
        "const server = new Restaurant(); server.tool('spoon', 3);",
        "import { McpServer } from '@modelcontextprotocol/sdk'; const r = new Restaurant(); r.tool('spoon', 3);",
        "class Hammer extends Tool { name = 'hammer'; }",
        "add((s) => s.registerTool('x', { weight: 3 }, f));",
        "const person = { name: 'Ada', inputSchema: {} };",
        "const column = { name: 'age', parameters: {} };",
        "new DynamicTool({ name: 'x' });",
        "import { Tool } from './workshop'; new Tool('hammer');",
    ];
    for text in table {
        assert_eq!(all(text), (vec![], vec![]), "{text}");
    }
}

#[test]
fn a_name_that_cannot_be_read_is_a_warning() {
    let table = [
        "import { tool } from 'ai'; tool({ name: `${prefix}x` });",
        "import { tool } from 'ai'; list.push(tool({}));",
        "import { McpServer } from '@modelcontextprotocol/sdk'; server.tool(name(), f);",
    ];
    for text in table {
        let (tools, warnings) = all(text);
        assert_eq!(tools, Vec::<String>::new(), "{text}");
        assert_eq!(warnings, ["the tool at `a.ts:1` has a computed name and was left out"], "{text}");
    }
}

#[test]
fn what_parses_is_kept() {
    let (tools, warnings) =
        all("import { tool } from 'ai';\nconst a = tool({ name: 'x' });\nconst b = {{{ ;\n");
    assert_eq!(tools, ["x()"]);
    assert_eq!(warnings, ["`a.ts` does not parse fully; its tools may be incomplete"]);
}

#[test]
fn deep_nesting_ends() {
    for text in [
        format!("x = {}1{}", "{name:'x',parameters:{type:'object',y:".repeat(25_000), "}}".repeat(25_000)),
        format!("import {{ tool }} from 'ai';{}1{}", "tool({x:".repeat(50_000), "})".repeat(50_000)),
        "[".repeat(100_000),
        format!("x = {}1", "(".repeat(50_000)),
        "a.b(".repeat(50_000),
    ] {
        let started = std::time::Instant::now();
        assert!(all(&text).0.iter().all(|tool| tool == "x()"));
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    }
}
