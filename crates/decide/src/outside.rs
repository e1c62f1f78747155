//! What a decision reads of a call beside its arguments: the model, claims about a person, labels, the HTTP request.
//! A record keeps of it what was read, and not more, under `inputs.call`, so that the call can be decided again.
//!
//! INVARIANT no secret: headers that carry credentials are never kept, and claims about people are not where the
//! policy seals what belongs to them. What is withheld is named, and such a decision cannot be made again.

use faramesh_call::{Call, Http, Object, Value};
use faramesh_program::image::{Path, Root, Step};
use faramesh_program::{Agent, Program};

use crate::verdict::Verdict;

/// The member of `inputs`.
const MEMBER: &str = "call";
/// The names of what was read, whether it was there or not.
const READ: &str = "read";
/// The names of what was read and is not kept.
const WITHHELD: &str = "withheld";
/// Headers that carry credentials.
const SECRET_HEADERS: &[&str] =
    &["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key"];

/// Whether records keep what starts here by themselves.
pub(crate) fn is_outside(root: Root) -> bool {
    matches!(
        root,
        Root::Model
            | Root::Host
            | Root::Port
            | Root::Method
            | Root::Path
            | Root::Query
            | Root::Headers
            | Root::Principal
            | Root::Tags
    )
}

/// The name of a place: the same in every policy that reads it.
fn name(path: &Path) -> String {
    let mut name = match path.root {
        Root::Model => "model",
        Root::Host => "http.host",
        Root::Port => "http.port",
        Root::Method => "http.method",
        Root::Path => "http.path",
        Root::Query => "http.query",
        Root::Headers => "http.headers",
        Root::Principal => "principal",
        Root::Tags => "tags",
        _ => "call",
    }
    .to_owned();
    for step in &path.steps {
        match step {
            // A member with a point in it is not taken for two.
            Step::Key(key) => name.push_str(&format!(".{}", key.replace('\\', "\\\\").replace('.', "\\."))),
            Step::Index(index) => name.push_str(&format!(".{index}")),
        }
    }
    name
}

/// Notes what was read of the places `read`.
pub(crate) fn note(program: &Program, agent: &Agent, call: &Call, read: &[u32], verdict: &mut Verdict<'_>) {
    for path in read.iter().filter_map(|index| program.path(*index)) {
        note_one(path, agent.seals(), call, &mut verdict.inputs);
    }
}

/// Notes that the model was read.
pub(crate) fn note_model(agent: &Agent, call: &Call, verdict: &mut Verdict<'_>) {
    note_one(&plain(Root::Model), agent.seals(), call, &mut verdict.inputs);
}

/// Notes that the host was read.
pub(crate) fn note_host(agent: &Agent, call: &Call, verdict: &mut Verdict<'_>) {
    note_one(&plain(Root::Host), agent.seals(), call, &mut verdict.inputs);
}

fn plain(root: Root) -> Path {
    Path { root, steps: Vec::new(), text: String::new() }
}

fn note_one(path: &Path, seals: bool, call: &Call, inputs: &mut Object) {
    let mut kept = match inputs.remove(MEMBER) {
        Some(Value::Object(kept)) => kept,
        _ => Object::new(),
    };
    let secret = match (path.root, path.steps.first()) {
        (Root::Principal, _) => seals,
        (Root::Headers, Some(Step::Key(header))) => {
            SECRET_HEADERS.iter().any(|secret| secret.eq_ignore_ascii_case(header))
        }
        (Root::Headers, _) => true,
        _ => false,
    };
    add_name(&mut kept, if secret { WITHHELD } else { READ }, name(path));
    if !secret {
        keep(path, call, &mut kept);
    }
    inputs.insert(MEMBER, kept);
}

fn add_name(kept: &mut Object, list: &str, name: String) {
    let mut names = match kept.remove(list) {
        Some(Value::List(names)) => names,
        _ => Vec::new(),
    };
    // In order, so that the record does not say in which rules looked.
    if let Err(at) = names.binary_search_by(|known| known.as_str().unwrap_or_default().cmp(&name)) {
        names.insert(at, Value::from(name));
    }
    kept.insert(list, names);
}

fn keep(path: &Path, call: &Call, kept: &mut Object) {
    let mut of_http = |member: &str, value: &dyn Fn(&Http) -> Value, steps: &[Step]| {
        let Some(http) = &call.http else { return };
        let mut own = match kept.remove("http") {
            Some(Value::Object(own)) => own,
            _ => Object::new(),
        };
        let mut into = own.remove(member).unwrap_or_default();
        copy(&value(http), steps, &mut into);
        own.insert(member, into);
        kept.insert("http", own);
    };
    match path.root {
        Root::Model => {
            if let Some(model) = &call.model {
                kept.insert("model", &**model);
            }
        }
        Root::Host => of_http("host", &|http| Value::from(&*http.host), &[]),
        Root::Port => of_http("port", &|http| Value::from(u64::from(http.port)), &[]),
        Root::Method => of_http("method", &|http| Value::from(&*http.method), &[]),
        Root::Path => of_http("path", &|http| Value::from(&*http.path), &[]),
        Root::Query => of_http("query", &|http| Value::Object(http.query.clone()), &path.steps),
        Root::Headers => of_http("headers", &|http| Value::Object(http.headers.clone()), &path.steps),
        Root::Principal => {
            if let Some(principal) = &call.principal {
                let mut into = kept.remove("principal").unwrap_or_default();
                copy(principal, &path.steps, &mut into);
                kept.insert("principal", into);
            }
        }
        Root::Tags => {
            if let Some(tags) = &call.tags {
                let mut into = kept.remove("tags").unwrap_or_default();
                copy(&Value::Object(tags.clone()), &path.steps, &mut into);
                kept.insert("tags", into);
            }
        }
        _ => {}
    }
}

/// Copies what stands at the end of `steps`, in the objects that lead there. A list is copied whole: its elements
/// are told apart by how many come before.
fn copy(from: &Value, steps: &[Step], into: &mut Value) {
    match (from, steps.split_first()) {
        (Value::Object(members), Some((Step::Key(key), rest))) => {
            let mut own = match std::mem::take(into) {
                Value::Object(own) => own,
                _ => Object::new(),
            };
            if let Some(member) = members.get(key) {
                let mut inner = own.remove(key).unwrap_or_default();
                copy(member, rest, &mut inner);
                own.insert(key.as_str(), inner);
            }
            *into = Value::Object(own);
        }
        _ => *into = from.clone(),
    }
}

/// What the `inputs` of a record keep of a call beside its arguments.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    read: Vec<String>,
    withheld: bool,
}

impl Outside {
    /// Puts what a record's `inputs` keep back into a call.
    #[must_use]
    pub fn read_back(inputs: &Value, call: &mut Call) -> Self {
        let Some(kept) = inputs.get(MEMBER) else { return Self::default() };
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(Box::from);
        call.model = text(kept.get("model"));
        call.principal = kept.get("principal").cloned();
        call.tags = kept.get("tags").and_then(Value::as_object).cloned();
        call.http = kept.get("http").map(|http| {
            let object =
                |member: &str| http.get(member).and_then(Value::as_object).cloned().unwrap_or_default();
            let port = http.get("port").and_then(Value::as_i64).and_then(|port| u16::try_from(port).ok());
            Box::new(Http {
                host: text(http.get("host")).unwrap_or_default(),
                port: port.unwrap_or_default(),
                method: text(http.get("method")).unwrap_or_default(),
                path: text(http.get("path")).unwrap_or_default(),
                query: object("query"),
                headers: object("headers"),
            })
        });
        let names = |list: &str| kept.get(list).and_then(Value::as_list).unwrap_or_default();
        let read = names(READ).iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect();
        Self { read, withheld: !names(WITHHELD).is_empty() }
    }

    /// Whether something that the decision read is not in the record.
    #[must_use]
    pub fn is_withheld(&self) -> bool {
        self.withheld
    }

    /// Whether a decision over the call that was read back looked at nothing that the record does not know: what
    /// another policy reads may have been there.
    #[must_use]
    pub fn covers(&self, inputs: &Object) -> bool {
        let Some(kept) = inputs.get(MEMBER) else { return true };
        let names = |list: &str| kept.get(list).and_then(Value::as_list).unwrap_or_default();
        let known =
            |name: &Value| name.as_str().is_some_and(|name| self.read.iter().any(|read| read == name));
        names(WITHHELD).is_empty() && names(READ).iter().all(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faramesh_call::json::parse;

    fn at(root: Root, steps: &[&str]) -> Path {
        let step = |step: &&str| step.parse().map_or_else(|_| Step::Key((*step).to_owned()), Step::Index);
        Path { root, steps: steps.iter().map(step).collect(), text: String::new() }
    }

    fn call() -> Call {
        let http = Http {
            host: "api.example.com".into(),
            port: 443,
            method: "POST".into(),
            path: "/v1".into(),
            query: parse(br#"{"page":"2"}"#).unwrap().as_object().unwrap().clone(),
            headers: parse(br#"{"authorization":"Bearer x","accept":"a/b"}"#)
                .unwrap()
                .as_object()
                .unwrap()
                .clone(),
        };
        Call {
            model: Some("m".into()),
            principal: Some(
                parse(br#"{"email":"ann@example.com","org":{"role":"nurse","ward":7},"groups":["a","b"]}"#)
                    .unwrap(),
            ),
            tags: Some(parse(br#"{"env":"prod","team":"x"}"#).unwrap().as_object().unwrap().clone()),
            http: Some(Box::new(http)),
            ..Call::default()
        }
    }

    fn noted(paths: &[Path], seals: bool) -> Object {
        let mut inputs = Object::new();
        paths.iter().for_each(|path| note_one(path, seals, &call(), &mut inputs));
        inputs
    }

    #[test]
    fn what_was_read_is_kept_and_nothing_else() {
        let paths = [
            at(Root::Principal, &["org", "role"]),
            at(Root::Principal, &["groups", "1"]),
            at(Root::Principal, &["org", "floor"]),
            at(Root::Tags, &["env"]),
            at(Root::Method, &[]),
            at(Root::Headers, &["accept"]),
            at(Root::Headers, &["authorization"]),
        ];
        let inputs = Value::Object(noted(&paths, false));
        let kept = inputs.get(MEMBER).unwrap();
        let expected = parse(
            br#"{"http":{"headers":{"accept":"a/b"},"method":"POST"},
                "principal":{"groups":["a","b"],"org":{"role":"nurse"}},
                "read":["http.headers.accept","http.method","principal.groups.1","principal.org.floor","principal.org.role","tags.env"],
                "tags":{"env":"prod"},"withheld":["http.headers.authorization"]}"#,
        );
        assert_eq!(kept, &expected.unwrap());
        let mut again = Call::default();
        let outside = Outside::read_back(&inputs, &mut again);
        assert!(outside.is_withheld());
        let mut twice = Object::new();
        paths.iter().take(6).for_each(|path| note_one(path, false, &again, &mut twice));
        assert_eq!(
            twice.get(MEMBER).unwrap().get("principal"),
            kept.get("principal"),
            "read again, it is the same"
        );
        assert!(outside.covers(&twice));
        note_one(&at(Root::Principal, &["email"]), false, &again, &mut twice);
        assert!(!outside.covers(&twice), "nobody knows whether there was one");
    }

    #[test]
    fn claims_about_people_are_withheld_where_their_data_is_sealed() {
        let inputs = noted(&[at(Root::Principal, &["email"]), at(Root::Tags, &["env"])], true);
        assert!(!faramesh_call::json::canonical(&Value::Object(inputs.clone())).contains(&b'@'));
        assert!(Outside::read_back(&Value::Object(inputs), &mut Call::default()).is_withheld());
    }

    #[test]
    fn names_do_not_collide() {
        let names = [at(Root::Tags, &["a.b"]), at(Root::Tags, &["a", "b"]), at(Root::Tags, &["a\\", "b"])];
        let names: std::collections::BTreeSet<String> = names.iter().map(name).collect();
        assert_eq!(names.len(), 3);
    }
}
