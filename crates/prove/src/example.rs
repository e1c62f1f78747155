//! The call that a model describes.

use faramesh_call::{Action, Call, Http, Object, Timestamp, Value};
use faramesh_program::Program;
use faramesh_program::image::Step;

use crate::atom::Reading;
use crate::place::{Base, World, first_segment};
use crate::tree::Model;

/// A call that a question asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The call.
    pub call: Call,
    /// The hour in the policy's time zone, when it matters.
    pub hour: Option<u64>,
    /// The day of the week there, when it matters: `mon` to `sun`.
    pub weekday: Option<String>,
}

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// 2026-01-05T12:00:00Z, a Monday.
const MONDAY: Timestamp = Timestamp(1_767_614_400_000);
const QUARTER_MS: u64 = 15 * 60_000;

impl Example {
    /// A time at which the hour and the day are those of the example.
    #[must_use]
    pub fn time(&self, program: &Program) -> Timestamp {
        // Nine days cover every hour of every weekday in every time zone; offsets count in quarters.
        let times = (0..9 * 24 * 4).map(|quarter| MONDAY.plus_ms(quarter * QUARTER_MS));
        let fits = |now: &Timestamp| {
            let civil = program.local(*now).civil();
            let weekday = usize::try_from(civil.weekday).ok().and_then(|day| WEEKDAYS.get(day));
            self.hour.is_none_or(|hour| hour == civil.hour)
                && self.weekday.as_deref().is_none_or(|day| weekday == Some(&day))
        };
        { times }.find(fits).unwrap_or(MONDAY)
    }
}

pub(crate) fn of(world: World<'_>, model: &Model, asks_time: bool) -> Example {
    let value = |base: Base| match model.start(base) {
        Reading::Value(value) => Some(value),
        _ => None,
    };
    let text = |base: Base| value(base).and_then(|value| value.as_str().map(Box::<str>::from));
    let object = |base: Base| value(base).and_then(|value| value.as_object().cloned());
    let tool = world.tool.unwrap_or_default();
    let mut args = value(Base::Args).unwrap_or_default();
    if world.is_twice == Some(true) {
        write_twice(first_segment(tool), model, &mut args);
    }
    let http = world.is_http.then(|| {
        let port = value(Base::Port).and_then(|port| port.as_i64()).and_then(|port| u16::try_from(port).ok());
        Box::new(Http {
            host: text(Base::Host).unwrap_or_default(),
            port: port.unwrap_or(443),
            method: text(Base::Method).unwrap_or_default(),
            path: text(Base::HttpPath).unwrap_or_default(),
            query: object(Base::Query).unwrap_or_default(),
            headers: object(Base::Headers).unwrap_or_default(),
        })
    });
    let call = Call {
        tool: tool.into(),
        action: text(Base::Action).and_then(|word| Action::parse(&word)).unwrap_or_default(),
        args,
        session: text(Base::Session),
        model: text(Base::Model),
        principal: value(Base::Principal),
        tags: object(Base::Tags),
        http,
        ..Call::default()
    };
    let hour = value(Base::Hour).and_then(|hour| hour.as_i64()).and_then(|hour| u64::try_from(hour).ok());
    Example {
        call,
        hour: hour.filter(|_| asks_time),
        weekday: text(Base::Weekday).map(String::from).filter(|_| asks_time),
    }
}

/// Fields that may be written in two places: beside the others, and where two must differ, in both.
fn write_twice(segment: &str, model: &Model, args: &mut Value) {
    let Value::Object(object) = args else { return };
    if let Reading::Value(Value::Object(members)) = model.start(Base::Twice) {
        for (key, value) in members.iter() {
            if object.get(key).is_none() {
                object.insert(key, value.clone());
            }
        }
    }
    let mut nested = object.get(segment).cloned().unwrap_or_else(|| Value::Object(Object::new()));
    for steps in &model.differing {
        write(&mut nested, steps, "one thing");
        write(args, steps, "another");
    }
    if let Value::Object(object) = args {
        object.insert(segment, nested);
    }
}

fn write(value: &mut Value, steps: &[Step], text: &str) {
    match (steps, value) {
        ([Step::Key(key)], Value::Object(object)) => {
            object.insert(key.as_str(), text);
        }
        ([Step::Key(key), rest @ ..], Value::Object(object)) => {
            if object.get(key).is_none() {
                object.insert(key.as_str(), Object::new());
            }
            if let Some(member) = object.get_mut(key) {
                write(member, rest, text);
            }
        }
        _ => {}
    }
}
