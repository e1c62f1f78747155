//! The loop of the language server: one message after the other, each answered by its handler.
//!
//! INVARIANT lives on: a handler that panics answers with an error, and the next message is read.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use lsp_server::{Connection, ErrorCode, Message, Notification, ProtocolError, Request, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidCloseTextDocument, DidOpenTextDocument, Exit, Notification as _,
};
use lsp_types::{InitializeParams, InitializeResult, ServerInfo};

use crate::capabilities::{self, Client};
use crate::document::Document;
use crate::findings::{Findings, Outbox};
use crate::host::Host;
use crate::requests;

/// Most documents that are open at a time; further ones are not read.
const DOCUMENTS: usize = 1_000;

/// Why the server ended before the client told it to.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The client did not keep to the protocol, or went away.
    #[error("the editor did not keep to the protocol: {0}")]
    Protocol(#[from] ProtocolError),
    /// What the client said of itself cannot be read.
    #[error("what the editor said of itself cannot be read: {0}")]
    Parameters(#[from] serde_json::Error),
    /// The client said `exit` without `shutdown`.
    #[error("the editor ended the server without shutting it down")]
    Exited,
    /// The operating system refused something.
    #[error("cannot serve the editor: {0}")]
    System(#[from] std::io::Error),
}

/// Serves a client on standard input and output until it shuts the server down.
///
/// # Errors
/// The client did not keep to the protocol, or went away.
pub fn serve_stdio(host: Arc<dyn Host>) -> Result<(), ServerError> {
    let (connection, threads) = Connection::stdio();
    let served = serve(&connection, host);
    // The writer ends when nobody can send any more.
    drop(connection);
    if served.is_ok() {
        threads.join()?;
    }
    served
}

/// Serves the client of a connection until it shuts the server down.
///
/// # Errors
/// The client did not keep to the protocol, or went away.
pub fn serve(connection: &Connection, host: Arc<dyn Host>) -> Result<(), ServerError> {
    let (id, parameters) = connection.initialize_start()?;
    let parameters: InitializeParams = serde_json::from_value(parameters)?;
    let client = Client::of(&parameters.capabilities);
    let result = InitializeResult {
        capabilities: capabilities::server(&client),
        server_info: Some(ServerInfo {
            name: "faramesh".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
    };
    connection.initialize_finish(id, serde_json::to_value(result)?)?;
    let sender = connection.sender.clone();
    // Once the client is gone, nobody misses the message.
    let outbox: Outbox = Arc::new(move |message| drop(sender.send(message)));
    let findings = Findings::start(host.clone(), outbox, client.related)?;
    let mut server = Server { documents: HashMap::new(), findings, client, host };
    server.run(connection)
}

/// The state of one connection.
pub struct Server {
    /// The open documents by address.
    pub documents: HashMap<String, Arc<Document>>,
    /// What is found in them.
    pub findings: Findings,
    /// What the client can do.
    pub client: Client,
    /// The process around it.
    pub host: Arc<dyn Host>,
}

impl Server {
    fn run(&mut self, connection: &Connection) -> Result<(), ServerError> {
        for message in &connection.receiver {
            match message {
                Message::Request(request) => {
                    if connection.handle_shutdown(&request)? {
                        return Ok(());
                    }
                    let answer = self.answer(request);
                    if connection.sender.send(Message::Response(answer)).is_err() {
                        break;
                    }
                }
                Message::Notification(notification) if notification.method == Exit::METHOD => {
                    return Err(ServerError::Exited);
                }
                // A panic loses one notification; the next whole text mends what it left.
                Message::Notification(notification) => {
                    let _ = catch_unwind(AssertUnwindSafe(|| self.note(notification)));
                }
                Message::Response(_) => {}
            }
        }
        Err(ServerError::Exited)
    }

    fn answer(&self, request: Request) -> Response {
        let id = request.id.clone();
        guarded(id, || requests::answer(self, request))
    }

    fn note(&mut self, notification: Notification) {
        match notification.method.as_str() {
            DidOpenTextDocument::METHOD => {
                if let Some(opened) = read::<DidOpenTextDocument>(notification) {
                    let item = opened.text_document;
                    self.open(Document::new(item.uri, item.version, item.text, self.client.encoding));
                }
            }
            DidChangeTextDocument::METHOD => {
                if let Some(changed) = read::<DidChangeTextDocument>(notification) {
                    let of = changed.text_document;
                    let Some(document) = self.documents.get(of.uri.as_str()) else { return };
                    let document = document.changed(of.version, changed.content_changes);
                    self.open(document);
                }
            }
            DidCloseTextDocument::METHOD => {
                let closed = read::<DidCloseTextDocument>(notification);
                let document =
                    closed.and_then(|closed| self.documents.remove(closed.text_document.uri.as_str()));
                if let Some(document) = document {
                    self.findings.close(&document);
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, document: Document) {
        let address = document.uri.as_str().to_owned();
        let is_room = self.documents.len() < DOCUMENTS || self.documents.contains_key(&address);
        if !is_room || !is_policy(&address) {
            return;
        }
        let document = Arc::new(document);
        self.findings.check(&document);
        self.documents.insert(address, document);
    }
}

/// Whether a document is in the form that is read here. The YAML and JSON forms join at this place.
fn is_policy(address: &str) -> bool {
    let name = address.rsplit('/').next().unwrap_or_default();
    !["yaml", "yml", "json"].iter().any(|other| name.ends_with(&format!(".{other}")))
}

fn read<N: lsp_types::notification::Notification>(notification: Notification) -> Option<N::Params> {
    serde_json::from_value(notification.params).ok()
}

/// What `handler` answers, or an error when it panics.
fn guarded(id: lsp_server::RequestId, handler: impl FnOnce() -> Response) -> Response {
    catch_unwind(AssertUnwindSafe(handler)).unwrap_or_else(|_| {
        let message = "the language server has a fault; it goes on, and its log has more".to_owned();
        Response::new_err(id, code(ErrorCode::InternalError), message)
    })
}

/// The number of an error.
#[expect(clippy::as_conversions, reason = "the discriminant of a fieldless i32 enum")]
pub fn code(code: ErrorCode) -> i32 {
    code as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_answer() {
        let response = guarded(7.into(), || panic!("a fault"));
        assert_eq!(response.id, 7.into());
        let rendered = serde_json::to_value(&response).unwrap();
        assert_eq!(rendered["error"]["code"], -32603);
    }

    #[test]
    fn other_forms_are_left_alone() {
        for (address, expected) in [
            ("file:///a/governance.fms", true),
            ("untitled:Untitled-1", true),
            ("file:///a/governance.fms.yaml", false),
            ("file:///a/governance.json", false),
        ] {
            assert_eq!(is_policy(address), expected, "{address}");
        }
    }
}
