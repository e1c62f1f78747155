//! The typed view to FPL text, comments included. The formatter of `syntax` lays it out.

mod comments;
mod pieces;
mod statement;

use faramesh_syntax::ast::{Body, Span};

use crate::comments::{Comment, Notes, Slot, attach};
use crate::names::Owner;

pub(crate) use comments::find as find_comments;
use pieces::{Piece, pieces};

/// The text of a body that was read from `source`, and its comments.
pub(crate) fn write(source: &str, body: &Body, comments: &[Comment]) -> String {
    let pieces = pieces(&body.items, Owner::FILE, source);
    let end = u32::try_from(source.len()).unwrap_or(u32::MAX);
    let mut slots = vec![Slot { span: Span { start: 0, end }, is_block: true }];
    collect(&pieces, &mut slots);
    let notes = attach(source, comments, &slots);
    let mut writer = Writer { out: String::new(), notes: notes.into_iter() };
    let file = writer.next();
    writer.pieces(&pieces);
    writer.comments(&file.before);
    writer.comments(&file.last);
    writer.out
}

fn collect(pieces: &[Piece], slots: &mut Vec<Slot>) {
    for piece in pieces {
        slots.push(Slot { span: piece.span, is_block: piece.body.is_some() });
        collect(piece.body.as_deref().unwrap_or_default(), slots);
    }
}

struct Writer {
    out: String,
    notes: std::vec::IntoIter<Notes>,
}

impl Writer {
    fn next(&mut self) -> Notes {
        self.notes.next().unwrap_or_default()
    }

    fn comments(&mut self, comments: &[String]) {
        for comment in comments {
            self.out.push_str(&format!("#{comment}\n"));
        }
    }

    fn pieces(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            let notes = self.next();
            if notes.blank {
                self.out.push('\n');
            }
            self.comments(&notes.before);
            self.out.push_str(&piece.head);
            if piece.body.is_some() {
                self.out.push_str(" {");
            }
            if let Some(comment) = &notes.trailing {
                self.out.push_str(&format!(" #{comment}"));
            }
            let is_empty = piece.body.as_deref().is_some_and(<[Piece]>::is_empty);
            if !(is_empty && notes.trailing.is_none() && notes.last.is_empty()) {
                self.out.push('\n');
            }
            if let Some(body) = &piece.body {
                self.pieces(body);
                self.comments(&notes.last);
                self.out.push_str("}\n");
            }
        }
    }
}
