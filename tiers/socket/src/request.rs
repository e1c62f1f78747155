//! One line to one request. Members are read as they come, straight into a call; unknown ones are
//! errors, because what a client means by them must not be lost silently.

use std::borrow::Cow;

use faramesh_call::json::{JsonError, Kind, Reader};
use faramesh_call::{Action, Call, Http, Number, Object, Tier, Value, envelope};
use faramesh_gate::{Outcome, OutcomeStatus};

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

/// A JSON-RPC id, given back as it came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Id {
    /// None, or one that could not be read.
    #[default]
    Null,
    /// A number.
    Number(Number),
    /// A string.
    String(Box<str>),
}

impl Id {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Number(number) => number.write(out),
            Self::String(text) => faramesh_call::json::write_string(text, out),
        }
    }
}

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// A decision. `legacy` marks published 0.3 clients.
    Govern {
        /// The call.
        call: Box<Call>,
        /// Whether a 0.3 client asks.
        legacy: bool,
    },
    /// A report on a permitted call.
    Outcome(Box<Outcome>),
    /// What became of a deferred call.
    Poll {
        /// The token of the deferral.
        token: Box<str>,
        /// How long to wait for a change, in milliseconds.
        wait_ms: u64,
    },
    /// The same from a 0.3 client, for which the answer "approved" is the permit.
    BarePoll {
        /// The token of the deferral.
        token: Box<str>,
        /// The agent id that the client claims.
        agent: Option<Box<str>>,
    },
}

/// Why a line is no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Not JSON.
    NotJson(String),
    /// JSON, but no request.
    NotARequest(String),
    /// A method that does not exist.
    UnknownMethod(String),
    /// Parameters that the method does not take. A `govern` is answered with a denial.
    Params {
        /// Whether the method was `govern`.
        govern: bool,
        /// What is wrong.
        message: String,
    },
}

/// The members of all requests together; which of them count depends on the method.
#[derive(Debug, Default)]
struct Params {
    agent: Option<Box<str>>,
    agent_id: Option<Box<str>>,
    tool: Option<Box<str>>,
    operation: Option<Box<str>>,
    action: Option<Box<str>>,
    args: Option<Value>,
    session: Option<Box<str>>,
    call_id: Option<Box<str>>,
    request_id: Option<Box<str>>,
    model: Option<Box<str>>,
    principal: Option<Value>,
    tags: Option<Object>,
    http: Option<Object>,
    parent: Option<Box<str>>,
    action_id: Option<Box<str>>,
    status: Option<Box<str>>,
    duration_ms: Option<u64>,
    cost: Option<Value>,
    usage: Option<Value>,
    error: Option<Box<str>>,
    defer_token: Option<Box<str>>,
    wait_ms: Option<u64>,
}

/// The outer members of a line.
#[derive(Debug, Default)]
struct Envelope {
    id: Id,
    method: Option<Box<str>>,
    /// `type` of a bare poll.
    kind: Option<Box<str>>,
    params: Params,
    /// What was wrong with the parameters.
    wrong: Option<String>,
}

/// Reads one line.
///
/// # Errors
/// The line is no request; the id is given back when it could be read.
pub fn parse_line(line: &[u8]) -> (Id, Result<Request, Refused>) {
    let mut envelope = Envelope::default();
    let read = envelope.read(line);
    let id = std::mem::take(&mut envelope.id);
    match read {
        Err(error) => (id, Err(Refused::NotJson(error.to_string()))),
        Ok(()) => (id, envelope.request()),
    }
}

impl Envelope {
    fn read(&mut self, line: &[u8]) -> Result<(), JsonError> {
        let mut reader = Reader::new(line)?;
        reader.begin_object()?;
        let mut first = true;
        while let Some(key) = reader.next_key(first)? {
            first = false;
            match &*key {
                "jsonrpc" => reader.skip()?,
                "id" => self.id = read_id(&mut reader)?,
                "method" => self.method = Some(reader.string()?.into()),
                "type" => self.kind = Some(reader.string()?.into()),
                "params" => self.read_params(&mut reader)?,
                // A bare poll has its members at the top.
                _ => self.read_param(&key, &mut reader)?,
            }
        }
        reader.end()
    }

    fn read_params(&mut self, reader: &mut Reader<'_>) -> Result<(), JsonError> {
        if reader.kind()? != Kind::Object {
            drop(reader.value()?);
            self.wrong = Some("params must be an object".to_owned());
            return Ok(());
        }
        reader.begin_object()?;
        let mut first = true;
        while let Some(key) = reader.next_key(first)? {
            first = false;
            self.read_param(&key, reader)?;
        }
        Ok(())
    }

    /// Takes one parameter. What is wrong with it is kept, and reading goes on: the id of the
    /// request may come later, and the answer needs it.
    fn read_param(&mut self, key: &str, reader: &mut Reader<'_>) -> Result<(), JsonError> {
        let params = &mut self.params;
        let taken = match key {
            "agent" => text(&mut params.agent, reader)?,
            "agent_id" => text(&mut params.agent_id, reader)?,
            "tool" => text(&mut params.tool, reader)?,
            "operation" => text(&mut params.operation, reader)?,
            "action" | "action_type" => text(&mut params.action, reader)?,
            "session" => text(&mut params.session, reader)?,
            "call_id" => text(&mut params.call_id, reader)?,
            "request_id" => text(&mut params.request_id, reader)?,
            "model" => text(&mut params.model, reader)?,
            "parent" => text(&mut params.parent, reader)?,
            "action_id" => text(&mut params.action_id, reader)?,
            "status" => text(&mut params.status, reader)?,
            "error" => text(&mut params.error, reader)?,
            "defer_token" => text(&mut params.defer_token, reader)?,
            "args" => value(&mut params.args, reader)?,
            "principal" => value(&mut params.principal, reader)?,
            "cost" => value(&mut params.cost, reader)?,
            "usage" => value(&mut params.usage, reader)?,
            "tags" => object(&mut params.tags, reader)?,
            "http" => object(&mut params.http, reader)?,
            "duration_ms" => whole(&mut params.duration_ms, reader)?,
            "wait_ms" => whole(&mut params.wait_ms, reader)?,
            // Members of 0.3 clients that say nothing new.
            "tool_id" | "principal_token" => {
                reader.skip()?;
                Ok(())
            }
            _ => {
                drop(reader.value()?);
                Err("is not a member of any request")
            }
        };
        if let Err(why) = taken {
            self.wrong.get_or_insert_with(|| format!("`{}` {why}", key.escape_debug()));
        }
        Ok(())
    }

    fn request(mut self) -> Result<Request, Refused> {
        let method = match (&self.method, &self.kind) {
            (Some(method), _) => &**method,
            (None, Some(kind)) if **kind == *"poll_defer" => "bare poll_defer",
            _ => return Err(Refused::NotARequest("a request needs a `method`".to_owned())),
        };
        let govern = method == "govern";
        let params_error = |message: String| Refused::Params { govern, message };
        if !["govern", "outcome", "poll_defer", "bare poll_defer"].contains(&method) {
            return Err(Refused::UnknownMethod(method.escape_debug().to_string()));
        }
        if let Some(message) = self.wrong.take() {
            return Err(params_error(message));
        }
        let (params, bare) = (self.params, method.starts_with("bare"));
        let request = match method {
            "govern" => params.govern(),
            "outcome" => params.outcome(),
            _ => params.poll(bare),
        };
        request.map_err(|message| params_error(message.to_owned()))
    }
}

type Taken = Result<Result<(), &'static str>, JsonError>;

const TWICE: &str = "appears twice";

fn text(slot: &mut Option<Box<str>>, reader: &mut Reader<'_>) -> Taken {
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
    if slot.is_some() {
        return Ok(Err(TWICE));
    }
    *slot = text.map(Into::into);
    Ok(Ok(()))
}

fn value(slot: &mut Option<Value>, reader: &mut Reader<'_>) -> Taken {
    let value = reader.value()?;
    Ok(if slot.replace(value).is_some() { Err(TWICE) } else { Ok(()) })
}

fn object(slot: &mut Option<Object>, reader: &mut Reader<'_>) -> Taken {
    match reader.value()? {
        Value::Object(object) => Ok(if slot.replace(object).is_some() { Err(TWICE) } else { Ok(()) }),
        Value::Null => Ok(Ok(())),
        _ => Ok(Err("must be an object")),
    }
}

fn whole(slot: &mut Option<u64>, reader: &mut Reader<'_>) -> Taken {
    let number = reader.value()?.as_i64().and_then(|number| u64::try_from(number).ok());
    let Some(number) = number else { return Ok(Err("must be a whole number of milliseconds")) };
    Ok(if slot.replace(number).is_some() { Err(TWICE) } else { Ok(()) })
}

fn read_id(reader: &mut Reader<'_>) -> Result<Id, JsonError> {
    Ok(match reader.value()? {
        Value::Number(number) => Id::Number(number),
        Value::String(text) => Id::String(text),
        _ => Id::Null,
    })
}

impl Params {
    fn govern(self) -> Result<Request, &'static str> {
        let legacy = self.agent_id.is_some();
        let action = match self.action.as_deref() {
            None | Some("") => Action::ToolCall,
            Some(word) => Action::parse(word).ok_or("`action` must be a kind of call, such as tool_call")?,
        };
        let tool = self.tool.ok_or("`tool` is missing")?;
        let tool = match self.operation {
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
            agent: self.agent.or(self.agent_id),
            tool,
            action,
            args,
            session: self.session,
            call_id: self.call_id,
            request_id: self.request_id,
            model: self.model,
            principal: self.principal.filter(|principal| *principal != Value::Null),
            tags: self.tags,
            http: self.http.map(http).transpose()?,
            parent: self.parent,
            tier: Tier::Sdk,
        };
        Ok(Request::Govern { call: Box::new(call), legacy })
    }

    fn outcome(self) -> Result<Request, &'static str> {
        let status = self.status.as_deref().and_then(OutcomeStatus::parse);
        Ok(Request::Outcome(Box::new(Outcome {
            action_id: self.action_id.ok_or("`action_id` is missing")?,
            agent: self.agent.or(self.agent_id),
            status: status.ok_or("`status` must be ok, error or timeout")?,
            duration_ms: self.duration_ms.unwrap_or(0),
            cost: self.cost,
            usage: self.usage,
            error: self.error,
        })))
    }

    fn poll(self, bare: bool) -> Result<Request, &'static str> {
        let token = self.defer_token.ok_or("`defer_token` is missing")?;
        Ok(if bare {
            Request::BarePoll { token, agent: self.agent.or(self.agent_id) }
        } else {
            Request::Poll { token, wait_ms: self.wait_ms.unwrap_or(0) }
        })
    }
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
    let headers = headers.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value)).collect();
    Ok(Box::new(Http { host, port, method: method.to_ascii_uppercase().into(), path, query, headers }))
}
