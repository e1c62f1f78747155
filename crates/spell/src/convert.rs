//! One spelling to another, and each to its canonical form.
//!
//! INVARIANT same meaning: what is written is read again and compared; a difference is refused, not
//! written.
//! INVARIANT none lost: comments that the other spelling cannot hold are counted.

use faramesh_syntax::Diagnostic;
use faramesh_syntax::ast::{Body, Span};

use crate::codes;
use crate::comments::{Comment, attach};
use crate::normal::normal;
use crate::raise::raise;
use crate::{Document, Spelling, fms, json, read, yaml};

/// A policy in another spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The text.
    pub text: String,
    /// How many comments it cannot hold.
    pub comments_left_out: usize,
    /// Whether the address of the schema, which is for editors, is left out.
    pub schema_left_out: bool,
}

/// How an editor is told about the schema in a comment.
const MODELINE: &str = "yaml-language-server:";

/// Writes a policy in the canonical form of `to`.
///
/// # Errors
/// What is wrong with the source, or what `to` cannot hold.
pub fn convert(source: &str, from: Spelling, to: Spelling) -> Result<Converted, Vec<Diagnostic>> {
    if from == Spelling::Fms && to == Spelling::Fms {
        let text = faramesh_syntax::format(source)?;
        return Ok(Converted { text, comments_left_out: 0, schema_left_out: false });
    }
    let mut document = read(source, from);
    if document.has_errors() {
        return Err(document.diagnostics);
    }
    let converted = match to {
        Spelling::Fms => to_fms(source, &document)?,
        Spelling::Yaml => to_yaml(source, &document)?,
        Spelling::Json => to_json(source, &mut document)?,
    };
    let again = read(&converted.text, to);
    let kept = again.comments.len() + converted.comments_left_out;
    if again.has_errors() || !means_the_same(&document.body, &again.body) || kept != document.comments.len() {
        let message = "this policy cannot be converted without changing what it says";
        return Err(vec![
            Diagnostic::error(codes::CANNOT_CARRY, Span::default(), message)
                .with_help("leave it as it is and report it: this is a fault of the conversion"),
        ]);
    }
    Ok(converted)
}

/// A tree in the canonical form of a spelling, without comments.
///
/// # Errors
/// What `to` cannot hold.
pub fn write(body: &Body, to: Spelling) -> Result<String, Vec<Diagnostic>> {
    let document =
        Document { body: body.clone(), diagnostics: Vec::new(), schema: None, comments: Vec::new() };
    let converted = match to {
        Spelling::Fms => to_fms("", &document)?,
        Spelling::Yaml => to_yaml("", &document)?,
        Spelling::Json => to_json("", &mut document.clone())?,
    };
    Ok(converted.text)
}

/// Whether two policies compile to the same program, whichever spellings they were read from.
#[must_use]
pub fn means_the_same(one: &Body, other: &Body) -> bool {
    normal(one) == normal(other)
}

fn to_fms(source: &str, document: &Document) -> Result<Converted, Vec<Diagnostic>> {
    let text = fms::write(source, &document.body, &document.comments);
    let text = faramesh_syntax::format(&text).map_err(|found| {
        let why = found.first().map_or("", |first| &first.message);
        let message = format!("this policy says something that governance.fms cannot say: {why}");
        let help = "see what `faramesh check` says about it";
        vec![Diagnostic::error(codes::CANNOT_CARRY, Span::default(), message).with_help(help)]
    })?;
    Ok(Converted { text, comments_left_out: 0, schema_left_out: document.schema.is_some() })
}

fn to_yaml(source: &str, document: &Document) -> Result<Converted, Vec<Diagnostic>> {
    let root = raise(&document.body, document.schema.as_deref(), source)?;
    let slots = yaml::slots(&root);
    let notes = attach(source, &document.comments, &slots);
    let text = yaml::write(&root, &notes);
    Ok(Converted { text, comments_left_out: 0, schema_left_out: false })
}

fn to_json(source: &str, document: &mut Document) -> Result<Converted, Vec<Diagnostic>> {
    // The comment that names the schema to editors becomes the key that does.
    if document.schema.is_none()
        && let Some(at) = document.comments.iter().position(|comment| modeline(comment).is_some())
    {
        document.schema = modeline(&document.comments.remove(at)).map(str::to_owned);
    }
    let root = raise(&document.body, document.schema.as_deref(), source)?;
    let comments_left_out = document.comments.len();
    Ok(Converted { text: json::write(&root), comments_left_out, schema_left_out: false })
}

/// The address of the schema in a comment for editors.
fn modeline(comment: &Comment) -> Option<&str> {
    let rest = comment.text.trim().strip_prefix(MODELINE)?.trim();
    rest.strip_prefix("$schema=").map(str::trim).filter(|address| !address.is_empty())
}
