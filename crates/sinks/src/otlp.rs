//! OpenTelemetry: every record is a log record, and every decision and outcome a span, sent as OTLP over HTTP in JSON.
//! A decision and what came of it make one trace.
//!
//! INVARIANT no arguments: what is sent is what the one list of attributes names, and none of it is an argument, a
//! message or a secret.

use std::path::Path;
use std::time::{Duration, SystemTime};

use faramesh_call::{Object, Timestamp, Value, json, object};
use faramesh_telemetry::ATTRIBUTES;
use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::http::header;

use crate::address::{Address, AddressError};
use crate::cursor::hex;
use crate::secret::Secret;
use crate::sink::{Batch, Failure, Sink};
use crate::webhook::{MAX_ANSWER_BYTES, client, failure, judge};

/// Where a collector takes what.
const LOGS: &str = "v1/logs";
const TRACES: &str = "v1/traces";
/// Numbers of OTLP: severities, a span of the process itself, and how a span ended.
const INFO: i64 = 9;
const WARN: i64 = 13;
const INTERNAL: i64 = 1;
const STATUS_ERROR: i64 = 2;
const NANOS_PER_MS: u128 = 1_000_000;

pub(crate) struct Otlp {
    agent: Agent,
    logs: Address,
    traces: Address,
    authorization: Option<Secret>,
    timeout: Duration,
}

/// The two addresses of a collector, below the one of the policy.
///
/// # Errors
/// It cannot be sent to.
pub(crate) fn addresses(base: &Address) -> Result<(Address, Address), AddressError> {
    let base = base.as_str().trim_end_matches('/');
    if base.contains('?') {
        return Err(AddressError::Characters);
    }
    Ok((Address::parse(&format!("{base}/{LOGS}"))?, Address::parse(&format!("{base}/{TRACES}"))?))
}

impl Otlp {
    /// # Errors
    /// The address or the authorities cannot be used.
    pub(crate) fn new(
        address: &Address,
        authorization: Option<&Secret>,
        timeout: Duration,
        authorities: Option<&Path>,
    ) -> Result<Self, Failure> {
        let (logs, traces) =
            addresses(address).map_err(|error| Failure::lasting(format!("`url`: {error}")))?;
        Ok(Self {
            agent: client(address, timeout, authorities)?,
            logs,
            traces,
            authorization: authorization.cloned(),
            timeout,
        })
    }

    fn post(&self, address: &Address, body: &Value, records: usize) -> Result<(), Failure> {
        let mut request = self.agent.post(address.as_str()).header(header::CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization.reveal());
        }
        let sent = request.send(&json::canonical(body)[..]);
        let mut response = sent.map_err(|error| failure(address, self.timeout, &error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        // What a collector rejects of a batch that it took must not be sent again, so its answer changes nothing.
        let _ = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
        judge(status, &headers, records, SystemTime::now())
    }
}

impl Sink for Otlp {
    fn deliver(&mut self, batch: &Batch) -> Result<(), Failure> {
        // The ledger's own records always read.
        let records: Vec<Value> = batch.records.iter().filter_map(|bytes| json::parse(bytes).ok()).collect();
        self.post(&self.logs, &logs(&records), batch.records.len())?;
        let spans: Vec<Value> = records.iter().filter_map(span).collect();
        if spans.is_empty() {
            return Ok(());
        }
        self.post(&self.traces, &traces(&records, spans), batch.records.len())
    }
}

fn logs(records: &[Value]) -> Value {
    let written = records.iter().map(log).collect::<Value>();
    let scope = object! { "logRecords" => written, "scope" => scope() };
    let resource =
        object! { "resource" => resource(records), "scopeLogs" => Value::List(vec![scope.into()]) };
    object! { "resourceLogs" => Value::List(vec![resource.into()]) }.into()
}

fn traces(records: &[Value], spans: Vec<Value>) -> Value {
    let scope = object! { "scope" => scope(), "spans" => Value::List(spans) };
    let resource =
        object! { "resource" => resource(records), "scopeSpans" => Value::List(vec![scope.into()]) };
    object! { "resourceSpans" => Value::List(vec![resource.into()]) }.into()
}

fn scope() -> Object {
    object! { "name" => "faramesh", "version" => env!("CARGO_PKG_VERSION") }
}

/// The stack and the daemon: a ledger is of one of each.
fn resource(records: &[Value]) -> Object {
    let first = records.first();
    let member =
        |key: &str| first.and_then(|record| record.get(key)).and_then(Value::as_str).unwrap_or_default();
    let attributes = [
        ("service.name", "faramesh"),
        ("service.namespace", member("stack")),
        ("service.instance.id", member("instance")),
    ];
    let attributes = attributes.into_iter().map(|(name, value)| text_attribute(name, value));
    object! { "attributes" => attributes.collect::<Value>() }
}

fn text_attribute(name: &str, value: &str) -> Value {
    object! { "key" => name, "value" => object! { "stringValue" => value } }.into()
}

/// What the list names of a record.
fn attributes(record: &Value) -> Value {
    let found = ATTRIBUTES.iter().filter_map(|attribute| {
        let value = attribute.path.iter().try_fold(record, |at, step| at.get(step))?;
        let value = match value {
            Value::String(text) => object! { "stringValue" => &**text },
            Value::Bool(value) => object! { "boolValue" => *value },
            // Whole numbers are texts in the JSON of protocol buffers.
            Value::Number(number) => object! { "intValue" => number.to_string() },
            _ => return None,
        };
        Some(Value::from(object! { "key" => attribute.name, "value" => value }))
    });
    found.collect()
}

fn text<'v>(record: &'v Value, key: &str) -> &'v str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn log(record: &Value) -> Value {
    let (kind, effect) = (text(record, "kind"), text(record, "effect"));
    let severity = if matches!(effect, "deny" | "defer") || kind == "emergency" { WARN } else { INFO };
    let what = [effect, text(record, "tool")].into_iter().filter(|word| !word.is_empty());
    let what = what.collect::<Vec<_>>().join(" ");
    let mut members = object! {
        "attributes" => attributes(record),
        "body" => object! { "stringValue" => if what.is_empty() { kind } else { &what } },
        "eventName" => format!("faramesh.{kind}"),
        "severityNumber" => severity,
        "severityText" => if severity == WARN { "WARN" } else { "INFO" },
        "timeUnixNano" => nanos(time(record)),
    };
    if let Some((trace, span)) = ids(record) {
        members.insert("spanId", span);
        members.insert("traceId", trace);
    }
    members.into()
}

/// The span of a decision or of what came of it.
fn span(record: &Value) -> Option<Value> {
    let (trace, span) = ids(record)?;
    let kind = text(record, "kind");
    let ended = time(record);
    let detail = |key: &str| record.get("detail").and_then(|detail| detail.get(key));
    let lasted_ms = detail("duration_ms").and_then(Value::as_i64).and_then(|ms| u64::try_from(ms).ok());
    let began = Timestamp(ended.0.saturating_sub(lasted_ms.unwrap_or(0)));
    let mut members = object! {
        "attributes" => attributes(record),
        "endTimeUnixNano" => nanos(ended),
        "kind" => INTERNAL,
        "name" => format!("faramesh.{kind}"),
        "spanId" => span,
        "startTimeUnixNano" => nanos(began),
        "traceId" => trace,
    };
    if kind == "outcome" {
        members.insert("parentSpanId", span_id(text(record, "parent")));
        let failed = detail("status").and_then(Value::as_str).is_some_and(|status| status != "ok");
        if failed {
            members.insert("status", object! { "code" => STATUS_ERROR });
        }
    }
    Some(members.into())
}

/// The trace and the span of a record, when it has any. Both are made of ids, so that they are the same whoever sends
/// them, and however often.
fn ids(record: &Value) -> Option<(String, String)> {
    let id = text(record, "id");
    let decision = match text(record, "kind") {
        "decision" => id,
        "outcome" => text(record, "parent"),
        _ => return None,
    };
    let trace = Sha256::digest(format!("trace {decision}"));
    Some((hex(trace.get(..16).unwrap_or_default()), span_id(id)))
}

fn span_id(record: &str) -> String {
    let span = Sha256::digest(format!("span {record}"));
    hex(span.get(..8).unwrap_or_default())
}

fn time(record: &Value) -> Timestamp {
    Timestamp::parse(text(record, "time")).unwrap_or_default()
}

fn nanos(time: Timestamp) -> String {
    (u128::from(time.0) * NANOS_PER_MS).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Value {
        json::parse(text.as_bytes()).unwrap()
    }

    const DECISION: &str = r#"{"id":"dpr-1","kind":"decision","time":"2026-03-02T09:00:00.500Z","agent":"a","tool":"pay",
        "effect":"deny","code":"POLICY_DENY","args":{"card":"4111"},"reason":"4111 is stolen","seq":7,"enforced":true,
        "rule":{"ref":"governance.fms:3"},"stack":"shop","instance":"host"}"#;
    const OUTCOME: &str = r#"{"id":"dpr-2","kind":"outcome","time":"2026-03-02T09:00:02.000Z","parent":"dpr-1",
        "detail":{"status":"error","duration_ms":1500,"error":"4111"}}"#;

    #[test]
    fn a_decision_and_its_outcome_are_one_trace_without_arguments() {
        let (decision, outcome) = (parsed(DECISION), parsed(OUTCOME));
        let (first, second) = (span(&decision).unwrap(), span(&outcome).unwrap());
        assert_eq!(first.get("traceId"), second.get("traceId"));
        assert_eq!(first.get("spanId"), second.get("parentSpanId"));
        assert_ne!(first.get("spanId"), second.get("spanId"));
        assert_eq!(text(&second, "startTimeUnixNano"), "1772442000500000000");
        assert_eq!(text(&second, "endTimeUnixNano"), "1772442002000000000");
        assert!(second.get("status").is_some() && first.get("status").is_none());
        let sent = [logs(&[decision.clone(), outcome.clone()]), traces(&[decision], vec![first, second])];
        for sent in sent {
            let text = String::from_utf8(json::canonical(&sent)).unwrap();
            assert!(!text.contains("4111"), "{text}");
            assert!(text.contains(r#"{"key":"faramesh.record.seq","value":{"intValue":"7"}}"#), "{text}");
        }
    }

    #[test]
    fn other_records_are_logs_alone() {
        let record = parsed(
            r#"{"id":"dpr-3","kind":"lifecycle","time":"2026-03-02T09:00:00.000Z","detail":{"state":"READY"}}"#,
        );
        assert!(span(&record).is_none());
        let log = log(&record);
        assert_eq!(text(&log, "eventName"), "faramesh.lifecycle");
        assert!(log.get("traceId").is_none());
    }

    #[test]
    fn addresses_are_below_that_of_the_policy() {
        let both =
            |text: &str| addresses(&Address::parse(text).unwrap()).map(|(logs, _)| logs.as_str().to_owned());
        assert_eq!(both("https://o.example.com/otlp/"), Ok("https://o.example.com/otlp/v1/logs".to_owned()));
        assert!(both("https://o.example.com/otlp?x=1").is_err());
    }
}
