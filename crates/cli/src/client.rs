//! The operators' socket, as a client: one JSON-RPC 2.0 request per line, and which daemon to ask.
//!
//! INVARIANT bounded: every wait has a timeout and every line a greatest length.
//! INVARIANT right daemon: what changes a stack asks only the daemon of that very folder.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use faramesh_call::{Object, Value, json, object};
use faramesh_daemon::admin_socket_of;

use crate::context::{Context, home};
use crate::exit::Exit;
use crate::failure::{Failure, plain};
use crate::views::json::{at, text};

/// Longest wait for a reply; an operator's answer is recorded before it comes.
const REPLY_WAIT: Duration = Duration::from_secs(30);
/// Longest line, in bytes.
const MAX_LINE_BYTES: u64 = 256 << 20;

/// A connection to a daemon's operators' socket.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<UnixStream>,
    /// The agents' socket beside it.
    pub socket: PathBuf,
    last_id: u64,
}

/// Why a request gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The daemon refused; the word names why.
    #[error("{message}")]
    Refused {
        /// `UNKNOWN`, `SAME_PERSON`, …
        word: String,
        /// In words.
        message: String,
    },
    /// The connection broke, or what came is no reply.
    #[error("the daemon does not answer: {0}")]
    Connection(String),
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let message = error.to_string();
        match error {
            RequestError::Refused { .. } => Self::new(message),
            RequestError::Connection(_) => Self::new(message).hint("`faramesh status` shows whether it runs"),
        }
    }
}

impl Client {
    /// Connects to the daemon behind an agents' socket; `None` when none listens there.
    ///
    /// # Errors
    /// There is a socket and this user may not open it.
    pub fn connect(socket: &Path) -> Result<Option<Self>, Failure> {
        let admin = admin_socket_of(socket);
        let stream = match UnixStream::connect(&admin) {
            Ok(stream) => stream,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(Failure::file("open the operators' socket", &admin, &error)
                    .hint("run the command as the user who runs the daemon, or as root"));
            }
            Err(_) => return Ok(None),
        };
        let timeouts = stream
            .set_read_timeout(Some(REPLY_WAIT))
            .and_then(|()| stream.set_write_timeout(Some(REPLY_WAIT)));
        timeouts.map_err(|error| Failure::file("use the operators' socket", &admin, &error))?;
        Ok(Some(Self { reader: BufReader::new(stream), socket: socket.to_owned(), last_id: 0 }))
    }

    /// Asks, and waits for the reply.
    ///
    /// # Errors
    /// The daemon refused, or did not answer.
    pub fn request(&mut self, method: &str, params: Object) -> Result<Value, RequestError> {
        self.last_id += 1;
        let request =
            object! { "jsonrpc" => "2.0", "id" => self.last_id, "method" => method, "params" => params };
        let mut line = json::canonical(&Value::Object(request));
        line.push(b'\n');
        self.reader.get_mut().write_all(&line).map_err(|error| RequestError::Connection(plain(&error)))?;
        let reply = self.next_line()?.ok_or_else(|| RequestError::Connection("it hung up".to_owned()))?;
        if let Some(error) = reply.get("error") {
            return Err(RequestError::Refused {
                word: text(error, &["data", "code"]).to_owned(),
                message: text(error, &["message"]).to_owned(),
            });
        }
        match at(&reply, &["result"]) {
            Some(result) => Ok(result.clone()),
            None => Err(RequestError::Connection("its reply has no result".to_owned())),
        }
    }

    /// The next line of a stream that the daemon writes by itself; `None` when it hung up.
    ///
    /// # Errors
    /// The connection broke, or the line is no JSON.
    pub fn next_line(&mut self) -> Result<Option<Value>, RequestError> {
        let mut line = Vec::new();
        let mut limited = Read::take(&mut self.reader, MAX_LINE_BYTES);
        match limited.read_until(b'\n', &mut line) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(RequestError::Connection(plain(&error))),
        }
        json::parse(&line).map(Some).map_err(|error| RequestError::Connection(error.to_string()))
    }

    /// Waits for lines without a limit of time, for following.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn wait_forever(&mut self) -> Result<(), RequestError> {
        let forever = self.reader.get_mut().set_read_timeout(None);
        forever.map_err(|error| RequestError::Connection(plain(&error)))
    }
}

/// The sockets where a daemon may be found, the stack's own first.
fn candidates(context: &Context) -> Result<Vec<PathBuf>, Failure> {
    let mut sockets = Vec::new();
    sockets.extend(context.layout()?.known_socket());
    sockets.extend(std::env::var_os("FARAMESH_SOCKET").map(PathBuf::from));
    if let Ok(home) = home() {
        sockets.push(home.join(".faramesh").join("runtime").join("faramesh.sock"));
    }
    sockets.dedup();
    Ok(sockets)
}

/// The daemon that a command without a stack of its own may ask: the stack's, else FARAMESH_SOCKET's,
/// else the user's.
///
/// # Errors
/// A socket is there and this user may not open it.
pub fn find(context: &Context) -> Result<Option<Client>, Failure> {
    if let Some((client, _)) = of_stack(context)? {
        return Ok(Some(client));
    }
    let has_policy = !crate::policy::present(&context.directory()?).is_empty();
    for socket in candidates(context)? {
        let named = std::env::var_os("FARAMESH_SOCKET").is_some_and(|named| socket == Path::new(&named));
        // In a stack's folder, another stack's daemon is never what was meant unless it was named.
        if (named || !has_policy)
            && let Some(client) = Client::connect(&socket)?
        {
            return Ok(Some(client));
        }
    }
    Ok(None)
}

/// As [`find`], where a daemon is needed.
///
/// # Errors
/// No daemon answers, or as [`find`].
pub fn needed(context: &Context) -> Result<Client, Failure> {
    find(context)?.ok_or_else(|| no_daemon(context))
}

/// What to tell a person when no daemon answers.
pub fn no_daemon(context: &Context) -> Failure {
    Failure::with(Exit::Down, format!("no daemon answers for the stack in `{}`", context.shown().display()))
        .hint(format!("{} starts it in the background", context.command("apply")))
        .hint(format!("{} runs it here and shows the decisions", context.command("dev")))
}

/// The daemon of this very folder and its status; never another stack's that took over the socket.
///
/// # Errors
/// A socket is there and this user may not open it, or its daemon does not answer.
pub fn of_stack(context: &Context) -> Result<Option<(Client, Value)>, Failure> {
    let layout = context.layout()?;
    let Some(socket) = layout.known_socket() else { return Ok(None) };
    let Some(mut client) = Client::connect(&socket)? else { return Ok(None) };
    let status = match client.request("status", Object::new()) {
        Ok(status) => status,
        // It went away between the two.
        Err(RequestError::Connection(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // Whatever a daemon has in force, it keeps in the folder of its own stack.
    let keeps = layout.past_policy(text(&status, &["daemon", "policy_hash"])).is_file();
    let same = match text(&status, &["daemon", "directory"]) {
        "" => true,
        directory => Path::new(directory) == layout.directory(),
    };
    Ok((keeps && same).then_some((client, status)))
}
