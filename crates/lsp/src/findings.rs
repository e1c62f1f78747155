//! Checking a document beside the loop that answers, so that no answer waits for it, and what was found.
//!
//! INVARIANT current: what is shown belongs to the version that the client has; the result of an older one
//! is dropped, under the same lock that sends.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use faramesh_check::{Options, PackFile, Resolver, Unresolved, codes};
use faramesh_syntax::{Diagnostic, Severity};
use lsp_server::{Message, Notification};
use lsp_types::notification::{Notification as _, PublishDiagnostics};
use lsp_types::{
    DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Location, NumberOrString,
    PublishDiagnosticsParams,
};

use crate::document::Document;
use crate::host::Host;

/// Where messages to the client go.
pub type Outbox = Arc<dyn Fn(Message) + Send + Sync>;

/// What was found, by the document's address.
type Latest = Arc<Mutex<HashMap<String, Found>>>;

#[derive(Debug)]
struct Found {
    version: i32,
    /// Until it is checked.
    waiting: Option<Arc<Document>>,
    /// Once it is.
    diagnostics: Option<Arc<Vec<Diagnostic>>>,
}

/// Checks documents and publishes what it finds.
pub struct Findings {
    latest: Latest,
    /// Holds one: more would say no more than that something waits.
    wake: mpsc::SyncSender<()>,
    host: Arc<dyn Host>,
    outbox: Outbox,
    related: bool,
}

impl Findings {
    /// Starts the thread that checks. `related` says whether the client shows further places.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(host: Arc<dyn Host>, outbox: Outbox, related: bool) -> std::io::Result<Self> {
        let latest = Latest::default();
        let (wake, queue) = mpsc::sync_channel(1);
        let worker = Worker { latest: latest.clone(), host: host.clone(), outbox: outbox.clone(), related };
        thread::Builder::new().name("check".to_owned()).spawn(move || worker.run(&queue))?;
        Ok(Self { latest, wake, host, outbox, related })
    }

    /// Has a document checked that was opened or changed.
    pub fn check(&self, document: &Arc<Document>) {
        let found = Found { version: document.version, waiting: Some(document.clone()), diagnostics: None };
        locked(&self.latest).insert(document.uri.as_str().to_owned(), found);
        // When it is full, the worker has yet to look.
        let _ = self.wake.try_send(());
    }

    /// Forgets a document that was closed, and has the client forget what was found.
    pub fn close(&self, document: &Document) {
        let mut latest = locked(&self.latest);
        latest.remove(document.uri.as_str());
        (self.outbox)(publication(document, &[], self.related));
    }

    /// What is found in a document, which is checked here if that has not been done.
    pub fn of(&self, document: &Document) -> Arc<Vec<Diagnostic>> {
        let known = locked(&self.latest)
            .get(document.uri.as_str())
            .filter(|found| found.version == document.version)
            .and_then(|found| found.diagnostics.clone());
        known.unwrap_or_else(|| Arc::new(checked(document, self.host.as_ref())))
    }

    /// Whether the client shows further places.
    pub fn related(&self) -> bool {
        self.related
    }
}

struct Worker {
    latest: Latest,
    host: Arc<dyn Host>,
    outbox: Outbox,
    related: bool,
}

impl Worker {
    /// Ends with the sender.
    fn run(&self, queue: &mpsc::Receiver<()>) {
        while queue.recv().is_ok() {
            // Of each document only its last state: while one was checked, several may have come.
            let waiting: Vec<Arc<Document>> =
                locked(&self.latest).values_mut().filter_map(|found| found.waiting.take()).collect();
            for document in waiting {
                let found = catch_unwind(AssertUnwindSafe(|| checked(&document, self.host.as_ref())));
                self.publish(&document, found.unwrap_or_else(|_| vec![fault()]));
            }
        }
    }

    fn publish(&self, document: &Document, diagnostics: Vec<Diagnostic>) {
        let mut latest = locked(&self.latest);
        let current = latest.get_mut(document.uri.as_str());
        let Some(found) = current.filter(|found| found.version == document.version) else { return };
        let message = publication(document, &diagnostics, self.related);
        found.diagnostics = Some(Arc::new(diagnostics));
        (self.outbox)(message);
    }
}

/// A panic elsewhere leaves nothing half done in the map.
fn locked(latest: &Mutex<HashMap<String, Found>>) -> MutexGuard<'_, HashMap<String, Found>> {
    latest.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What `faramesh check` says.
fn checked(document: &Document, host: &dyn Host) -> Vec<Diagnostic> {
    let file_name = document.uri.path().as_str().rsplit('/').next().unwrap_or_default().to_owned();
    let lookup = |name: &str| host.environment(name);
    let path = crate::packs::path_of(&document.uri).map(PathBuf::from);
    let stack = path.as_deref().and_then(Path::parent).unwrap_or(Path::new("."));
    let packs = Packs { host, stack };
    let options = Options { packs: &packs, ..Options::new(file_name, &lookup) };
    faramesh_check::check(&document.text, &options).diagnostics
}

/// Largest pack that is read; the parser has a smaller limit and names it.
const PACK_BYTES: u64 = 64 << 20;

/// The packs of a stack's catalogs.
struct Packs<'a> {
    host: &'a dyn Host,
    stack: &'a Path,
}

impl Resolver for Packs<'_> {
    fn resolve(&self, path: &str) -> Result<PackFile, Unresolved> {
        let last = path.rsplit('/').next().unwrap_or(path);
        let file = self.host.pack(self.stack, path);
        let text = file.and_then(|file| {
            let mut text = String::new();
            let length = File::open(file).ok()?.take(PACK_BYTES).read_to_string(&mut text);
            length.is_ok().then_some(text)
        });
        let found = text.map(|text| PackFile { name: format!("{last}/pack.fms"), text });
        found.ok_or_else(|| Unresolved {
            message: format!("the import `{path}` is in no catalog"),
            help: format!("put its file at `.faramesh/catalog/{path}/pack.fms`"),
        })
    }
}

fn fault() -> Diagnostic {
    let message = "this file could not be checked: the language server has a fault";
    Diagnostic::error(faramesh_syntax::Code(0), faramesh_syntax::ast::Span::default(), message)
        .with_help("run `faramesh check`, and report it with the file")
}

fn publication(document: &Document, diagnostics: &[Diagnostic], related: bool) -> Message {
    let params = PublishDiagnosticsParams {
        uri: document.uri.clone(),
        diagnostics: diagnostics.iter().map(|one| shown(document, one, related)).collect(),
        version: Some(document.version),
    };
    Message::Notification(Notification::new(PublishDiagnostics::METHOD.to_owned(), params))
}

/// A diagnostic as the protocol has it.
pub fn shown(document: &Document, diagnostic: &Diagnostic, related: bool) -> lsp_types::Diagnostic {
    let message = match &diagnostic.help {
        Some(help) => format!("{}\nhelp: {help}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let places = diagnostic.labels.iter().map(|(span, text)| DiagnosticRelatedInformation {
        location: Location { uri: document.uri.clone(), range: document.range(*span) },
        message: text.clone(),
    });
    let is_dead = [codes::UNREACHABLE_RULE.code, codes::UNDER_MANDATORY_DENY.code].contains(&diagnostic.code);
    lsp_types::Diagnostic {
        range: document.range(diagnostic.span),
        severity: Some(match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Note => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(diagnostic.code.to_string())),
        source: Some("faramesh".to_owned()),
        message,
        related_information: related.then(|| places.collect::<Vec<_>>()).filter(|places| !places.is_empty()),
        tags: is_dead.then(|| vec![DiagnosticTag::UNNECESSARY]),
        ..lsp_types::Diagnostic::default()
    }
}
