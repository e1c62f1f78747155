//! `index.sqlite`: which records there are of an agent, a tool, a session, a rule, an approval, and
//! where they lie. Derived from the segments and never trusted: it is thrown away when it does not
//! fit them, and what it proposes is read and checked there.
//!
//! Leaves out the records themselves. Words are kept once each, so that a row takes a few dozen bytes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use faramesh_call::Effect;
use faramesh_dpr::Hash;
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params, params_from_iter};

use crate::filter::{Filter, Wanted, tool_matches};
use crate::walk::{Location, Step};
use crate::ways::{self, Way};

/// The file beside the segments.
pub(crate) const FILE_NAME: &str = "index.sqlite";
const SCHEMA_VERSION: i64 = 2;
/// Records whose earliest and latest time are kept together, so that a time is a range of numbers.
const BLOCK: u64 = 4_096;
/// Words whose numbers are remembered; beyond, all are forgotten and looked up again.
const MAX_REMEMBERED_WORDS: usize = 16_384;
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

const SCHEMA: &str = "
CREATE TABLE cursor (only INTEGER PRIMARY KEY CHECK (only = 0), seq INTEGER NOT NULL,
    segment INTEGER NOT NULL, offset INTEGER NOT NULL, hash BLOB NOT NULL);
CREATE TABLE words (number INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
CREATE TABLE records (seq INTEGER PRIMARY KEY, id BLOB NOT NULL, time INTEGER NOT NULL,
    kind INTEGER NOT NULL, effect INTEGER, agent INTEGER, tool INTEGER, session INTEGER,
    rule INTEGER, approval INTEGER, segment INTEGER NOT NULL, offset INTEGER NOT NULL);
CREATE INDEX records_by_id ON records (id);
CREATE INDEX records_by_agent ON records (agent);
CREATE INDEX records_by_session ON records (session) WHERE session IS NOT NULL;
CREATE INDEX records_by_approval ON records (approval) WHERE approval IS NOT NULL;
CREATE INDEX records_by_tool ON records (tool) WHERE tool IS NOT NULL;
CREATE INDEX records_by_rule ON records (rule) WHERE rule IS NOT NULL;
CREATE INDEX records_by_effect ON records (effect) WHERE effect IS NOT NULL;
CREATE INDEX records_by_kind ON records (kind) WHERE kind > 0;
CREATE TABLE tools (number INTEGER PRIMARY KEY);
CREATE TABLE blocks (block INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL);
";

/// The last record that an index holds, or that a feed has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Its number; 0 in front of the first.
    pub seq: u64,
    /// Where it lies.
    pub location: Location,
    /// Its hash.
    pub hash: Hash,
}

#[derive(Debug)]
pub(crate) struct Index {
    connection: Connection,
    words: HashMap<String, i64>,
    /// Words that are known to be tools.
    tools: HashSet<i64>,
}

/// A filter in SQL.
struct Asked {
    /// What no way answers.
    conditions: Vec<&'static str>,
    values: Vec<SqlValue>,
    /// Numbers from the first and below the second.
    range: (i64, i64),
    by_id: bool,
    ways: Vec<Way>,
}

fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn read(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn effect_number(effect: Effect) -> i64 {
    match effect {
        Effect::Permit => 0,
        Effect::Defer => 1,
        Effect::Deny => 2,
    }
}

impl Index {
    /// Opens the index to write it, making it when it is absent.
    pub(crate) fn open(directory: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(directory.join(FILE_NAME))?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // Nothing is lost with the index, so it never makes the disk wait.
        connection.pragma_update(None, "synchronous", "off")?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == 0 {
            connection.execute_batch(SCHEMA)?;
            connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        } else if version != SCHEMA_VERSION {
            return Err(rusqlite::Error::InvalidQuery);
        }
        Ok(Self { connection, words: HashMap::new(), tools: HashSet::new() })
    }

    /// Opens an index that somebody else may be writing.
    pub(crate) fn open_to_read(directory: &Path) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(directory.join(FILE_NAME), flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version != SCHEMA_VERSION {
            return Err(rusqlite::Error::InvalidQuery);
        }
        Ok(Self { connection, words: HashMap::new(), tools: HashSet::new() })
    }

    /// Removes the index's files.
    pub(crate) fn remove(directory: &Path) {
        for suffix in ["", "-wal", "-shm"] {
            // What cannot be removed shows when it is opened again.
            let _ = std::fs::remove_file(directory.join(format!("{FILE_NAME}{suffix}")));
        }
    }

    pub(crate) fn cursor(&self) -> rusqlite::Result<Option<Cursor>> {
        let query = "SELECT seq, segment, offset, hash FROM cursor";
        let row = self.connection.query_row(query, [], |row| {
            let location = Location { segment: read(row.get(1)?), offset: read(row.get(2)?) };
            Ok(Cursor { seq: read(row.get(0)?), location, hash: row.get(3)? })
        });
        row.optional()
    }

    /// Adds records, which follow those that the index has.
    pub(crate) fn add(&mut self, steps: &[Step]) -> rusqlite::Result<()> {
        let Some(last) = steps.last() else { return Ok(()) };
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let added = self.add_all(steps).and_then(|()| self.move_cursor(last));
        let ended = self.connection.execute_batch(if added.is_ok() { "COMMIT" } else { "ROLLBACK" });
        if added.is_err() {
            self.words.clear();
            self.tools.clear();
        }
        added.and(ended)
    }

    fn add_all(&mut self, steps: &[Step]) -> rusqlite::Result<()> {
        let mut blocks: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
        for step in steps {
            let record = &step.record;
            let time = stored(record.time().0);
            let (first, last) = blocks.entry(stored(record.seq() / BLOCK)).or_insert((time, time));
            (*first, *last) = ((*first).min(time), (*last).max(time));
            let mut number = |word: Option<&str>| word.map(|word| self.number_of(word)).transpose();
            let agent = number(record.agent().as_deref())?;
            let tool = number(record.tool().as_deref())?;
            let session = number(record.session().as_deref())?;
            let rule = number(record.rule_ref().as_deref())?;
            let approval = number(record.approval_id().as_deref())?;
            if let Some(tool) = tool.filter(|tool| self.tools.insert(*tool)) {
                self.connection.prepare_cached("INSERT OR IGNORE INTO tools VALUES (?1)")?.execute([tool])?;
            }
            let mut insert = self.connection.prepare_cached(
                "INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?;
            insert.execute(params![
                stored(record.seq()),
                record.id().0.to_be_bytes(),
                time,
                record.kind().number(),
                record.effect().map(effect_number),
                agent,
                tool,
                session,
                rule,
                approval,
                stored(step.location.segment),
                stored(step.location.offset),
            ])?;
        }
        let mut keep = self.connection.prepare_cached(
            "INSERT INTO blocks VALUES (?1, ?2, ?3) ON CONFLICT (block) DO UPDATE \
             SET first = min(first, excluded.first), last = max(last, excluded.last)",
        )?;
        for (block, (first, last)) in blocks {
            keep.execute([block, first, last])?;
        }
        Ok(())
    }

    fn number_of(&mut self, word: &str) -> rusqlite::Result<i64> {
        if let Some(number) = self.words.get(word) {
            return Ok(*number);
        }
        let mut insert = self.connection.prepare_cached("INSERT OR IGNORE INTO words (word) VALUES (?1)")?;
        insert.execute([word])?;
        let mut select = self.connection.prepare_cached("SELECT number FROM words WHERE word = ?1")?;
        let number = select.query_row([word], |row| row.get(0))?;
        if self.words.len() >= MAX_REMEMBERED_WORDS {
            self.words.clear();
        }
        self.words.insert(word.to_owned(), number);
        Ok(number)
    }

    fn move_cursor(&self, last: &Step) -> rusqlite::Result<()> {
        let mut replace =
            self.connection.prepare_cached("INSERT OR REPLACE INTO cursor VALUES (0, ?1, ?2, ?3, ?4)")?;
        let (seq, location) = (stored(last.record.seq()), last.location);
        replace.execute(params![seq, stored(location.segment), stored(location.offset), last.hash])?;
        Ok(())
    }

    /// Where the records lie that the filter may let through, in the filter's order; only those of the
    /// segments from `live` on.
    pub(crate) fn propose(&self, filter: &Filter, live: u64) -> rusqlite::Result<Vec<Location>> {
        let Some(mut asked) = self.asked(filter)? else { return Ok(Vec::new()) };
        if live > 0 {
            asked.conditions.push("segment >= ?");
            asked.values.push(SqlValue::Integer(stored(live)));
        }
        if asked.by_id {
            return self.look(filter, &asked, " INDEXED BY records_by_id");
        }
        match ways::short(&self.connection, &asked.ways)? {
            Some(way) => self.look(filter, &asked, &format!(" INDEXED BY {}", way.index)),
            None if ways::can_meet(&asked.ways) => self.walk(filter, &asked),
            None => self.look(filter, &asked, ""),
        }
    }

    /// Looks at the records of one index, or of all, one by one.
    fn look(&self, filter: &Filter, asked: &Asked, by: &str) -> rusqlite::Result<Vec<Location>> {
        let (first, behind) = asked.range;
        let mut conditions = vec![format!("seq >= {first} AND seq < {behind}")];
        conditions.extend(asked.conditions.iter().map(|condition| (*condition).to_owned()));
        conditions.extend(asked.ways.iter().map(Way::condition));
        let order = if filter.newest_first { "DESC" } else { "ASC" };
        let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let query = format!(
            "SELECT segment, offset FROM records{by} WHERE {} ORDER BY seq {order} LIMIT {limit}",
            conditions.join(" AND ")
        );
        let mut statement = self.connection.prepare(&query)?;
        let rows = statement.query_map(params_from_iter(&asked.values), location)?;
        rows.collect()
    }

    /// Goes all ways at once, and looks only at records where they meet.
    fn walk(&self, filter: &Filter, asked: &Asked) -> rusqlite::Result<Vec<Location>> {
        let mut conditions = vec!["seq = ?".to_owned()];
        conditions.extend(asked.ways.iter().map(Way::condition));
        conditions.extend(asked.conditions.iter().map(|condition| (*condition).to_owned()));
        let query = format!("SELECT segment, offset FROM records WHERE {}", conditions.join(" AND "));
        let mut statement = self.connection.prepare(&query)?;
        let limit = filter.limit.unwrap_or(usize::MAX);
        let mut found = Vec::new();
        ways::meet(&self.connection, &asked.ways, asked.range, filter.newest_first, |seq| {
            let values = std::iter::once(SqlValue::Integer(seq)).chain(asked.values.iter().cloned());
            if found.len() < limit {
                found.extend(statement.query_row(params_from_iter(values), location).optional()?);
            }
            Ok(found.len() < limit)
        })?;
        Ok(found)
    }

    /// The filter in SQL; `None` when it names a word or a time that no record has.
    fn asked(&self, filter: &Filter) -> rusqlite::Result<Option<Asked>> {
        let mut asked = Asked {
            conditions: Vec::new(),
            values: Vec::new(),
            range: (0, i64::MAX),
            by_id: false,
            ways: Vec::new(),
        };
        let approval = match filter.id.as_deref().map(Filter::wanted) {
            Some(Wanted::Nothing) => return Ok(None),
            Some(Wanted::Approval(approval)) => Some(approval),
            Some(Wanted::Ids(low, high)) => {
                asked.by_id = true;
                asked.conditions.push("id BETWEEN ? AND ?");
                asked.values.extend([low, high].map(|id| SqlValue::Blob(id.0.to_be_bytes().to_vec())));
                None
            }
            None => None,
        };
        let words = [
            ("records_by_agent", "agent", filter.agent.as_deref()),
            ("records_by_session", "session", filter.session.as_deref()),
            ("records_by_rule", "rule", filter.rule.as_deref()),
            ("records_by_approval", "approval", filter.approval.as_deref()),
            ("records_by_approval", "approval", approval),
        ];
        for (index, column, word) in words {
            let Some(word) = word else { continue };
            let query = "SELECT number FROM words WHERE word = ?1";
            let number: Option<i64> =
                self.connection.query_row(query, [word], |row| row.get(0)).optional()?;
            let Some(number) = number else { return Ok(None) };
            asked.ways.push(Way { index, column, values: vec![number] });
        }
        if let Some(effect) = filter.effect {
            let values = vec![effect_number(effect)];
            asked.ways.push(Way { index: "records_by_effect", column: "effect", values });
        }
        match filter.kind.map(|kind| i64::from(kind.number())) {
            // The first is most of them, and not in the index.
            Some(0) => asked.conditions.push("kind = 0"),
            Some(kind) => {
                let values = vec![kind];
                asked.ways.push(Way { index: "records_by_kind", column: "kind > 0 AND kind", values });
            }
            None => {}
        }
        if let Some(pattern) = &filter.tool {
            let values = self.tools(pattern)?;
            if values.is_empty() {
                return Ok(None);
            }
            asked.ways.push(Way { index: "records_by_tool", column: "tool", values });
        }
        if let Some(after) = filter.after_seq {
            asked.range.0 = stored(after).saturating_add(1);
        }
        Ok(self.narrow(filter, &mut asked)?.then_some(asked))
    }

    /// Adds the times of a filter, and the numbers that records of these times have; false when there is none.
    fn narrow(&self, filter: &Filter, asked: &mut Asked) -> rusqlite::Result<bool> {
        let block = |query: &str, time: i64| -> rusqlite::Result<Option<i64>> {
            self.connection.query_row(query, [time], |row| row.get::<_, Option<i64>>(0))
        };
        if let Some(since) = filter.since.map(|time| stored(time.0)) {
            let Some(first) = block("SELECT min(block) FROM blocks WHERE last >= ?1", since)? else {
                return Ok(false);
            };
            asked.range.0 = asked.range.0.max(first.saturating_mul(stored(BLOCK)));
            asked.conditions.push("time >= ?");
            asked.values.push(SqlValue::Integer(since));
        }
        if let Some(until) = filter.until.map(|time| stored(time.0)) {
            let Some(last) = block("SELECT max(block) FROM blocks WHERE first < ?1", until)? else {
                return Ok(false);
            };
            asked.range.1 = last.saturating_add(1).saturating_mul(stored(BLOCK));
            asked.conditions.push("time < ?");
            asked.values.push(SqlValue::Integer(until));
        }
        Ok(true)
    }

    /// The numbers of the tools that a pattern names.
    fn tools(&self, pattern: &str) -> rusqlite::Result<Vec<i64>> {
        let query = "SELECT number, word FROM words WHERE number IN (SELECT number FROM tools)";
        let mut statement = self.connection.prepare(query)?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        let mut numbers = Vec::new();
        for row in rows {
            let (number, tool) = row?;
            if tool_matches(pattern, &tool) {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }
}

fn location(row: &rusqlite::Row<'_>) -> rusqlite::Result<Location> {
    Ok(Location { segment: read(row.get(0)?), offset: read(row.get(1)?) })
}
