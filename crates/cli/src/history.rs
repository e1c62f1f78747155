//! Where recorded history is read from: the ledger's folder or database, with or without a daemon, or,
//! for a ledger in memory, the daemon that has it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use faramesh_call::{Object, Value, json, object};
use faramesh_daemon::{DatabaseError, database_of, stack_name};
use faramesh_dpr::Record;
use faramesh_ledger::{ArchivedSegment, Filter, ReadError, Reader};
use faramesh_ledger_postgres::{Address, PostgresError};

use crate::client::{self, Client};
use crate::context::Context;
use crate::failure::Failure;
use crate::policy;
use crate::views::json::{list, text};

/// Records that are fetched from a daemon at once.
const PAGE_RECORDS: u64 = 1_000;
/// Where a stack's ledger is when nothing says otherwise.
const DEFAULT_FOLDER: &str = "./faramesh-wal";

/// The stored bytes of one record.
pub type Bytes = Arc<[u8]>;

/// A source of records.
#[derive(Debug)]
pub enum History {
    /// A ledger on disk.
    Folder(PathBuf),
    /// A ledger in the memory of this daemon.
    Daemon(Box<Client>),
    /// A ledger in a database, of all the stack's daemons.
    Database(Box<Database>),
}

/// Where a stack's records are in a database.
#[derive(Debug)]
pub struct Database {
    /// The database.
    pub address: Address,
    /// The stack.
    pub stack: String,
}

impl Database {
    fn each(&self, filter: &Filter, take: &mut dyn FnMut(Record)) -> Result<(), Failure> {
        let reader = faramesh_ledger_postgres::Reader::new(self.address.clone(), &self.stack, None);
        reader.each(filter, take).map_err(|error| out_of_reach(&error))
    }
}

impl History {
    /// The stack's history, or that of a ledger's folder that the person names.
    ///
    /// # Errors
    /// There is no ledger yet, or it cannot be opened.
    pub fn open(context: &Context, folder: Option<&Path>) -> Result<Self, Failure> {
        if let Some(folder) = folder {
            return Self::of_folder(folder, context);
        }
        if let Some(mut client) = client::find(context)? {
            let status = client.request("status", Object::new())?;
            if let Some(database) = running_database(&status, context)? {
                return Ok(Self::Database(Box::new(database)));
            }
            return match text(&status, &["daemon", "wal", "path"]) {
                "" => Ok(Self::Daemon(Box::new(client))),
                path => Self::of_folder(Path::new(path), context),
            };
        }
        let layout = context.layout()?;
        let known = policy::load_file(&layout.policy())?;
        if let Some((program, _)) = &known
            && let Some(address) = database_of(&program.runtime).map_err(|error| no_address(&error))?
        {
            let stack = stack_name(program, &layout);
            return Ok(Self::Database(Box::new(Database { address, stack })));
        }
        let folder =
            known.map_or_else(|| DEFAULT_FOLDER.to_owned(), |(program, _)| program.runtime.wal_dir.clone());
        Self::of_folder(&layout.resolve(&folder), context)
    }

    fn of_folder(folder: &Path, context: &Context) -> Result<Self, Failure> {
        if folder.is_dir() {
            return Ok(Self::Folder(folder.to_owned()));
        }
        Err(Failure::new(format!("there is no ledger in `{}`", folder.display()))
            .hint(format!("{} starts a daemon that keeps one", context.command("apply")))
            .hint("name another folder with `--ledger DIR`"))
    }

    /// The records that a filter lets through, in its order.
    ///
    /// # Errors
    /// History cannot be read or is damaged.
    pub fn query(&mut self, filter: &Filter) -> Result<Vec<Bytes>, Failure> {
        match self {
            Self::Folder(folder) => {
                let records = Reader::open(folder.as_path()).and_then(|reader| reader.query(filter));
                Ok(records
                    .map_err(|error| unreadable(&error))?
                    .iter()
                    .map(|record| record.bytes().clone())
                    .collect())
            }
            Self::Database(database) => {
                let mut records = Vec::new();
                database.each(filter, &mut |record| records.push(record.bytes().clone()))?;
                Ok(records)
            }
            Self::Daemon(client) => {
                let (method, params) = match &filter.id {
                    Some(id) => ("audit.get", object! { "id" => id.as_str() }),
                    None => ("audit.ls", params(filter)),
                };
                let reply = client.request(method, params)?;
                // Records have one canonical form, so this gives back the bytes as they are stored.
                Ok(list(&reply, &["records"]).iter().map(|record| json::canonical(record).into()).collect())
            }
        }
    }

    /// Every record that an id, the beginning of one, or an approval's id names.
    ///
    /// # Errors
    /// As [`History::query`].
    pub fn get(&mut self, id: &str) -> Result<Vec<Bytes>, Failure> {
        self.query(&Filter::by_id(id))
    }

    /// The segments whose bodies are in an archive, oldest first.
    ///
    /// # Errors
    /// As [`History::query`].
    pub fn archived(&self) -> Result<Vec<ArchivedSegment>, Failure> {
        let Self::Folder(folder) = self else { return Ok(Vec::new()) };
        let archived = Reader::open(folder.as_path()).and_then(|reader| reader.archived());
        archived.map_err(|error| unreadable(&error))
    }

    /// The archived segment whose body has the record of an id, as far as that is known.
    ///
    /// # Errors
    /// As [`History::query`].
    pub fn archived_with(&self, id: &str) -> Result<Option<ArchivedSegment>, Failure> {
        let Self::Folder(folder) = self else { return Ok(None) };
        let archived = Reader::open(folder.as_path()).and_then(|reader| reader.archived_with(id));
        archived.map_err(|error| unreadable(&error))
    }

    /// Hands over every record that the filter lets through, oldest first, without holding them.
    ///
    /// # Errors
    /// As [`History::query`].
    pub fn each(
        &mut self,
        filter: &Filter,
        take: &mut dyn FnMut(&Record) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self {
            Self::Folder(folder) => {
                let records = Reader::open(folder.as_path()).and_then(|reader| reader.records());
                for record in records.map_err(|error| unreadable(&error))? {
                    let (_, record) = record.map_err(|error| unreadable(&error))?;
                    if filter.matches(&record) {
                        take(&record)?;
                    }
                }
                Ok(())
            }
            Self::Database(database) => {
                let all = Filter { limit: None, newest_first: false, ..filter.clone() };
                let mut taken = Ok(());
                database.each(&all, &mut |record| {
                    if taken.is_ok() {
                        taken = take(&record);
                    }
                })?;
                taken
            }
            Self::Daemon(client) => {
                for bytes in raw(client)? {
                    let record = Record::parse(bytes).map_err(|error| {
                        Failure::new(format!("the daemon gave what is no record: {error}"))
                    })?;
                    if filter.matches(&record) {
                        take(&record)?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// The database of a running daemon, as the policy in force names it. The daemon says what it uses, so
/// that an address that was changed since is not taken for it.
fn running_database(status: &Value, context: &Context) -> Result<Option<Database>, Failure> {
    let place = text(status, &["daemon", "wal", "place"]);
    if place.is_empty() {
        return Ok(None);
    }
    let layout = context.layout()?;
    let known = policy::load_file(&layout.policy())?;
    let address = match &known {
        Some((program, _)) => database_of(&program.runtime).map_err(|error| no_address(&error))?,
        None => None,
    };
    let stack = text(status, &["stack"]).to_owned();
    match address.filter(|address| address.to_string() == place) {
        Some(address) => Ok(Some(Database { address, stack })),
        None => Err(Failure::new(format!("the daemon keeps its records in {place}, and the policy and environment of this command name another database"))
            .hint("set the variable that the policy names to the daemon's address")),
    }
}

fn no_address(error: &DatabaseError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        DatabaseError::NotSet(name) => {
            failure.hint(format!("set {name}; an address that may only read is enough for this command"))
        }
        _ => failure.hint("`postgres_url` is like `postgres://user@host:5432/database`"),
    }
}

/// A database that cannot be read, and what to do.
pub fn out_of_reach(error: &PostgresError) -> Failure {
    let failure = Failure::new(format!("the ledger cannot be read: {error}"));
    match error {
        PostgresError::Damage(_) => failure
            .hint("`faramesh audit verify` checks it from the beginning")
            .hint("keep the tables as they are: they are evidence"),
        _ => failure,
    }
}

/// Every stored record of a daemon that keeps them in memory, oldest first. The daemon bounds them.
///
/// # Errors
/// The daemon does not answer.
pub fn raw(client: &mut Client) -> Result<Vec<Bytes>, Failure> {
    let mut records: Vec<Bytes> = Vec::new();
    let mut after_seq = 0;
    loop {
        let params = object! { "after_seq" => after_seq, "limit" => PAGE_RECORDS };
        let reply = client.request("audit.raw", params)?;
        let page = list(&reply, &["records"]);
        let texts = page.iter().filter_map(Value::as_str);
        records.extend(texts.map(|text| Bytes::from(text.as_bytes())));
        let last =
            records.last().and_then(|bytes| Record::parse(bytes.clone()).ok()).map(|record| record.seq());
        let is_last_page = u64::try_from(page.len()).is_ok_and(|length| length < PAGE_RECORDS);
        match last {
            Some(seq) if !is_last_page && seq > after_seq => after_seq = seq,
            _ => return Ok(records),
        }
    }
}

/// A filter as the operators' socket takes it.
pub fn params(filter: &Filter) -> Object {
    let mut params = Object::new();
    let texts = [
        ("agent", &filter.agent),
        ("tool", &filter.tool),
        ("session", &filter.session),
        ("rule", &filter.rule),
        ("approval", &filter.approval),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            params.insert(key, value.as_str());
        }
    }
    if let Some(effect) = filter.effect {
        params.insert("effect", effect.as_str());
    }
    if let Some(kind) = filter.kind {
        params.insert("kind", kind.as_str());
    }
    for (key, time) in [("since_ms", filter.since), ("until_ms", filter.until)] {
        if let Some(time) = time {
            params.insert(key, time.0);
        }
    }
    if let Some(limit) = filter.limit {
        params.insert("limit", limit);
    }
    params.insert("newest_first", filter.newest_first);
    params
}

/// A ledger that cannot be read, and what to do.
pub fn unreadable(error: &ReadError) -> Failure {
    let failure = Failure::new(format!("the ledger cannot be read: {error}"));
    match error {
        ReadError::Damage(_) => failure
            .hint("`faramesh audit verify` checks it from the beginning")
            .hint("keep the folder as it is: it is evidence"),
        ReadError::Io { .. } => failure.hint("run the command as the user who runs the daemon, or as root"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faramesh_call::{Effect, Timestamp};

    #[test]
    fn a_filter_goes_over_the_socket_whole() {
        let filter = Filter {
            agent: Some("a".to_owned()),
            effect: Some(Effect::Deny),
            since: Some(Timestamp(5)),
            limit: Some(7),
            newest_first: true,
            ..Filter::default()
        };
        let text = String::from_utf8(json::canonical(&Value::Object(params(&filter)))).unwrap();
        assert_eq!(text, r#"{"agent":"a","effect":"deny","limit":7,"newest_first":true,"since_ms":5}"#);
    }
}
