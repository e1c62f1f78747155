//! A tree as YAML in canonical form, with the notes that belong to its lines.

use super::quoting::{is_block, quoted};
use crate::comments::{Notes, Slot};
use crate::tree::{Data, Entry, Node};

/// Widest line on which a list is written, in characters.
const WIDTH: usize = 100;
const STEP: usize = 2;

/// The lines that notes can belong to, in the order in which they are written; the first is the file.
pub(crate) fn slots(root: &Node) -> Vec<Slot> {
    let mut slots = vec![Slot { span: root.span, is_block: true }];
    collect(root, &mut slots);
    slots
}

fn collect(node: &Node, slots: &mut Vec<Slot>) {
    match &node.data {
        Data::Map(entries) if !node.flow => {
            for entry in entries {
                slots.push(Slot { span: entry.span(), is_block: is_nested(&entry.value) });
                collect(&entry.value, slots);
            }
        }
        Data::List(items) => {
            for item in items {
                slots.push(Slot { span: item.span, is_block: is_nested(item) });
                if !matches!(item.data, Data::List(_)) {
                    collect(item, slots);
                }
            }
        }
        _ => {}
    }
}

/// Whether a value stands on lines of its own.
fn is_nested(node: &Node) -> bool {
    match &node.data {
        Data::Map(entries) => !node.flow && !entries.is_empty(),
        Data::List(items) => !items.is_empty(),
        _ => false,
    }
}

/// The text of a tree; `notes` are those of its [`slots`].
pub(crate) fn write(root: &Node, notes: &[Notes]) -> String {
    let mut writer = Writer { out: String::new(), notes: notes.iter() };
    let file = writer.next();
    match &root.data {
        Data::Map(entries) if !entries.is_empty() => writer.entries(entries, 0),
        _ => writer.line(0, "{}", None),
    }
    writer.comments(&file.before, 0);
    writer.comments(&file.last, 0);
    writer.out
}

struct Writer<'n> {
    out: String,
    notes: std::slice::Iter<'n, Notes>,
}

impl Writer<'_> {
    fn next(&mut self) -> Notes {
        self.notes.next().cloned().unwrap_or_default()
    }

    fn line(&mut self, indent: usize, text: &str, trailing: Option<&str>) {
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.out.push_str(text);
        if let Some(comment) = trailing {
            self.out.push_str("  #");
            self.out.push_str(comment);
        }
        self.out.push('\n');
    }

    fn comments(&mut self, comments: &[String], indent: usize) {
        for comment in comments {
            self.line(indent, &format!("#{comment}"), None);
        }
    }

    /// What stands before a line.
    fn begin(&mut self, notes: &Notes, indent: usize) {
        if notes.blank && !self.out.is_empty() {
            self.out.push('\n');
        }
        self.comments(&notes.before, indent);
    }

    fn entries(&mut self, entries: &[Entry], indent: usize) {
        for (index, entry) in entries.iter().enumerate() {
            let mut notes = self.next();
            notes.blank &= index > 0;
            self.begin(&notes, indent);
            self.entry(entry, indent, "", &notes);
        }
    }

    /// An entry whose line begins with `dash`, which is a part of the indentation.
    fn entry(&mut self, entry: &Entry, indent: usize, dash: &str, notes: &Notes) {
        let key = format!("{dash}{}:", quoted(&entry.key.node, false));
        let outer = indent - dash.len();
        let trailing = notes.trailing.as_deref();
        match &entry.value.data {
            Data::Map(inner) if !entry.value.flow && !inner.is_empty() => {
                self.line(outer, &key, trailing);
                self.entries(inner, indent + STEP);
            }
            Data::List(items) if !items.is_empty() => {
                if !self.on_one_line(&entry.value, items, outer + key.chars().count() + 1) {
                    self.line(outer, &key, trailing);
                    self.items(items, indent + STEP);
                } else {
                    let line = format!("{key} {}", inline(&entry.value, false));
                    items.iter().for_each(|_| drop(self.next()));
                    self.line(outer, &line, trailing);
                }
            }
            Data::Text(text, _) if is_block(text) => {
                let chomp = if text.ends_with('\n') { "" } else { "-" };
                self.line(outer, &format!("{key} |{chomp}"), trailing);
                for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                    let inside = if line.is_empty() { 0 } else { indent + STEP };
                    self.line(inside, line, None);
                }
            }
            _ => self.line(outer, &format!("{key} {}", inline(&entry.value, false)), trailing),
        }
        self.comments(&notes.last, indent + STEP);
    }

    /// Whether a list is of scalars, has no notes, and fits.
    fn on_one_line(&self, list: &Node, items: &[Node], before: usize) -> bool {
        let notes = self.notes.as_slice().get(..items.len()).unwrap_or_default();
        let quiet =
            |notes: &Notes| notes.before.is_empty() && notes.trailing.is_none() && notes.last.is_empty();
        let simple = |item: &Node| match &item.data {
            Data::Map(_) => item.flow,
            Data::List(_) => true,
            _ => true,
        };
        items.iter().all(simple)
            && notes.iter().all(quiet)
            && before + inline(list, false).chars().count() <= WIDTH
    }

    fn items(&mut self, items: &[Node], indent: usize) {
        for (index, item) in items.iter().enumerate() {
            let mut notes = self.next();
            notes.blank &= index > 0;
            match &item.data {
                Data::Map(entries) if !item.flow && !entries.is_empty() => {
                    self.item(entries, indent, &mut notes)
                }
                _ => {
                    self.begin(&notes, indent);
                    self.line(indent, &format!("- {}", inline(item, false)), notes.trailing.as_deref());
                }
            }
            self.comments(&notes.last, indent + STEP);
        }
    }

    /// A map in a list: its first entry stands behind the dash.
    fn item(&mut self, entries: &[Entry], indent: usize, notes: &mut Notes) {
        for (index, entry) in entries.iter().enumerate() {
            let mut own = self.next();
            if index > 0 {
                self.begin(&own, indent + STEP);
                self.entry(entry, indent + STEP, "", &own);
                continue;
            }
            notes.before.append(&mut own.before);
            if own.trailing.is_none() {
                own.trailing = notes.trailing.take();
            } else {
                notes.before.extend(notes.trailing.take());
            }
            self.begin(notes, indent);
            self.entry(entry, indent + STEP, "- ", &own);
        }
    }
}

/// A value on one line.
fn inline(node: &Node, flow: bool) -> String {
    match &node.data {
        Data::Text(text, _) => quoted(text, flow),
        Data::Number(text) => text.clone(),
        Data::Bool(value) => value.to_string(),
        Data::Null => "null".to_owned(),
        Data::List(items) => {
            let items: Vec<String> = items.iter().map(|item| inline(item, true)).collect();
            format!("[{}]", items.join(", "))
        }
        Data::Map(entries) => {
            let entry =
                |entry: &Entry| format!("{}: {}", quoted(&entry.key.node, true), inline(&entry.value, true));
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}
