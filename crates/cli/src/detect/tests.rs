//! Detection over whole projects: one fixture for each framework.

mod bounds;

use std::path::Path;

use super::*;

fn fixture(name: &str) -> Project {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/init").join(name);
    let project = detect(&folder).unwrap();
    assert_eq!(project.warnings, Vec::<String>::new(), "{name}");
    project
}

/// One line for each tool: place, name and parameters.
fn tools(project: &Project) -> Vec<String> {
    let line = |tool: &FoundTool| {
        format!("{}:{} {}({})", tool.file.display(), tool.line, tool.name, tool.parameters.join(", "))
    };
    project.tools.iter().map(line).collect()
}

fn frameworks(project: &Project) -> Vec<String> {
    let line = |found: &FoundFramework| {
        let version = found.version.as_deref().unwrap_or("-");
        format!("{} {}:{} {version}", found.framework.profile(), found.manifest.display(), found.line)
    };
    project.frameworks.iter().map(line).collect()
}

#[track_caller]
fn check(name: &str, language: Language, expected_frameworks: &[&str], expected_tools: &[&str]) {
    let project = fixture(name);
    assert_eq!(project.language, language);
    assert_eq!(frameworks(&project), expected_frameworks);
    assert_eq!(tools(&project), expected_tools);
}

#[test]
fn langgraph() {
    check(
        "langgraph",
        Language::Python,
        &["langgraph pyproject.toml:7 >=1.0,<2", "langchain pyproject.toml:6 >=1.0"],
        &[
            "src/desk/graph.py:8 close_ticket(ticket, reason)",
            "src/desk/notes.py:1 add_note(ticket, text)",
            "src/desk/tools.py:12 search_orders(customer_id, limit)",
            "src/desk/tools.py:21 send_mail(to, subject, body)",
            "src/desk/tools.py:27 read_ticket(ticket)",
            "src/desk/tools.py:36 refund(order_id, amount)",
            "src/desk/tools.py:50 stock_level(sku)",
        ],
    );
    let project = fixture("langgraph");
    let described = project.tools.iter().map(|tool| tool.description.as_deref().unwrap_or("-"));
    assert_eq!(
        described.collect::<Vec<_>>(),
        [
            "Close a ticket.",
            "Write a note on a ticket.",
            "Find the latest orders of a customer.",
            "Send a mail to a customer.",
            "Read the ticket in hand",
            "Refund an order.",
            "Count what is in stock.",
        ]
    );
    assert_eq!(project.choices().len(), 1, "LangGraph stands on LangChain");
}

#[test]
fn langchain() {
    check(
        "langchain",
        Language::Python,
        &["langchain requirements.txt:2 ==1.0.3"],
        &["agent.py:6 shell(command)", "agent.py:12 fetch(url)", "agent.py:17 calculator()"],
    );
}

#[test]
fn crewai() {
    check(
        "crewai",
        Language::Python,
        &["crewai pyproject.toml:6 ^1.2"],
        &[
            "src/newsroom/tools/wire.py:11 Publish article(headline, body)",
            "src/newsroom/tools/wire.py:22 Search the wire(query)",
        ],
    );
}

#[test]
fn ag2() {
    check(
        "ag2",
        Language::Python,
        &["ag2 setup.cfg:7 >=0.9"],
        &[
            "trader.py:10 place_order(symbol, quantity)",
            "trader.py:24 positions()",
            "trader.py:28 quote(symbol)",
            "trader.py:29 cancel_order(order_id)",
        ],
    );
}

#[test]
fn google_adk() {
    check(
        "google-adk",
        Language::Python,
        &["google-adk requirements.in:1 >=1.0"],
        &[
            "weather/agent.py:5 get_weather(city)",
            "weather/agent.py:23 ask_manager(question)",
            "weather/agent.py:23 book_flight(origin, destination)",
        ],
    );
}

#[test]
fn openai_agents() {
    check(
        "openai-agents",
        Language::Python,
        &["openai-agents Pipfile:6 >=0.4"],
        &[
            "main.py:6 transfer(account, amount)",
            "main.py:12 find_customer(name)",
            "main.py:17 close_account(account)",
        ],
    );
}

#[test]
fn anthropic() {
    check(
        "anthropic",
        Language::Python,
        &["anthropic-sdk requirements.txt:1 >=0.70"],
        &["bot.py:6 create_invoice(customer, amount)", "bot.py:20 void_invoice(number)"],
    );
}

#[test]
fn strands() {
    check(
        "strands",
        Language::Python,
        &["strands pyproject.toml:3 ==1.10.0"],
        &[
            "ops.py:6 restart(service, force)",
            "ops.py:16 tail_log(service, lines)",
            "ops.py:21 scale(service, replicas)",
        ],
    );
}

#[test]
fn bedrock() {
    check(
        "bedrock",
        Language::Python,
        &["bedrock requirements.txt:1 >=1.40"],
        &["converse.py:9 top_song(sign)"],
    );
}

#[test]
fn mcp() {
    check(
        "mcp",
        Language::Python,
        &["mcp pyproject.toml:4 >=1.2"],
        &["server.py:8 read_file(path)", "server.py:14 delete_file(path)", "server.py:24 list_files(folder)"],
    );
}

#[test]
fn deepagents() {
    let expected = [
        "deepagents pyproject.toml:6 >=0.2",
        "langgraph pyproject.toml:5 >=1.0",
        "langchain pyproject.toml:4 >=1.0",
    ];
    check("deepagents", Language::Python, &expected, &["research.py:4 internet_search(query, max_results)"]);
    let project = fixture("deepagents");
    assert_eq!(project.choices().iter().map(|it| it.framework).collect::<Vec<_>>(), [Framework::DeepAgents]);
}

#[test]
fn typescript_langgraph() {
    let expected = ["langgraph package.json:6 ^1.0.0", "langchain package.json:5 ^1.0.0"];
    check(
        "typescript-langgraph",
        Language::TypeScript,
        &expected,
        &[
            "src/tools.ts:9 refund(orderId, amount)",
            "src/tools.ts:15 search_orders(customer)",
            "src/tools.ts:22 close_ticket(ticket)",
        ],
    );
}

#[test]
fn typescript_openai_agents() {
    check(
        "typescript-openai-agents",
        Language::TypeScript,
        &["openai-agents package.json:1 ^0.3.0"],
        &["agent.ts:4 transfer(account, amount)"],
    );
}

#[test]
fn typescript_mcp() {
    check(
        "typescript-mcp",
        Language::TypeScript,
        &["mcp package.json:2 ^1.20.0"],
        &["src/index.ts:6 read_file(path)", "src/index.ts:8 write_file(path, text)"],
    );
    assert_eq!(fixture("typescript-mcp").tools[1].description.as_deref(), Some("Write a file"));
}

#[test]
fn typescript_anthropic() {
    let expected = ["anthropic-sdk package.json:3 ^0.65.0"];
    check("typescript-anthropic", Language::TypeScript, &expected, &["bot.js:5 create_invoice(customer)"]);
}

#[test]
fn typescript_vercel_and_mastra() {
    check(
        "typescript-vercel",
        Language::TypeScript,
        &["mastra package.json:1 ^0.20.0", "ai-sdk package.json:1 ^5.0.0"],
        &[
            "app/route.tsx:5 sendMail(to, body)",
            "app/route.tsx:10 get-quote(symbol)",
            "app/route.tsx:21 weather(city)",
        ],
    );
}
