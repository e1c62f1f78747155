//! The members of requests: each is read into its place, once, and a method takes those it knows.

use std::borrow::Cow;

use faramesh_call::call::COMPLETE_TOOL;
use faramesh_call::json::{JsonError, Kind, Reader};
use faramesh_call::{Action, Call, Http, Object, Tier, Value, envelope};
use faramesh_gate::{Declaration, Outcome, OutcomeStatus, Said};

use crate::request::Request;

/// Names of methods that 0.3 clients put into `operation`; they are no part of a tool's name.
const METHOD_NAMES: [&str; 8] = [
    "invoke",
    "ainvoke",
    "run",
    "arun",
    "_execute_tool_sync",
    "_execute_tool_async",
    "_run_one",
    "_arun_one",
];

/// A member that may be null, which is as good as absent, and still may not appear twice.
type Member<T> = Option<Option<T>>;

/// What is wrong with a member, unless the line is not JSON at all.
pub type Taken = Result<Result<(), &'static str>, JsonError>;

/// The members of all requests together; which of them count depends on the method.
#[derive(Debug, Default)]
pub struct Params {
    agent: Member<Box<str>>,
    agent_id: Member<Box<str>>,
    tool: Member<Box<str>>,
    operation: Member<Box<str>>,
    action: Member<Box<str>>,
    args: Option<Value>,
    session: Member<Box<str>>,
    call_id: Member<Box<str>>,
    request_id: Member<Box<str>>,
    model: Member<Box<str>>,
    principal: Option<Value>,
    tags: Member<Object>,
    http: Member<Object>,
    parent: Member<Box<str>>,
    action_id: Member<Box<str>>,
    status: Member<Box<str>>,
    duration_ms: Option<u64>,
    cost: Option<Value>,
    usage: Option<Value>,
    error: Member<Box<str>>,
    defer_token: Member<Box<str>>,
    wait_ms: Option<u64>,
    purpose: Member<Box<str>>,
    phase: Member<Box<str>>,
    task: Option<Value>,
    delegation: Member<Box<str>>,
    to: Member<Box<str>>,
    starts: Member<Box<str>>,
    scope: Option<Value>,
    ttl_seconds: Option<u64>,
}

impl Params {
    /// Takes the member `key`, or says what is wrong with it.
    ///
    /// # Errors
    /// The line is not JSON; what is wrong with one member is inside.
    pub fn take(&mut self, key: &str, reader: &mut Reader<'_>) -> Taken {
        match key {
            "agent" => text(&mut self.agent, reader),
            "agent_id" => text(&mut self.agent_id, reader),
            "tool" => text(&mut self.tool, reader),
            "operation" => text(&mut self.operation, reader),
            "action" | "action_type" => text(&mut self.action, reader),
            "session" => text(&mut self.session, reader),
            "call_id" => text(&mut self.call_id, reader),
            "request_id" => text(&mut self.request_id, reader),
            "model" => text(&mut self.model, reader),
            "parent" => text(&mut self.parent, reader),
            "action_id" => text(&mut self.action_id, reader),
            "status" => text(&mut self.status, reader),
            "error" => text(&mut self.error, reader),
            "defer_token" => text(&mut self.defer_token, reader),
            "purpose" => text(&mut self.purpose, reader),
            "phase" => text(&mut self.phase, reader),
            "delegation" => text(&mut self.delegation, reader),
            "to" => text(&mut self.to, reader),
            "starts" => text(&mut self.starts, reader),
            "scope" => value(&mut self.scope, reader),
            "ttl_seconds" => whole(&mut self.ttl_seconds, reader),
            "task" => value(&mut self.task, reader),
            "args" => value(&mut self.args, reader),
            "principal" => value(&mut self.principal, reader),
            "cost" => value(&mut self.cost, reader),
            "usage" => value(&mut self.usage, reader),
            "tags" => object(&mut self.tags, reader),
            "http" => object(&mut self.http, reader),
            "duration_ms" => whole(&mut self.duration_ms, reader),
            "wait_ms" => whole(&mut self.wait_ms, reader),
            // Members of 0.3 clients that say nothing new.
            "tool_id" | "principal_token" => {
                reader.skip()?;
                Ok(Ok(()))
            }
            _ => {
                drop(reader.value()?);
                Ok(Err("is not a member of any request"))
            }
        }
    }

    pub(crate) fn govern(self) -> Result<Request, &'static str> {
        let legacy = self.agent_id.is_some();
        let action = match self.action.flatten().as_deref() {
            None | Some("") => Action::ToolCall,
            Some(word) => Action::parse(word).ok_or("`action` must be a kind of call, such as tool_call")?,
        };
        let tool = self.tool.flatten().ok_or("`tool` is missing")?;
        let tool = match self.operation.flatten() {
            Some(operation) if !operation.is_empty() && !METHOD_NAMES.contains(&&*operation) => {
                format!("{tool}/{operation}").into()
            }
            _ => tool,
        };
        let args = match self.args {
            None | Some(Value::Null) => Value::Object(Object::new()),
            Some(args) => envelope::unwrap(args),
        };
        let call = Call {
            agent: self.agent.flatten().or(self.agent_id.flatten()),
            tool,
            action,
            args,
            session: self.session.flatten(),
            call_id: self.call_id.flatten(),
            request_id: self.request_id.flatten(),
            model: self.model.flatten(),
            principal: self.principal.filter(|principal| *principal != Value::Null),
            tags: self.tags.flatten(),
            http: self.http.flatten().map(http).transpose()?,
            parent: self.parent.flatten(),
            delegation: self.delegation.flatten(),
            tier: Tier::Sdk,
        };
        Ok(Request::Govern { call: Box::new(call), legacy })
    }

    pub(crate) fn outcome(self) -> Result<Request, &'static str> {
        let status = self.status.flatten().as_deref().and_then(OutcomeStatus::parse);
        Ok(Request::Outcome(Box::new(Outcome {
            action_id: self.action_id.flatten().ok_or("`action_id` is missing")?,
            agent: self.agent.flatten().or(self.agent_id.flatten()),
            status: status.ok_or("`status` must be ok, error or timeout")?,
            duration_ms: self.duration_ms.unwrap_or(0),
            cost: self.cost,
            usage: self.usage,
            error: self.error.flatten(),
        })))
    }

    pub(crate) fn purpose(mut self) -> Result<Request, &'static str> {
        let purpose = self.purpose.take().flatten().ok_or("`purpose` is missing")?;
        Ok(self.declares(Said::Purpose(purpose)))
    }

    pub(crate) fn phase(mut self) -> Result<Request, &'static str> {
        let phase = self.phase.take().flatten().ok_or("`phase` is missing")?;
        Ok(self.declares(Said::Stage(phase)))
    }

    pub(crate) fn complete(self) -> Result<Request, &'static str> {
        let args: Object = self.task.into_iter().map(|task| ("task", task)).collect();
        let call = Call {
            agent: self.agent.flatten().or(self.agent_id.flatten()),
            tool: COMPLETE_TOOL.into(),
            action: Action::Completion,
            args: Value::Object(args),
            session: self.session.flatten(),
            call_id: self.call_id.flatten(),
            request_id: self.request_id.flatten(),
            ..Call::default()
        };
        Ok(Request::Govern { call: Box::new(call), legacy: false })
    }

    /// `spawn` names the agent that it `starts`, `delegate` the one it hands on `to`.
    pub(crate) fn hand_over(self, action: Action, tool: &str) -> Result<Request, &'static str> {
        let starts = self.starts.flatten().map(|agent| ("agent", Value::string(agent)));
        let to = self.to.flatten().map(|to| ("to", Value::string(to)));
        let ttl = self.ttl_seconds.map(|seconds| ("ttl_seconds", Value::from(seconds)));
        let scope = self.scope.map(|scope| ("scope", scope));
        let args: Object = match action {
            Action::Spawn => starts.into_iter().collect(),
            _ => [to, scope, ttl].into_iter().flatten().collect(),
        };
        let call = Call {
            agent: self.agent.flatten().or(self.agent_id.flatten()),
            tool: tool.into(),
            action,
            args: Value::Object(args),
            session: self.session.flatten(),
            call_id: self.call_id.flatten(),
            request_id: self.request_id.flatten(),
            delegation: self.delegation.flatten(),
            ..Call::default()
        };
        Ok(Request::Govern { call: Box::new(call), legacy: false })
    }

    pub(crate) fn revoke(self) -> Result<Request, &'static str> {
        let delegation = self.delegation.flatten().ok_or("`delegation` is missing")?;
        Ok(Request::Revoke { delegation, agent: self.agent.flatten().or(self.agent_id.flatten()) })
    }

    fn declares(self, said: Said) -> Request {
        let agent = self.agent.flatten().or(self.agent_id.flatten());
        Request::Declare(Declaration { agent, session: self.session.flatten(), said })
    }

    pub(crate) fn poll(self, bare: bool) -> Result<Request, &'static str> {
        let token = self.defer_token.flatten().ok_or("`defer_token` is missing")?;
        Ok(if bare {
            Request::BarePoll { token, agent: self.agent.flatten().or(self.agent_id.flatten()) }
        } else {
            Request::Poll { token, wait_ms: self.wait_ms.unwrap_or(0) }
        })
    }
}

const TWICE: &str = "appears twice";

fn text(slot: &mut Member<Box<str>>, reader: &mut Reader<'_>) -> Taken {
    let text: Option<Cow<'_, str>> = match reader.kind()? {
        Kind::String => Some(reader.string()?),
        Kind::Null => {
            drop(reader.value()?);
            None
        }
        _ => {
            drop(reader.value()?);
            return Ok(Err("must be a string"));
        }
    };
    Ok(if slot.replace(text.map(Into::into)).is_some() { Err(TWICE) } else { Ok(()) })
}

fn value(slot: &mut Option<Value>, reader: &mut Reader<'_>) -> Taken {
    let value = reader.value()?;
    Ok(if slot.replace(value).is_some() { Err(TWICE) } else { Ok(()) })
}

fn object(slot: &mut Member<Object>, reader: &mut Reader<'_>) -> Taken {
    let object = match reader.value()? {
        Value::Object(object) => Some(object),
        Value::Null => None,
        _ => return Ok(Err("must be an object")),
    };
    Ok(if slot.replace(object).is_some() { Err(TWICE) } else { Ok(()) })
}

fn whole(slot: &mut Option<u64>, reader: &mut Reader<'_>) -> Taken {
    let number = reader.value()?.as_i64().and_then(|number| u64::try_from(number).ok());
    let Some(number) = number else { return Ok(Err("must be a whole number of milliseconds")) };
    Ok(if slot.replace(number).is_some() { Err(TWICE) } else { Ok(()) })
}

fn http(mut object: Object) -> Result<Box<Http>, &'static str> {
    let mut text = |key: &str| match object.remove(key) {
        Some(Value::String(text)) => Ok(text),
        None => Ok(Box::default()),
        Some(_) => Err("`http` has a member that must be a string"),
    };
    let (host, method, path) = (text("host")?, text("method")?, text("path")?);
    let port = match object.remove("port") {
        None => 0,
        Some(port) => {
            port.as_i64().and_then(|port| u16::try_from(port).ok()).ok_or("`http.port` must be 0 to 65535")?
        }
    };
    let mut members = |key: &str| match object.remove(key) {
        Some(Value::Object(object)) => Ok(object),
        None => Ok(Object::new()),
        Some(_) => Err("`http.query` and `http.headers` must be objects"),
    };
    let (query, headers) = (members("query")?, members("headers")?);
    if !object.is_empty() {
        return Err("`http` has a member that is unknown");
    }
    let headers = headers.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value)).collect();
    Ok(Box::new(Http { host, port, method: method.to_ascii_uppercase().into(), path, query, headers }))
}
