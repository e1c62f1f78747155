//! The requests that are answered: from the protocol's types to the modules that know, and back.

use std::collections::HashMap;

use lsp_server::{ErrorCode, Request, Response};
use lsp_types::request::{
    CodeActionRequest, Completion, DocumentHighlightRequest, DocumentSymbolRequest, Formatting,
    GotoDefinition, HoverRequest, PrepareRenameRequest, References, Rename, Request as Method,
};
use lsp_types::{
    CodeActionOrCommand, CompletionResponse, DocumentSymbolResponse, GotoDefinitionResponse, Hover,
    HoverContents, Location, MarkupContent, MarkupKind, PrepareRenameResponse, TextDocumentPositionParams,
    Uri, WorkspaceEdit,
};

use crate::document::Document;
use crate::server::{Server, code};
use crate::{completion, edits, hover, navigation, packs};

/// Why a request has no answer, for a person.
type Refusal = String;

/// Answers one request.
pub fn answer(server: &Server, request: Request) -> Response {
    match request.method.as_str() {
        Completion::METHOD => with::<Completion>(request, |params| {
            let at = &params.text_document_position;
            Ok(located(server, at).map(|(document, offset)| {
                CompletionResponse::Array(completion::items(document, offset, server.client.snippets))
            }))
        }),
        HoverRequest::METHOD => with::<HoverRequest>(request, |params| {
            let at = &params.text_document_position_params;
            Ok(located(server, at).and_then(|(document, offset)| hovered(server, document, offset)))
        }),
        GotoDefinition::METHOD => with::<GotoDefinition>(request, |params| {
            let at = &params.text_document_position_params;
            Ok(located(server, at).and_then(|(document, offset)| defined(server, document, offset)))
        }),
        References::METHOD => with::<References>(request, |params| {
            let at = &params.text_document_position;
            let found = located(server, at);
            Ok(found.and_then(|(document, offset)| {
                let (declaration, mut spans) = navigation::places(document, offset)?;
                if params.context.include_declaration {
                    spans.insert(0, declaration);
                }
                Some(spans.into_iter().map(|span| location(document, span)).collect())
            }))
        }),
        DocumentHighlightRequest::METHOD => with::<DocumentHighlightRequest>(request, |params| {
            let at = &params.text_document_position_params;
            Ok(located(server, at).map(|(document, offset)| navigation::highlights(document, offset)))
        }),
        DocumentSymbolRequest::METHOD => with::<DocumentSymbolRequest>(request, |params| {
            let document = open(server, &params.text_document.uri);
            Ok(document.map(|document| DocumentSymbolResponse::Nested(navigation::symbols(document))))
        }),
        Formatting::METHOD => with::<Formatting>(request, |params| {
            let document = open(server, &params.text_document.uri);
            Ok(document.map(|document| edits::format(document).into_iter().collect()))
        }),
        CodeActionRequest::METHOD => with::<CodeActionRequest>(request, |params| {
            let Some(document) = open(server, &params.text_document.uri) else { return Ok(None) };
            let found = server.findings.of(document);
            let span = document.lines.span(params.range);
            let actions = edits::fixes(document, &found, span, server.findings.related());
            Ok(Some(actions.into_iter().map(CodeActionOrCommand::CodeAction).collect()))
        }),
        PrepareRenameRequest::METHOD => with::<PrepareRenameRequest>(request, |at| {
            let Some((document, offset)) = located(server, &at) else { return Ok(None) };
            let span = navigation::renamable(document, offset)?;
            Ok(Some(PrepareRenameResponse::Range(document.range(span))))
        }),
        Rename::METHOD => with::<Rename>(request, |params| {
            let Some((document, offset)) = located(server, &params.text_document_position) else {
                return Ok(None);
            };
            let edits = navigation::rename(document, offset, &params.new_name)?;
            #[expect(clippy::mutable_key_type, reason = "the protocol's type; a URI is never changed here")]
            let changes = HashMap::from([(document.uri.clone(), edits)]);
            Ok(Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }))
        }),
        _ => {
            let message = format!("`{}` is not offered", request.method);
            Response::new_err(request.id, code(ErrorCode::MethodNotFound), message)
        }
    }
}

fn with<M: Method>(
    request: Request,
    handler: impl FnOnce(M::Params) -> Result<M::Result, Refusal>,
) -> Response {
    let params = match serde_json::from_value(request.params) {
        Ok(params) => params,
        Err(error) => {
            return Response::new_err(request.id, code(ErrorCode::InvalidParams), error.to_string());
        }
    };
    match handler(params) {
        Ok(result) => Response::new_ok(request.id, result),
        Err(refusal) => Response::new_err(request.id, code(ErrorCode::RequestFailed), refusal),
    }
}

fn open<'s>(server: &'s Server, uri: &Uri) -> Option<&'s Document> {
    server.documents.get(uri.as_str()).map(|document| &**document)
}

fn located<'s>(server: &'s Server, at: &TextDocumentPositionParams) -> Option<(&'s Document, u32)> {
    let document = open(server, &at.text_document.uri)?;
    Some((document, document.lines.offset(at.position)))
}

fn location(document: &Document, span: faramesh_syntax::ast::Span) -> Location {
    Location { uri: document.uri.clone(), range: document.range(span) }
}

fn hovered(server: &Server, document: &Document, offset: u32) -> Option<Hover> {
    let (value, span) = hover::at(document, offset, &|name| server.host.environment(name))?;
    let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
    Some(Hover { contents, range: Some(document.range(span)) })
}

fn defined(server: &Server, document: &Document, offset: u32) -> Option<GotoDefinitionResponse> {
    if let Some(file) = packs::file_at(document, offset, server.host.as_ref()) {
        return Some(GotoDefinitionResponse::Scalar(Location {
            uri: file,
            range: lsp_types::Range::default(),
        }));
    }
    let declaration = navigation::definition(document, offset)?;
    Some(GotoDefinitionResponse::Scalar(location(document, declaration.name_span)))
}
