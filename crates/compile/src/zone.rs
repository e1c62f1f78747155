//! The offsets of a time zone, from the database in the binary: the daemon needs none of its own, and
//! every machine compiles the same table.

use faramesh_program::image::OffsetChange;
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;

use crate::CompileError;

/// 2020-01-01 and 2071-01-01, in seconds since 1970.
const FIRST_SECOND: i64 = 1_577_836_800;
const LAST_SECOND: i64 = 3_187_296_000;
/// Most changes: no zone has more than a few in a year.
const CHANGES: usize = 1_000;

/// Changes of the offset from 2020 to 2070; the first holds from 1970 on, the last for ever. Empty for UTC.
pub(crate) fn offsets(zone: &str) -> Result<Vec<OffsetChange>, CompileError> {
    let unknown = || CompileError::Timezone(zone.to_owned());
    let found = TimeZoneDatabase::bundled().get(zone).map_err(|_| unknown())?;
    let start = Timestamp::from_second(FIRST_SECOND).map_err(|_| unknown())?;
    let mut changes = vec![OffsetChange { from_ms: 0, offset_seconds: found.to_offset(start).seconds() }];
    for change in found.following(start).take(CHANGES) {
        let from = change.timestamp();
        if from.as_second() >= LAST_SECOND {
            break;
        }
        let offset_seconds = change.offset().seconds();
        // Names and daylight flags change too; only the offset is of interest.
        if changes.last().is_some_and(|last| last.offset_seconds != offset_seconds) {
            let from_ms = u64::try_from(from.as_millisecond()).map_err(|_| unknown())?;
            changes.push(OffsetChange { from_ms, offset_seconds });
        }
    }
    let is_utc = changes.iter().all(|change| change.offset_seconds == 0);
    Ok(if is_utc { Vec::new() } else { changes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(changes: &[OffsetChange], ms: u64) -> i32 {
        changes.iter().rev().find(|change| change.from_ms <= ms).map_or(0, |change| change.offset_seconds)
    }

    #[test]
    fn offsets_of_known_moments() {
        let berlin = offsets("Europe/Berlin").unwrap();
        // 2026-07-01 and 2026-12-01, noon.
        assert_eq!(at(&berlin, 1_782_907_200_000), 7_200);
        assert_eq!(at(&berlin, 1_796_126_400_000), 3_600);
        // 2026-03-29 01:00 UTC, the second before and at the change.
        assert_eq!(at(&berlin, 1_774_745_999_000), 3_600);
        assert_eq!(at(&berlin, 1_774_746_000_000), 7_200);
        assert!((100..110).contains(&berlin.len()), "{}", berlin.len());
        let kolkata = offsets("Asia/Kolkata").unwrap();
        assert_eq!(kolkata, [OffsetChange { from_ms: 0, offset_seconds: 19_800 }]);
    }

    #[test]
    fn utc_needs_no_table() {
        for zone in ["UTC", "Etc/UTC", "GMT"] {
            assert_eq!(offsets(zone).unwrap(), []);
        }
        assert!(matches!(offsets("Mars/Base"), Err(CompileError::Timezone(_))));
    }
}
