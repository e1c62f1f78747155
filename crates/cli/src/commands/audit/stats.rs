//! `audit stats`: how many decisions of each kind there were.

use std::collections::BTreeMap;

use faramesh_call::{Object, Value, object};
use faramesh_dpr::Kind;

use super::select;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::history::History;
use crate::views::json::{list, number, text};
use crate::views::record::safe;
use crate::views::table::{counted, grouped, table};
use crate::views::{json, words};

/// Most names that are counted one by one in each group; further ones are counted together.
const MAX_NAMES: usize = 10_000;
/// Most names that people are shown of each group.
const SHOWN_NAMES: usize = 10;
const REST: &str = "(others)";

/// The groups of a count, by member, name of the table.
const GROUPS: [(&str, &str); 4] =
    [("effects", "EFFECT"), ("agents", "AGENT"), ("tools", "TOOL"), ("codes", "CODE")];

#[derive(Debug, Default)]
struct Counts {
    decisions: u64,
    groups: [BTreeMap<String, u64>; 4],
}

/// Counts decisions.
///
/// # Errors
/// History cannot be read, or the output cannot be written.
pub fn run(listing: &select::Listing, context: &Context) -> Result<Exit, Failure> {
    context.console.only_text_or_json()?;
    let mut filter = listing.selection.filter()?;
    (filter.kind, filter.limit) = (Some(Kind::Decision), None);
    let mut counts = Counts::default();
    History::open(context, listing.ledger.as_deref())?.each(&filter, &mut |record| {
        counts.decisions += 1;
        let names = [
            record.effect().map(|effect| effect.as_str().to_owned()),
            record.agent().map(|agent| agent.into_owned()),
            record.tool().map(|tool| tool.into_owned()),
            record.code().map(|code| code.into_owned()),
        ];
        for (group, name) in counts.groups.iter_mut().zip(names) {
            let name = name.unwrap_or_else(|| "(none)".to_owned());
            let has_room = group.len() < MAX_NAMES || group.contains_key(&name);
            *group.entry(if has_room { name } else { REST.to_owned() }).or_insert(0) += 1;
        }
        Ok(())
    })?;
    let mut value = object! { "decisions" => counts.decisions };
    for ((member, _), group) in GROUPS.iter().zip(&counts.groups) {
        value.insert(*member, sorted(group));
    }
    context.console.show(&json::versioned(value), view)?;
    Ok(Exit::Success)
}

/// The most frequent first.
fn sorted(group: &BTreeMap<String, u64>) -> Value {
    let mut names: Vec<(&String, &u64)> = group.iter().collect();
    names.sort_by(|left, right| right.1.cmp(left.1).then(left.0.cmp(right.0)));
    let entry = |(name, count): (&String, &u64)| -> Object {
        object! { "name" => name.as_str(), "count" => *count }
    };
    names.into_iter().map(entry).collect()
}

fn view(value: &Value) -> String {
    let decisions = number(value, &["decisions"]);
    let mut text_view = words::heading(&counted(decisions, "decision"));
    for (member, title) in GROUPS {
        let entries = list(value, &[member]);
        if entries.is_empty() {
            continue;
        }
        let rows: Vec<Vec<String>> =
            entries.iter().take(SHOWN_NAMES).map(|entry| row(entry, decisions)).collect();
        text_view.push_str(&format!("\n\n{}", table(&[title, "COUNT", "SHARE"], &rows)));
        if let Some(rest) = entries.len().checked_sub(SHOWN_NAMES).filter(|rest| *rest > 0) {
            text_view.push_str(&format!("\n… and {rest} more: see `--format json`"));
        }
    }
    text_view
}

fn row(entry: &Value, decisions: u64) -> Vec<String> {
    let count = number(entry, &["count"]);
    let permille = count.saturating_mul(1_000) / decisions.max(1);
    let share = format!("{}.{}%", permille / 10, permille % 10);
    vec![safe(text(entry, &["name"])), grouped(count), share]
}
