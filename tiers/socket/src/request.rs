//! One line to one request. Members are read as they come, straight into a call; unknown ones are
//! errors, because what a client means by them must not be lost silently, and so is any that appears
//! twice, because two readers could take different ones.

use faramesh_call::json::{JsonError, Kind, Reader};
use faramesh_call::{Number, Value};
use faramesh_wire::{Method, Params, Request};

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
            (Some(name), None) => {
                Method::named(name).ok_or_else(|| Refused::UnknownMethod(name.escape_debug().to_string()))?
            }
            (None, Some(kind)) if **kind == *"poll_defer" => Method::BarePoll,
            _ => return Err(Refused::NotARequest("a request needs a `method`".to_owned())),
        };
        let params_error = |message: String| Refused::Params { govern: method.decides(), message };
        if let Some(message) = self.wrong.take() {
            return Err(params_error(message));
        }
        let bare = method == Method::BarePoll;
        let elsewhere = if bare { self.inside } else { self.outside };
        if elsewhere {
            let message =
                if bare { "a bare poll has no `params`" } else { "parameters belong into `params`" };
            return Err(params_error(message.to_owned()));
        }
        self.params.request(method).map_err(|message| params_error(message.to_owned()))
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
