//! Times as records carry them, read without a detour over text: a verifier reads one per record.

use faramesh_call::Timestamp;

const DAYS_BEFORE_MONTH: [u64; 13] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Reads exactly `2026-11-20T09:30:00.123Z`, in the years 1970 to 9999.
pub(crate) fn read(text: &[u8]) -> Option<Timestamp> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', rest @ ..] = text else { return None };
    let [h0, h1, b':', n0, n1, b':', s0, s1, b'.', f0, f1, f2, b'Z'] = rest else { return None };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_u64, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(&[*y0, *y1, *y2, *y3])?, number(&[*m0, *m1])?, number(&[*d0, *d1])?);
    let (hour, minute, second) = (number(&[*h0, *h1])?, number(&[*n0, *n1])?, number(&[*s0, *s1])?);
    let millisecond = number(&[*f0, *f1, *f2])?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_in_month = match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    if year < 1970 || day == 0 || day > days_in_month || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let before = year - 1;
    let leap_days = before / 4 - before / 100 + before / 400 - 477;
    let month_days = DAYS_BEFORE_MONTH.get(usize::try_from(month).ok()?).copied()?;
    let days = (year - 1970) * 365 + leap_days + month_days + u64::from(leap && month > 2) + day - 1;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(Timestamp(seconds * 1_000 + millisecond))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_vocabulary() {
        // Every day from 1970 to 2413, at a moment of its own.
        for day in 0..162_000_u64 {
            let time = Timestamp(day * 86_400_000 + (day * 7_919_123) % 86_400_000);
            assert_eq!(read(time.to_string().as_bytes()), Some(time));
        }
        let last = Timestamp(253_402_300_799_999);
        assert_eq!(read(last.to_string().as_bytes()), Some(last));
        for text in [
            "1969-12-31T23:59:59.999Z",
            "2026-02-29T00:00:00.000Z",
            "2100-02-29T00:00:00.000Z",
            "2026-04-31T00:00:00.000Z",
            "2026-00-01T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "2026-01-00T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01T00:60:00.000Z",
            "2026-01-01T00:00:60.000Z",
            "2026-01-01T00:00:00Z",
            "2026-01-01 00:00:00.000Z",
            "+026-01-01T00:00:00.000Z",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}
