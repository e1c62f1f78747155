//! Answers filters from the table. Columns propose; every row is held against its record, and every
//! record against the filter, before it is given away.
//!
//! A reader of a stack gives its chains merged by time; a reader of an instance gives one chain.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use faramesh_call::Effect;
use faramesh_dpr::{Kind, Record};
use faramesh_ledger::{Filter, ReadError, Shelf, Wanted};
use tokio_postgres::types::ToSql;

use crate::address::Address;
use crate::chain::{Stopped, rows, snapshot};
use crate::error::PostgresError;
use crate::link::Link;
use crate::rows::{COLUMNS, RECORDS, moment, read, stored};
use crate::schema;

/// Reads the ledger of a stack, or one chain of it.
pub struct Reader {
    address: Address,
    stack: String,
    instance: Option<String>,
    /// Connected at the first question and again when that was lost.
    link: Mutex<Option<Link>>,
}

type Param = Box<dyn ToSql + Sync + Send>;

impl Reader {
    /// A reader of all chains of a stack, or of one. It connects when it is asked.
    #[must_use]
    pub fn new(address: Address, stack: &str, instance: Option<&str>) -> Self {
        let (stack, instance) = (stack.to_owned(), instance.map(str::to_owned));
        Self { address, stack, instance, link: Mutex::default() }
    }

    /// Where it reads, without the password.
    #[must_use]
    pub fn place(&self) -> String {
        self.address.to_string()
    }

    /// Hands over every record that the filter lets through, in its order, without holding them.
    ///
    /// # Errors
    /// The database cannot be read, or a row is not as it was written.
    pub fn each(&self, filter: &Filter, take: &mut dyn FnMut(Record)) -> Result<(), PostgresError> {
        let Some((conditions, params)) = self.conditions(filter) else { return Ok(()) };
        let order = if filter.newest_first { "DESC" } else { "ASC" };
        let order = match self.instance {
            Some(_) => format!("epoch {order}, seq {order}"),
            None => format!("time {order}, instance {order}, epoch {order}, seq {order}"),
        };
        let limit = filter.limit.map_or_else(String::new, |limit| format!(" LIMIT {limit}"));
        let conditions = conditions.join(" AND ");
        let query = format!("SELECT {COLUMNS} FROM {RECORDS} WHERE {conditions} ORDER BY {order}{limit}");
        let mut held = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        // A connection that ended since the last question is made again.
        let alive = held.take().and_then(|mut link| link.row("SELECT 1", &[]).is_ok().then_some(link));
        let mut link = match alive {
            Some(link) => link,
            None => {
                let mut link = Link::connect(&self.address)?;
                schema::check(&mut link)?;
                link
            }
        };
        let done = link.long(async |client| {
            snapshot(client, async |client| {
                let params: Vec<&(dyn ToSql + Sync)> =
                    params.iter().map(|param| -> &(dyn ToSql + Sync) { param.as_ref() }).collect();
                rows(client, &query, &params, &mut |row| {
                    let instance: String = row.try_get("instance").unwrap_or_default();
                    let (record, _) = read(&row, &instance).map_err(Stopped::Damage)?;
                    if filter.matches(&record) {
                        take(record);
                    }
                    Ok(())
                })
                .await
            })
            .await
        });
        if done.is_ok() {
            *held = Some(link);
        }
        done.map_err(|stopped| stopped.at(&self.address.to_string()))
    }

    /// The filter in SQL; `None` when no record can match.
    fn conditions(&self, filter: &Filter) -> Option<(Vec<String>, Vec<Param>)> {
        let mut conditions = vec!["stack = $1".to_owned()];
        let mut params: Vec<Param> = vec![Box::new(self.stack.clone())];
        let mut add = |condition: &str, param: Param| {
            params.push(param);
            conditions.push(condition.replace('?', &format!("${}", params.len())));
        };
        let mut approval = filter.approval.as_deref();
        match filter.id.as_deref().map(Filter::wanted) {
            Some(Wanted::Nothing) => return None,
            Some(Wanted::Ids(low, high)) => {
                add("id >= ?", Box::new(low.to_string()));
                add("id <= ?", Box::new(high.to_string()));
            }
            Some(Wanted::Approval(id)) => {
                if approval.is_some_and(|approval| approval != id) {
                    return None;
                }
                approval = Some(id);
            }
            None => {}
        }
        let words = [
            ("instance = ?", self.instance.as_deref()),
            ("agent = ?", filter.agent.as_deref()),
            ("session = ?", filter.session.as_deref()),
            ("rule = ?", filter.rule.as_deref()),
            ("approval = ?", approval),
            ("effect = ?", filter.effect.map(Effect::as_str)),
            ("kind = ?", filter.kind.map(Kind::as_str)),
        ];
        for (condition, word) in words {
            match word {
                // No text of the database holds the character 0.
                Some(word) if word.contains('\0') => return None,
                Some(word) => add(condition, Box::new(word.to_owned())),
                None => {}
            }
        }
        if let Some(since) = filter.since {
            add("time >= ?", Box::new(moment(since)));
        }
        if let Some(until) = filter.until {
            add("time < ?", Box::new(moment(until)));
        }
        if let Some(seq) = filter.after_seq {
            add("seq > ?", Box::new(stored(seq)));
        }
        if let Some(pattern) = filter.tool.as_deref().filter(|pattern| *pattern != "*") {
            match pattern.contains('*') {
                true => add("tool ~ ?", Box::new(expression(pattern))),
                false => add("tool = ?", Box::new(pattern.to_owned())),
            }
        }
        Some((conditions, params))
    }
}

/// A pattern of tools as a regular expression of the database.
fn expression(pattern: &str) -> String {
    let mut out = String::from("^");
    let segments: Vec<&str> = pattern.split('/').collect();
    for (place, segment) in segments.iter().enumerate() {
        if place > 0 {
            out.push('/');
        }
        if *segment == "*" && place + 1 == segments.len() {
            out.push_str(".*");
            continue;
        }
        for letter in segment.chars() {
            match letter {
                '*' => out.push_str("[^/]*"),
                letter if letter.is_ascii_alphanumeric() || !letter.is_ascii() => out.push(letter),
                letter => out.extend(['\\', letter]),
            }
        }
    }
    out.push('$');
    out
}

impl Shelf for Reader {
    fn query(&self, filter: &Filter) -> Result<Vec<Record>, ReadError> {
        let mut records = Vec::new();
        let read = self.each(filter, &mut |record| records.push(record));
        let file = PathBuf::from(self.place());
        read.map_err(|error| ReadError::Io { file, error: io::Error::other(error.to_string()) })?;
        Ok(records)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reader").field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_expressions() {
        for (pattern, expected) in
            [("stripe/*", "^stripe/.*$"), ("*/refund", "^[^/]*/refund$"), ("a.b/re*nd", "^a\\.b/re[^/]*nd$")]
        {
            assert_eq!(expression(pattern), expected);
        }
    }
}
