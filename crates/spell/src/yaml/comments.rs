//! The comments of a YAML text. The parser drops them; they are what begins with `#` outside of scalars.

use faramesh_syntax::ast::Span;

use crate::comments::Comment;
use crate::tree::{Data, Node};

/// Every comment of `source`; `scalars` are the places of its scalars, quotes included, in order.
pub(super) fn find(source: &str, scalars: &[Span]) -> Vec<Comment> {
    let bytes = source.as_bytes();
    let mut comments = Vec::new();
    let mut skipped = scalars.iter().peekable();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        while skipped.next_if(|scalar| offset(scalar.end) <= at).is_some() {}
        if let Some(scalar) = skipped.peek().filter(|scalar| offset(scalar.start) <= at) {
            at = offset(scalar.end);
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        if byte != b'#' || before.is_some_and(|before| !before.is_ascii_whitespace() && *before != 0xbf) {
            at += 1;
            continue;
        }
        let rest = source.get(at..).unwrap_or_default();
        let end = at + rest.find('\n').unwrap_or(rest.len());
        comments.push(Comment::new(source, at, end));
        at = end;
    }
    comments
}

/// Makes maps and lists end after the comments that are indented like what stands in them.
pub(super) fn extend(node: &mut Node, source: &str, comments: &[Comment]) {
    let inner = match &mut node.data {
        Data::Map(entries) => {
            entries.iter_mut().for_each(|entry| extend(&mut entry.value, source, comments));
            entries.last().map(|last| last.value.span.end)
        }
        Data::List(items) => {
            items.iter_mut().for_each(|item| extend(item, source, comments));
            items.last().map(|last| last.span.end)
        }
        _ => return,
    };
    node.span.end = node.span.end.max(inner.unwrap_or(0));
    let column = column(source, node.span.start);
    let mut end = node.span.end;
    let first = comments.partition_point(|comment| comment.span.start < end);
    for comment in comments.get(first..).unwrap_or_default() {
        let between = source.get(offset(end)..offset(comment.span.start)).unwrap_or_default();
        let is_inside = !comment.own_line || self::column(source, comment.span.start) >= column;
        if !is_inside || !between.trim_matches(['"', '\'']).trim().is_empty() {
            break;
        }
        end = comment.span.end;
        if comment.own_line {
            node.span.end = end;
        }
    }
}

fn column(source: &str, at: u32) -> usize {
    let before = source.get(..offset(at)).unwrap_or_default();
    before.len() - before.rfind('\n').map_or(0, |at| at + 1)
}

fn offset(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
