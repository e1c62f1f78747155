//! Times, by a library that knows the time zones of the world.

use faramesh_call::{Timestamp, Value};
use faramesh_syntax::ast::Step;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::truth::Unknown;

/// `time.hour`, `time.weekday` and `time.now` at a moment in a zone.
pub(crate) fn part(now: Timestamp, zone: &str, part: Option<&Step>) -> Result<Value, Unknown> {
    let moment = i64::try_from(now.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let moment = moment.ok_or(Unknown::Type)?;
    let zone = TimeZoneDatabase::bundled().get(zone).unwrap_or(TimeZone::UTC);
    let local = moment.to_zoned(zone);
    match part {
        Some(Step::Key(name)) if name == "hour" => Ok(Value::from(i64::from(local.hour()))),
        Some(Step::Key(name)) if name == "weekday" => {
            let day = local.weekday().to_monday_zero_offset();
            let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            let name = usize::try_from(day).ok().and_then(|day| names.get(day)).ok_or(Unknown::Type)?;
            Ok(Value::string(*name))
        }
        Some(Step::Key(name)) if name == "now" => {
            let utc = moment.to_zoned(TimeZone::UTC);
            Ok(Value::string(utc.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()))
        }
        _ => Err(Unknown::Type),
    }
}
