//! A tree as JSON: two blanks for each level, short lists on one line.

use crate::tree::{Data, Entry, Node};

/// Widest line on which a list or short map is written, in characters.
const WIDTH: usize = 100;
const STEP: usize = 2;

/// The text of a tree.
pub(crate) fn write(root: &Node) -> String {
    let mut out = String::new();
    node(&mut out, root, 0, 0);
    out.push('\n');
    out
}

fn node(out: &mut String, value: &Node, indent: usize, used: usize) {
    let line = inline(value);
    let nested = match &value.data {
        Data::Map(entries) => !value.flow && !entries.is_empty(),
        Data::List(items) => items.iter().any(|item| matches!(item.data, Data::Map(_)) && !item.flow),
        _ => false,
    };
    if !nested && used + line.chars().count() <= WIDTH || value.is_scalar() {
        out.push_str(&line);
        return;
    }
    let pad = " ".repeat(indent + STEP);
    match &value.data {
        Data::Map(entries) => {
            out.push_str("{\n");
            for (index, Entry { key, value }) in entries.iter().enumerate() {
                let head = format!("{pad}{}: ", quoted(&key.node));
                let used = head.chars().count();
                out.push_str(&head);
                node(out, value, indent + STEP, used);
                out.push_str(if index + 1 < entries.len() { ",\n" } else { "\n" });
            }
            close(out, indent, '}');
        }
        Data::List(items) => {
            out.push_str("[\n");
            for (index, item) in items.iter().enumerate() {
                out.push_str(&pad);
                node(out, item, indent + STEP, pad.len());
                out.push_str(if index + 1 < items.len() { ",\n" } else { "\n" });
            }
            close(out, indent, ']');
        }
        _ => {}
    }
}

fn close(out: &mut String, indent: usize, bracket: char) {
    out.extend(std::iter::repeat_n(' ', indent));
    out.push(bracket);
}

fn inline(node: &Node) -> String {
    match &node.data {
        Data::Text(text, _) => quoted(text),
        Data::Number(text) => text.clone(),
        Data::Bool(value) => value.to_string(),
        Data::Null => "null".to_owned(),
        Data::List(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Data::Map(entries) if entries.is_empty() => "{}".to_owned(),
        Data::Map(entries) => {
            let entry = |entry: &Entry| format!("{}: {}", quoted(&entry.key.node), inline(&entry.value));
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character.is_control()
                || !character.is_ascii() && faramesh_syntax::is_invisible(character) =>
            {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}
