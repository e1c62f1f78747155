//! Points in time as records carry them: milliseconds since 1970, written as RFC 3339 in UTC.

use std::fmt;

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub u64);

/// A point in time taken apart, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// Year, from 1970.
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 31.
    pub day: u64,
    /// 0 to 23.
    pub hour: u64,
    /// 0 to 59.
    pub minute: u64,
    /// 0 to 59.
    pub second: u64,
    /// 0 to 999.
    pub millisecond: u64,
    /// Days since a Monday, 0 to 6.
    pub weekday: u64,
}

const MS_PER_DAY: u64 = 86_400_000;

impl Timestamp {
    /// The same point, `duration_ms` milliseconds later.
    #[must_use]
    pub fn plus_ms(self, duration_ms: u64) -> Self {
        Self(self.0.saturating_add(duration_ms))
    }

    /// Milliseconds from `earlier` to here, zero when it is later.
    #[must_use]
    pub fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Takes the time apart in UTC.
    #[must_use]
    pub fn civil(self) -> Civil {
        let (days, rest) = (self.0 / MS_PER_DAY, self.0 % MS_PER_DAY);
        // Counted in 400-year eras from 0000-03-01, so that leap days come last in a year.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Civil {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            hour: rest / 3_600_000,
            minute: rest / 60_000 % 60,
            second: rest / 1_000 % 60,
            millisecond: rest % 1_000,
            weekday: (days + 3) % 7,
        }
    }

    /// Appends `2026-11-20T09:30:00.123Z` to `out`.
    pub fn write(self, out: &mut Vec<u8>) {
        let civil = self.civil();
        let mut digits = |value: u64, width: u32, after: u8| {
            for place in (0..width).rev() {
                let digit = value / 10_u64.pow(place) % 10;
                out.push(b'0' + u8::try_from(digit).unwrap_or(0));
            }
            out.push(after);
        };
        digits(civil.year, 4, b'-');
        digits(civil.month, 2, b'-');
        digits(civil.day, 2, b'T');
        digits(civil.hour, 2, b':');
        digits(civil.minute, 2, b':');
        digits(civil.second, 2, b'.');
        digits(civil.millisecond, 3, b'Z');
    }

    /// Reads what [`Timestamp::write`] writes; fractions of a second are optional.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let field = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
        let marks = [(4, '-'), (7, '-'), (10, 'T'), (13, ':'), (16, ':')];
        let marked =
            marks.iter().all(|(at, mark)| text.get(*at..).is_some_and(|rest| rest.starts_with(*mark)));
        let fraction = match text.get(19..)? {
            "Z" => 0,
            rest if rest.len() == 5 && rest.starts_with('.') && rest.ends_with('Z') => field(20, 23)?,
            _ => return None,
        };
        let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
        if !marked || year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let shifted_year = year - u64::from(month <= 2);
        let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
        let shifted_month = if month > 2 { month - 3 } else { month + 9 };
        let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
        let seconds = field(11, 13)? * 3_600 + field(14, 16)? * 60 + field(17, 19)?;
        let time = Self(days * MS_PER_DAY + seconds * 1_000 + fraction);
        // A day or minute that does not exist would come back as another one.
        (time.to_string().get(..19) == text.get(..19)).then_some(time)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(24);
        self.write(&mut out);
        formatter.write_str(&String::from_utf8_lossy(&out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_827_696_789, "2000-02-29T12:34:56.789Z"),
            (1_795_166_999_999, "2026-11-20T09:29:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp(ms).to_string(), text);
            assert_eq!(Timestamp::parse(text), Some(Timestamp(ms)));
        }
        for text in
            ["2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "", "2026-01-01", "x"]
        {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn weekdays() {
        // 2026-11-20 is a Friday.
        assert_eq!(Timestamp::parse("2026-11-20T00:00:00Z").unwrap().civil().weekday, 4);
    }
}
