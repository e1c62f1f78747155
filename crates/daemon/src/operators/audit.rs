//! The ledger, for people: listing, one record, the stored bytes, and following it live.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::time::Duration;

use faramesh_call::{Effect, Object, Timestamp, Value, object};
use faramesh_dpr::{Kind, Record};
use faramesh_ledger::{Event, Filter};

use super::approvals::record_value;
use super::{Answer, Context, Failure, needed, reply, send, text, whole};

/// Records of a listing when nothing else is asked for.
const DEFAULT_LIMIT: u64 = 100;
/// Most records of one answer.
const MAX_LIMIT: u64 = 10_000;
/// Records that wait for a slow follower.
const TAIL_CAPACITY: usize = 4_096;
/// How often a follower without records is looked after.
const TAIL_WAIT: Duration = Duration::from_millis(500);

pub(super) fn ls(context: &Context, params: &Object) -> Answer {
    let records = query(context, &filter(params)?)?;
    let records: Vec<Value> = records.iter().map(record_value).collect();
    Ok(object! { "version" => 1_i64, "records" => records })
}

pub(super) fn get(context: &Context, params: &Object) -> Answer {
    let id = needed(params, "id")?;
    let mut filter = Filter::by_id(id);
    filter.limit = usize::try_from(DEFAULT_LIMIT).ok();
    let records: Vec<Value> = query(context, &filter)?.iter().map(record_value).collect();
    Ok(object! { "version" => 1_i64, "records" => records })
}

/// The stored bytes, so that somebody else can verify the chain.
pub(super) fn raw(context: &Context, params: &Object) -> Answer {
    let filter = Filter {
        after_seq: Some(whole(params, "after_seq")?.unwrap_or(0)),
        limit: limit(params)?,
        ..Filter::default()
    };
    let text = |record: &Record| Value::from(String::from_utf8_lossy(record.bytes()).into_owned());
    let records: Vec<Value> = query(context, &filter)?.iter().map(text).collect();
    Ok(object! { "version" => 1_i64, "records" => records })
}

/// Sends every record that fits, as it is kept, until the follower hangs up or the daemon stops.
pub(super) fn tail(context: &Context, params: &Object, id: Value, stream: &UnixStream) -> io::Result<()> {
    let filter = match filter(params) {
        Ok(filter) => filter,
        Err(failure) => return send(stream, &reply(id, Err(failure))),
    };
    let subscription = context.gate.ledger().subscribe(TAIL_CAPACITY, None);
    send(stream, &reply(id, Ok(Object::new())))?;
    while !context.stopping.load(Ordering::Acquire) {
        match subscription.next_within(TAIL_WAIT) {
            Some(Event::Record(bytes)) => {
                let fits = Record::parse(bytes.clone()).is_ok_and(|record| filter.matches(&record));
                if fits {
                    let mut line = br#"{"jsonrpc":"2.0","method":"record","params":"#.to_vec();
                    line.extend_from_slice(&bytes);
                    line.extend_from_slice(b"}\n");
                    (&*stream).write_all(&line)?;
                }
            }
            Some(Event::Lagged(records)) => {
                let params = object! { "records" => records };
                send(stream, &object! { "jsonrpc" => "2.0", "method" => "lagged", "params" => params })?;
            }
            Some(Event::Closed) => return Ok(()),
            None if has_hung_up(stream) => return Ok(()),
            None => {}
        }
    }
    Ok(())
}

/// Whether the other end closed: a follower has nothing more to say, so anything readable is that.
fn has_hung_up(stream: &UnixStream) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut polled = [PollFd::new(stream, PollFlags::RDHUP | PollFlags::HUP)];
    poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}

fn query(context: &Context, filter: &Filter) -> Result<Vec<Record>, Failure> {
    context.gate.ledger().query(filter).map_err(|error| Failure::new("LEDGER", error))
}

fn limit(params: &Object) -> Result<Option<usize>, Failure> {
    let limit = whole(params, "limit")?.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    Ok(usize::try_from(limit).ok())
}

fn filter(params: &Object) -> Result<Filter, Failure> {
    let owned = |key: &str| Ok(text(params, key)?.map(str::to_owned));
    let word = |key: &str| text(params, key);
    let effect = match word("effect")? {
        None => None,
        Some(effect) => Some(
            Effect::parse(effect).ok_or_else(|| Failure::params("`effect` must be permit, defer or deny"))?,
        ),
    };
    let kind = match word("kind")? {
        None => None,
        Some(kind) => Some(Kind::parse(kind).ok_or_else(|| Failure::params("`kind` is no kind of record"))?),
    };
    Ok(Filter {
        agent: owned("agent")?,
        effect,
        tool: owned("tool")?,
        session: owned("session")?,
        rule: owned("rule")?,
        approval: owned("approval")?,
        kind,
        since: whole(params, "since_ms")?.map(Timestamp),
        until: whole(params, "until_ms")?.map(Timestamp),
        limit: limit(params)?,
        newest_first: params.get("newest_first").and_then(Value::as_bool).unwrap_or(false),
        ..Filter::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use faramesh_call::json;

    #[test]
    fn filters_are_read_strictly() {
        let read = |text: &str| filter(json::parse(text.as_bytes()).unwrap().as_object().unwrap());
        let good = read(r#"{"effect":"deny","tool":"stripe/*","limit":5,"newest_first":true}"#).unwrap();
        assert_eq!((good.effect, good.limit), (Some(Effect::Deny), Some(5)));
        assert!(read(r#"{"effect":"denied"}"#).is_err());
        assert!(read(r#"{"tool":5}"#).is_err());
        assert_eq!(read(r#"{"limit":99999999}"#).unwrap().limit, Some(10_000));
    }
}
