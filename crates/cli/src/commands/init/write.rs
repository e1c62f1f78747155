//! The text of a first policy: every tool deferred, and comments that say how to go on.

use std::path::Path;

use faramesh_syntax::{format, quote};

use crate::detect::{FoundFramework, FoundTool};
use crate::failure::Failure;
use crate::views::record::{cut, safe};

/// Longest name of an agent that is made from a folder's name, in bytes.
const MAX_AGENT_BYTES: usize = 64;
/// Longest comment about one tool, in characters.
const COMMENT_WIDTH: usize = 90;

const HEAD: &str = "\
# What the agent of this project may do. Every tool call is decided by this file before it runs.
#
# Each tool that was found is deferred: its calls wait for a person (`faramesh approvals list`).
# Go through them one by one:
#   permit refund                        it runs
#   permit refund if amount < $500       it runs when the condition holds
#   defer  refund                        a person decides each call
#   deny   refund reason \"why not\"       it does not run, and the agent is told why
#   deny!  refund                        never, whatever other rules say
# Rules are read from top to bottom and the first that matches decides. `stripe/*` is every tool
# below `stripe/`. See it at work with `faramesh dev`, then put it in force with `faramesh apply`.
";

const RUNTIME: &str = "
runtime {
  # Agents are believed when they say who they are, and every record says so. To have the kernel
  # prove it, remove this line, write `identity \"host\" { type = \"unix\" }` outside of this block
  # and `attest { uid = 1000 }` with the agent's user in the agent's block.
  allow_self_declared_identity = true
}
";

/// The agent's name from the name of its folder: letters, digits, `.`, `_` and `-`.
pub fn agent_name(directory: &Path) -> String {
    let folder = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let kept = |character: char| {
        if character.is_ascii_alphanumeric() || "._-".contains(character) { character } else { '-' }
    };
    let name: String = folder.chars().map(kept).take(MAX_AGENT_BYTES).collect();
    let name = name.trim_matches(|character: char| !character.is_ascii_alphanumeric());
    // Flat rules have an agent of this name.
    if name.is_empty() || name == "anonymous" { "agent".to_owned() } else { name.to_owned() }
}

/// The policy, in canonical form.
///
/// # Errors
/// The text cannot be formatted, which would be a fault of this command.
pub fn policy(
    agent: &str,
    framework: Option<&FoundFramework>,
    tools: &[FoundTool],
) -> Result<String, Failure> {
    let mut text = format!("{HEAD}{RUNTIME}\nagent {} {{\n", quote(agent));
    if let Some(found) = framework {
        text.push_str(&format!("  framework = {}\n", quote(found.framework.profile())));
    }
    text.push_str(
        "\n  # A call that no rule matches waits for a person too. When nothing new comes up any more,\n",
    );
    text.push_str("  # write `default deny`.\n  default defer\n\n  rules {\n");
    if tools.is_empty() {
        text.push_str("    # No tools were found in the source; what agents call shows up in `faramesh approvals list`.\n");
        text.push_str("    defer \"*\"\n");
    }
    for (index, tool) in tools.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        text.push_str(&rule(tool));
    }
    text.push_str("  }\n}\n");
    format(&text).map_err(|diagnostics| {
        let first = diagnostics.first().map_or("", |diagnostic| &diagnostic.message);
        Failure::new(format!("the policy for this project cannot be written: {first}"))
            .hint("this is a fault of `faramesh init`: please report it")
    })
}

fn rule(tool: &FoundTool) -> String {
    let place = format!("{}:{}", tool.file.display(), tool.line);
    let call =
        if tool.parameters.is_empty() { String::new() } else { format!("({})", tool.parameters.join(", ")) };
    let what = tool.description.as_deref().map_or_else(String::new, |what| format!(": {what}"));
    let comment = cut(&safe(&format!("{place} {}{call}{what}", tool.name)), COMMENT_WIDTH);
    if tool.name.contains('*') {
        // A rule for it would be one for everything that its name matches.
        return format!(
            "    # {comment}\n    # No rule can name it, for `*` stands for any name: its calls wait for a person.\n"
        );
    }
    format!("    # {comment}\n    defer {}\n", pattern(&tool.name))
}

/// The name as a rule writes it.
fn pattern(name: &str) -> String {
    let bare = name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/".contains(&byte));
    // Some words mean something where a tool stands.
    let reads = bare && !faramesh_syntax::parse(&format!("defer {name}")).has_errors();
    if reads { name.to_owned() } else { quote(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, description: &str) -> FoundTool {
        FoundTool {
            name: name.to_owned(),
            file: "src/tools.py".into(),
            line: 7,
            parameters: vec!["order_id".to_owned(), "amount".to_owned()],
            description: Some(description.to_owned()),
        }
    }

    fn errors(text: &str) -> Vec<String> {
        let environment = |_: &str| None;
        let options = faramesh_check::Options {
            strict_env: true,
            ..faramesh_check::Options::new("governance.fms", &environment)
        };
        faramesh_check::check(text, &options).diagnostics.iter().map(|found| found.message.clone()).collect()
    }

    #[test]
    fn what_is_written_is_clean_and_canonical() {
        let odd = [
            tool("refund", "Refunds.\n}\ndeny x"),
            tool("odd \"name\" $5", "é"),
            tool("*", ""),
            tool("if", ""),
        ];
        for tools in [&odd[..], &odd[..1], &[]] {
            let text = policy("support-bot", None, tools).unwrap();
            assert_eq!(format(&text).unwrap(), text);
            let parsed = faramesh_syntax::parse(&text);
            assert!(!parsed.has_errors(), "{text}");
        }
        let text = policy("support-bot", None, &odd[..1]).unwrap();
        assert_eq!(errors(&text), Vec::<String>::new(), "{text}");
        assert!(text.contains("# src/tools.py:7 refund(order_id, amount): Refunds."), "{text}");
        assert!(text.contains("    defer refund\n"), "{text}");
    }

    #[test]
    fn agents_are_named_after_their_folder() {
        for (folder, expected) in [
            ("/a/support-bot", "support-bot"),
            ("/a/My Project!", "My-Project"),
            ("/", "agent"),
            ("/x/anonymous", "agent"),
        ] {
            assert_eq!(agent_name(Path::new(folder)), expected);
        }
    }
}
