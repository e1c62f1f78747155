//! One line to one request. Members are read as they come, straight into a call; unknown ones are
//! errors, because what a client means by them must not be lost silently, and so is any that appears
//! twice, because two readers could take different ones.

mod params;

use faramesh_call::call::{DELEGATE_TOOL, SPAWN_TOOL};
use faramesh_call::json::{JsonError, Kind, Reader};
use faramesh_call::{Action, Call, Number, Value};
use faramesh_gate::{Declaration, Outcome};

use params::Params;

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
    /// What an agent says of a session.
    Declare(Declaration),
    /// What an agent handed on is taken back.
    Revoke {
        /// The token.
        delegation: Box<str>,
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
        /// Whether the method asks for a decision.
        govern: bool,
        /// What is wrong.
        message: String,
    },
}

/// Everything that can be asked for here.
const METHODS: [&str; 10] = [
    "govern",
    "outcome",
    "poll_defer",
    "bare poll_defer",
    "session.declare_purpose",
    "session.enter_phase",
    "complete",
    "spawn",
    "delegate",
    "revoke",
];

/// The outer members of a line.
#[derive(Debug, Default)]
struct Envelope {
    id: Option<Id>,
    method: Option<Box<str>>,
    /// `type` of a bare poll.
    kind: Option<Box<str>>,
    params: Params,
    /// Whether there were `params`.
    inside: bool,
    /// Whether parameters stood at the top, as those of a bare poll do.
    outside: bool,
    /// What was wrong with the parameters.
    wrong: Option<String>,
    /// An outer member that appeared twice.
    twice: Option<&'static str>,
}

/// Reads one line.
///
/// # Errors
/// The line is no request; the id is given back when it could be read.
pub fn parse_line(line: &[u8]) -> (Id, Result<Request, Refused>) {
    let mut envelope = Envelope::default();
    let read = envelope.read(line);
    let id = envelope.id.take().unwrap_or_default();
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
                "id" => once(&mut self.id, read_id(&mut reader)?, "id", &mut self.twice),
                "method" => {
                    once(&mut self.method, reader.string()?.into(), "method", &mut self.twice);
                }
                "type" => once(&mut self.kind, reader.string()?.into(), "type", &mut self.twice),
                "params" => self.read_params(&mut reader)?,
                _ => {
                    self.outside = true;
                    self.read_param(&key, &mut reader)?;
                }
            }
        }
        reader.end()
    }

    fn read_params(&mut self, reader: &mut Reader<'_>) -> Result<(), JsonError> {
        if std::mem::replace(&mut self.inside, true) {
            self.twice = Some("params");
        }
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
        if let Err(why) = self.params.take(key, reader)? {
            self.wrong.get_or_insert_with(|| format!("`{}` {why}", key.escape_debug()));
        }
        Ok(())
    }

    fn request(mut self) -> Result<Request, Refused> {
        if let Some(member) = self.twice {
            return Err(Refused::NotARequest(format!("`{member}` appears twice")));
        }
        let method = match (&self.method, &self.kind) {
            (Some(method), None) => &**method,
            (None, Some(kind)) if **kind == *"poll_defer" => "bare poll_defer",
            _ => return Err(Refused::NotARequest("a request needs a `method`".to_owned())),
        };
        let govern = matches!(method, "govern" | "complete" | "spawn" | "delegate");
        let params_error = |message: String| Refused::Params { govern, message };
        if !METHODS.contains(&method) {
            return Err(Refused::UnknownMethod(method.escape_debug().to_string()));
        }
        if let Some(message) = self.wrong.take() {
            return Err(params_error(message));
        }
        let (params, bare) = (self.params, method.starts_with("bare"));
        let elsewhere = if bare { self.inside } else { self.outside };
        if elsewhere {
            let message =
                if bare { "a bare poll has no `params`" } else { "parameters belong into `params`" };
            return Err(params_error(message.to_owned()));
        }
        let request = match method {
            "govern" => params.govern(),
            "outcome" => params.outcome(),
            "session.declare_purpose" => params.purpose(),
            "session.enter_phase" => params.phase(),
            "complete" => params.complete(),
            "spawn" => params.hand_over(Action::Spawn, SPAWN_TOOL),
            "delegate" => params.hand_over(Action::Delegate, DELEGATE_TOOL),
            "revoke" => params.revoke(),
            _ => params.poll(bare),
        };
        request.map_err(|message| params_error(message.to_owned()))
    }
}

/// Keeps the first of two members of one name, and notes that there were two.
fn once<T>(slot: &mut Option<T>, value: T, name: &'static str, twice: &mut Option<&'static str>) {
    if slot.is_some() {
        *twice = Some(name);
    } else {
        *slot = Some(value);
    }
}

fn read_id(reader: &mut Reader<'_>) -> Result<Id, JsonError> {
    Ok(match reader.value()? {
        Value::Number(number) => Id::Number(number),
        Value::String(text) => Id::String(text),
        _ => Id::Null,
    })
}
