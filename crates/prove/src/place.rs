//! Places of a call, once it is settled which tool is called and whether the call is an HTTP request:
//! `bucket`, `args.bucket` and, for a tool below `s3/`, `s3.bucket` are then one place.

use faramesh_program::image::{Path, Root, Step};

/// Where a place starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Base {
    Args,
    /// Fields of a tool that may be written in two places, when something stands in the first of them.
    Twice,
    Principal,
    Tags,
    Query,
    Headers,
    Host,
    Port,
    Method,
    HttpPath,
    Model,
    Session,
    Action,
    Hour,
    Weekday,
    /// The tool's name, while it is not settled.
    Tool,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub base: Base,
    pub steps: Vec<Step>,
}

/// What is settled before a search begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World<'a> {
    /// The tool that is called; `None` while only what is asked about tools is collected.
    pub tool: Option<&'a str>,
    /// Whether the call is an HTTP request.
    pub is_http: bool,
    /// Whether the arguments have a member of the name of the tool's first segment, so that fields may
    /// be written in two places; `None` when no field is asked for in that way.
    pub is_twice: Option<bool>,
}

/// What a path means in a world.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meaning {
    Slot(Slot),
    /// The same place, as a normalised path.
    Normalised(Slot),
    /// The tool's name.
    Tool,
    /// The agent's name.
    Agent,
    /// Outside of what can be decided.
    Outside,
}

/// The first segment of a tool.
pub(crate) fn first_segment(tool: &str) -> &str {
    tool.split_once('/').map_or(tool, |(first, _)| first)
}

/// Whether a path looks into the HTTP request, when there is one.
pub(crate) fn is_of_request(root: Root) -> bool {
    matches!(root, Root::Host | Root::Port | Root::Method | Root::Path | Root::Query | Root::Headers)
}

/// The segment and the rest of a field that a tool below that segment may write in two places.
pub(crate) fn two_places(path: &Path) -> Option<(&str, &[Step])> {
    match (path.root, path.steps.split_first()) {
        (Root::Field, Some((Step::Key(first), rest))) if !rest.is_empty() => Some((first, rest)),
        _ => None,
    }
}

impl World<'_> {
    pub fn meaning(&self, path: &Path) -> Meaning {
        let slot = |base: Base, steps: &[Step]| Meaning::Slot(Slot { base, steps: steps.to_vec() });
        let request = |base: Base, name: &str| {
            if self.is_http {
                return slot(base, &path.steps);
            }
            let mut steps = vec![Step::Key(name.to_owned())];
            steps.extend(path.steps.iter().cloned());
            slot(Base::Args, &steps)
        };
        let is_single = path.steps.is_empty();
        match path.root {
            Root::Args => slot(Base::Args, &path.steps),
            Root::Field => {
                match two_places(path).filter(|(first, _)| self.tool.map(first_segment) == Some(*first)) {
                    Some((_, rest)) => {
                        slot(if self.is_twice == Some(true) { Base::Twice } else { Base::Args }, rest)
                    }
                    None => slot(Base::Args, &path.steps),
                }
            }
            Root::Query => request(Base::Query, "query"),
            // Among arguments, the case of a header's name counts for nothing.
            Root::Headers if !self.is_http && !is_single => Meaning::Outside,
            Root::Headers => request(Base::Headers, "headers"),
            Root::Principal => slot(Base::Principal, &path.steps),
            Root::Tags => slot(Base::Tags, &path.steps),
            // Texts and numbers have no members; no checked policy looks for one.
            _ if !is_single => Meaning::Outside,
            Root::Host => request(Base::Host, "host"),
            Root::Port => request(Base::Port, "port"),
            Root::Method => request(Base::Method, "method"),
            Root::Path => match request(Base::HttpPath, "path") {
                Meaning::Slot(slot) => Meaning::Normalised(slot),
                other => other,
            },
            Root::Tool => match self.tool {
                Some(_) => Meaning::Tool,
                None => slot(Base::Tool, &[]),
            },
            Root::Agent => Meaning::Agent,
            Root::Action => slot(Base::Action, &[]),
            Root::Model => slot(Base::Model, &[]),
            Root::Session => slot(Base::Session, &[]),
            Root::TimeHour => slot(Base::Hour, &[]),
            Root::TimeWeekday => slot(Base::Weekday, &[]),
            Root::TimeNow => Meaning::Outside,
        }
    }
}
