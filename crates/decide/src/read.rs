//! Values that a condition reads: places in the call, constants, and what methods make of them.

use std::borrow::Cow;

use faramesh_call::path::normalise;
use faramesh_call::{Number, Object, Value};
use faramesh_program::constants::{ConstantList, ConstantValue};
use faramesh_program::image::{Operand, Path, Root, Step};

use crate::address::{self, Address};
use crate::evaluate::Evaluator;
use crate::outcome::Unknown;
use crate::outside::is_outside;

/// A value while a condition looks at it.
#[derive(Debug, Clone)]
pub(crate) enum View<'a> {
    Null,
    Bool(bool),
    Number(Cow<'a, Number>),
    Text(Cow<'a, str>),
    List(&'a [Value]),
    Object(&'a Object),
    Constants(&'a ConstantList),
    Operands(&'a [u32]),
}

pub(crate) type Read<'a> = Result<View<'a>, Unknown>;

impl<'a> From<&'a Value> for View<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(Cow::Borrowed(number)),
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::List(items) => Self::List(items),
            Value::Object(object) => Self::Object(object),
        }
    }
}

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl<'a> Evaluator<'a> {
    /// The value of an operand. References point backwards, so the depth is bounded.
    pub(crate) fn operand(&self, index: u32) -> Read<'a> {
        self.step(1)?;
        match self.program.operand(index).ok_or(Unknown::Limit)? {
            Operand::Constant(at) => match self.program.constant(*at).ok_or(Unknown::Limit)? {
                ConstantValue::Scalar(value) => Ok(value.into()),
                ConstantValue::List(list) => Ok(View::Constants(list)),
            },
            Operand::Path(at) => self.path(*at),
            Operand::Fact(fact) => self.fact(index, fact),
            Operand::List(items) => Ok(View::Operands(items)),
            Operand::Lower(of) => match self.operand(*of)? {
                View::Text(text) => Ok(View::Text(text.to_lowercase().into())),
                _ => Err(self.type_error(*of)),
            },
            Operand::Length(of) => {
                let length = match self.operand(*of)? {
                    View::Text(text) => text.chars().count(),
                    View::List(items) => items.len(),
                    _ => return Err(self.type_error(*of)),
                };
                let length = u64::try_from(length).unwrap_or(u64::MAX);
                Ok(View::Number(Cow::Owned(length.into())))
            }
            Operand::Domain(of) => match self.operand(*of)? {
                View::Text(text) => match address::parse(&text) {
                    Address::At(domain) => Ok(View::Text(format!("@{}", domain.to_ascii_lowercase()).into())),
                    _ => Err(self.type_error(*of)),
                },
                _ => Err(self.type_error(*of)),
            },
        }
    }

    /// A type error, blamed on the path of an operand when it has one.
    pub(crate) fn type_error(&self, operand: u32) -> Unknown {
        match self.program.operand(operand) {
            Some(Operand::Path(at)) => Unknown::Type(Some(*at)),
            Some(Operand::Lower(of) | Operand::Length(of) | Operand::Domain(of)) => self.type_error(*of),
            _ => Unknown::Type(None),
        }
    }

    /// The value at a place of the call.
    pub(crate) fn path(&self, index: u32) -> Read<'a> {
        let path = self.program.path(index).ok_or(Unknown::Limit)?;
        let call = self.call;
        if is_outside(path.root) {
            let mut read = self.outside_read.borrow_mut();
            if !read.contains(&index) {
                read.push(index);
            }
        }
        let text = |text: Option<&'a str>| text.map(|text| View::Text(Cow::Borrowed(text)));
        let root = match path.root {
            Root::Args => return follow(&call.args, &path.steps, index),
            Root::Field => return self.field(path, index),
            Root::Principal => {
                return call
                    .principal
                    .as_ref()
                    .map_or(Err(Unknown::Absent(index)), |principal| follow(principal, &path.steps, index));
            }
            Root::Query => return self.members(path, index, "query", |http| &http.query),
            Root::Headers => return self.members(path, index, "headers", |http| &http.headers),
            Root::Tags => {
                let tags = call.tags.as_ref().ok_or(Unknown::Absent(index))?;
                return follow_object(tags, &path.steps, index);
            }
            Root::Tool => text(Some(&call.tool)),
            Root::Agent => text(Some(&self.agent.name)),
            Root::Action => text(Some(call.action.as_str())),
            Root::Model => text(call.model.as_deref()),
            Root::Session => text(call.session.as_deref()),
            Root::Host => self.http_or_arg("host", |http| View::Text(Cow::Borrowed(&http.host))),
            Root::Method => self.http_or_arg("method", |http| View::Text(Cow::Borrowed(&http.method))),
            Root::Port => {
                self.http_or_arg("port", |http| View::Number(Cow::Owned(u32::from(http.port).into())))
            }
            Root::Path => {
                self.http_or_arg("path", |http| View::Text(Cow::Borrowed(&http.path))).map(normalised)
            }
            Root::TimeHour => Some(View::Number(Cow::Owned(self.local_time().hour.into()))),
            Root::TimeWeekday => {
                let weekday = usize::try_from(self.local_time().weekday).unwrap_or(0);
                text(WEEKDAYS.get(weekday).copied())
            }
            Root::TimeNow => Some(View::Text(self.now.to_string().into())),
        };
        let root = root.ok_or(Unknown::Absent(index))?;
        if path.steps.is_empty() { Ok(root) } else { Err(Unknown::Type(Some(index))) }
    }

    fn local_time(&self) -> faramesh_call::time::Civil {
        self.program.local(self.now).civil()
    }

    fn http_or_arg(
        &self,
        name: &str,
        from_http: impl Fn(&'a faramesh_call::Http) -> View<'a>,
    ) -> Option<View<'a>> {
        match &self.call.http {
            Some(http) => Some(from_http(http)),
            None => self.call.args.get(name).map(View::from),
        }
    }

    fn members(
        &self,
        path: &Path,
        index: u32,
        name: &str,
        from_http: impl Fn(&'a faramesh_call::Http) -> &'a Object,
    ) -> Read<'a> {
        match &self.call.http {
            Some(http) => follow_object(from_http(http), &path.steps, index),
            None => match self.call.args.get(name) {
                Some(Value::Object(headers)) if path.root == Root::Headers => {
                    header(headers, &path.steps, index)
                }
                Some(value) => follow(value, &path.steps, index),
                None => Err(Unknown::Absent(index)),
            },
        }
    }

    /// Whether a place of the call is there at all, whatever stands in it.
    pub(crate) fn is_present(&self, index: u32) -> Result<bool, Unknown> {
        self.step(1)?;
        let path = self.program.path(index).ok_or(Unknown::Limit)?;
        // Two spellings that differ have no value, but something is there.
        let (nested, flat) = self.spellings(path, index);
        Ok(self.path(index).is_ok() || nested.is_ok() || flat.is_some_and(|flat| flat.is_ok()))
    }

    /// `s3.bucket`: `args.s3.bucket`, else `args.bucket` for a tool below `s3/`. When both are there
    /// and differ, an agent could show a rule one and its tool the other: then neither counts.
    fn field(&self, path: &Path, index: u32) -> Read<'a> {
        match self.spellings(path, index) {
            (nested, None) => nested,
            (Ok(nested), Some(Ok(flat))) => match self.equal_views(&nested, &flat) {
                Some(true) => Ok(nested),
                _ => Err(Unknown::Type(Some(index))),
            },
            (Ok(found), _) | (_, Some(Ok(found))) => Ok(found),
            (Err(nested), Some(Err(flat))) => Err(nested.stricter(flat)),
        }
    }

    /// The value at `args.s3.bucket`, and at `args.bucket` when that is another spelling of it.
    fn spellings(&self, path: &Path, index: u32) -> (Read<'a>, Option<Read<'a>>) {
        if path.root != Root::Field {
            return (Err(Unknown::Absent(index)), None);
        }
        let nested = follow(&self.call.args, &path.steps, index);
        let segment = self.call.tool.split_once('/').map_or(&*self.call.tool, |(first, _)| first);
        let flat = match path.steps.split_first() {
            Some((Step::Key(first), rest)) if **first == *segment && !rest.is_empty() => {
                Some(follow(&self.call.args, rest, index))
            }
            _ => None,
        };
        (nested, flat)
    }
}

fn normalised(view: View<'_>) -> View<'_> {
    match view {
        View::Text(Cow::Borrowed(text)) => View::Text(normalise(text)),
        other => other,
    }
}

fn follow<'a>(value: &'a Value, steps: &[Step], index: u32) -> Read<'a> {
    let mut at = value;
    for step in steps {
        at = match (step, at) {
            (Step::Key(key), Value::Object(object)) => object.get(key).ok_or(Unknown::Absent(index))?,
            (Step::Index(number), Value::List(items)) => {
                let item = usize::try_from(*number).ok().and_then(|number| items.get(number));
                item.ok_or(Unknown::Absent(index))?
            }
            _ => return Err(Unknown::Type(Some(index))),
        };
    }
    Ok(at.into())
}

fn follow_object<'a>(object: &'a Object, steps: &[Step], index: u32) -> Read<'a> {
    match steps.split_first() {
        None => Ok(View::Object(object)),
        Some((Step::Key(key), rest)) => match object.get(key) {
            Some(value) => follow(value, rest, index),
            None => Err(Unknown::Absent(index)),
        },
        Some(_) => Err(Unknown::Type(Some(index))),
    }
}

/// A header among arguments, where the case of its name counts for nothing either. Two of one name that
/// differ have no value: a rule could see the one and the tool the other.
fn header<'a>(headers: &'a Object, steps: &[Step], index: u32) -> Read<'a> {
    let Some((Step::Key(name), rest)) = steps.split_first() else {
        return follow_object(headers, steps, index);
    };
    let mut named = headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let found = named.next().ok_or(Unknown::Absent(index))?;
    if named.any(|other| other != found) {
        Err(Unknown::Type(Some(index)))
    } else {
        follow(found, rest, index)
    }
}
