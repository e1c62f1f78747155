//! Comments, and which line of another spelling each of them belongs to.
//!
//! INVARIANT none lost: every comment goes to exactly one place.

use faramesh_syntax::ast::Span;

/// One comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    /// What follows its `#`, without blanks at the end.
    pub text: String,
    pub span: Span,
    /// Whether nothing stands before it on its line.
    pub own_line: bool,
}

impl Comment {
    /// The comment from the `#` at `start` to the end of its line.
    pub fn new(source: &str, start: usize, end: usize) -> Self {
        let before = source.get(..start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let text = source.get(start..end).unwrap_or_default().trim_end();
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            text: text.strip_prefix('#').unwrap_or(text).to_owned(),
            span: Span { start: offset(start), end: offset(start + text.len()) },
            own_line: line.chars().all(|character| character.is_whitespace() || character == '\u{feff}'),
        }
    }
}

/// A line or block of the text that is written, and where it comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub span: Span,
    /// Whether other slots stand inside of it, so that a comment may end it.
    pub is_block: bool,
}

/// What belongs to a slot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// An empty line stands before it.
    pub blank: bool,
    /// Comments on lines of their own before it.
    pub before: Vec<String>,
    /// A comment behind its first line.
    pub trailing: Option<String>,
    /// Comments on lines of their own at its end, inside.
    pub last: Vec<String>,
}

/// Notes for each slot; the first slot is the whole file. Time is `n log n` in slots and comments.
pub(crate) fn attach(source: &str, comments: &[Comment], slots: &[Slot]) -> Vec<Notes> {
    let mut notes = vec![Notes::default(); slots.len()];
    let index = Index::new(slots);
    let mut blanks_done = vec![false; slots.len()];
    for comment in comments {
        let place = index.place(source, comment, slots);
        let Some(note) = notes.get_mut(place.slot()) else { continue };
        match place {
            Place::Trailing(_) if note.trailing.is_none() => note.trailing = Some(comment.text.clone()),
            Place::Last(_) => note.last.push(comment.text.clone()),
            Place::Trailing(slot) | Place::Before(slot) => {
                if let Some(done) = blanks_done.get_mut(slot).filter(|done| !**done && comment.own_line) {
                    *done = true;
                    note.blank = is_blank_before(source, comment.span.start);
                }
                note.before.push(comment.text.clone());
            }
        }
    }
    for ((note, slot), done) in notes.iter_mut().zip(slots).zip(blanks_done) {
        if !done {
            note.blank = is_blank_before(source, slot.span.start);
        }
    }
    notes
}

enum Place {
    Before(usize),
    Trailing(usize),
    Last(usize),
}

impl Place {
    fn slot(&self) -> usize {
        match *self {
            Self::Before(slot) | Self::Trailing(slot) | Self::Last(slot) => slot,
        }
    }
}

struct Index {
    /// Slots but the file, by where they begin, the outermost first.
    by_start: Vec<usize>,
    /// Slots but the file, by where they end, the innermost last.
    by_end: Vec<usize>,
}

impl Index {
    fn new(slots: &[Slot]) -> Self {
        let span = |index: &usize| slots.get(*index).map_or(Span::default(), |slot| slot.span);
        let mut by_start: Vec<usize> = (1..slots.len()).collect();
        by_start.sort_by_key(|index| (span(index).start, u32::MAX - span(index).end, *index));
        let mut by_end: Vec<usize> = (1..slots.len()).collect();
        by_end.sort_by_key(|index| (span(index).end, span(index).start, *index));
        Self { by_start, by_end }
    }

    fn place(&self, source: &str, comment: &Comment, slots: &[Slot]) -> Place {
        let span = |index: usize| slots.get(index).map_or(Span::default(), |slot| slot.span);
        if !comment.own_line {
            let ended = self.by_end.partition_point(|&index| span(index).end <= comment.span.start);
            let before = ended.checked_sub(1).and_then(|at| self.by_end.get(at)).copied();
            if let Some(before) =
                before.filter(|&index| is_one_line(source, span(index).end, comment.span.start))
            {
                return Place::Trailing(before);
            }
        }
        let begun = self.by_start.partition_point(|&index| span(index).start < comment.span.start);
        // What holds the comment, from the inside out; few things are open at a place, but many may have
        // ended, so the search is bounded.
        let around = self.by_start.iter().take(begun).rev().take(SEARCH);
        let holder = around.copied().find(|&index| span(index).end >= comment.span.end);
        if let Some(holder) = holder {
            if !comment.own_line && is_one_line(source, span(holder).start, comment.span.start) {
                return Place::Trailing(holder);
            }
            if slots.get(holder).is_some_and(|slot| !slot.is_block) {
                return Place::Before(holder);
            }
        }
        let next = self.by_start.get(begun).copied();
        match (next, holder) {
            (Some(next), Some(holder)) if span(next).start < span(holder).end => Place::Before(next),
            (Some(next), None) => Place::Before(next),
            (_, holder) => Place::Last(holder.unwrap_or(0)),
        }
    }
}

/// How many slots are looked at for the one that holds a comment.
const SEARCH: usize = 4_096;

fn is_one_line(source: &str, from: u32, to: u32) -> bool {
    let range = usize::try_from(from).unwrap_or(usize::MAX)..usize::try_from(to).unwrap_or(usize::MAX);
    source.get(range).is_some_and(|between| !between.contains('\n'))
}

/// Whether the line before the one on which `at` is the first is empty.
fn is_blank_before(source: &str, at: u32) -> bool {
    let before = usize::try_from(at).ok().and_then(|at| source.get(..at)).unwrap_or_default();
    let Some((lines, line)) = before.rsplit_once('\n') else { return false };
    let is_first = line.chars().all(|character| character.is_whitespace() || "-\"'".contains(character));
    let (earlier, previous) = lines.rsplit_once('\n').unwrap_or(("", lines));
    is_first && previous.trim().is_empty() && !earlier.trim().is_empty()
}
