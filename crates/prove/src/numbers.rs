//! Exact numbers next to and between constants: one for every way in which a number can compare.

use faramesh_call::Number;

use crate::atom::{Plain, Test};

/// A constant that numbers compare with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound<'a>(&'a Number);

fn one(plain: &Plain) -> Option<Bound<'_>> {
    if let Plain::Number(number) = plain { Some(Bound(number)) } else { None }
}

/// The numbers that a test names.
pub(crate) fn constants(test: &Test) -> Vec<Bound<'_>> {
    match test {
        Test::Equal(constant) | Test::Less(constant) | Test::LessEqual(constant) => {
            one(constant).into_iter().collect()
        }
        Test::Among(constants) => constants.iter().filter_map(one).collect(),
        _ => Vec::new(),
    }
}

impl Bound<'_> {
    /// The number without its fraction, when it fits; one less below zero, which is no harm here.
    pub fn to_i64_floor(self) -> Option<i64> {
        if let Some(whole) = self.0.to_i64() {
            return Some(whole);
        }
        let text = self.0.to_string();
        let (whole, _) = text.split_once('.')?;
        let whole: i64 = whole.parse().ok()?;
        Some(if self.0.is_negative() { whole.saturating_sub(1) } else { whole })
    }
}

/// Numbers of every kind that the constants tell apart: each constant, one below all, one above all and
/// one between any two; plain ones first.
pub(crate) fn candidates<'a>(bounds: impl Iterator<Item = Bound<'a>>) -> Vec<Number> {
    let mut sorted: Vec<&Number> = bounds.map(|bound| bound.0).collect();
    sorted.sort();
    sorted.dedup();
    let mut found = Vec::with_capacity(sorted.len() * 2 + 1);
    let mut before: Option<&Number> = None;
    for number in &sorted {
        found.extend(between(before, Some(number)));
        found.push((*number).clone());
        before = Some(number);
    }
    found.extend(between(before, None));
    // Of what satisfies a rule, people expect a whole amount above zero.
    found.sort_by_key(|number| (number.is_negative() || number.is_zero(), number.to_i64().is_none()));
    found
}

/// Whole numbers of every kind that the constants tell apart, within limits.
pub(crate) fn whole<'a>(
    bounds: impl Iterator<Item = Bound<'a>>,
    lowest: i64,
    highest: i64,
    usual: i64,
) -> Vec<i64> {
    let mut found = vec![usual, lowest, highest];
    for bound in bounds {
        let Some(floor) = bound.to_i64_floor() else { continue };
        found.extend((-1..=2).map(|offset| floor.saturating_add(offset)));
    }
    found.retain(|number| (lowest..=highest).contains(number));
    found
}

/// A number strictly between two, whole where that can be; `None` stands for no limit.
fn between(low: Option<&Number>, high: Option<&Number>) -> Option<Number> {
    let fits = |number: &Number| low.is_none_or(|low| low < number) && high.is_none_or(|high| number < high);
    let near = |bound: Option<&Number>, offset: i64| {
        let floor = Bound(bound?).to_i64_floor()?;
        floor.checked_add(offset).map(Number::from)
    };
    let tried = [
        Some(Number::from(1_i64)),
        near(low, 1),
        near(high, -1),
        near(high, 0),
        Some(Number::ZERO),
        near(low, 2),
    ];
    if let Some(found) = tried.into_iter().flatten().find(|number| fits(number)) {
        return Some(found);
    }
    match (low, high) {
        (Some(low), _) if !low.is_negative() => above(low, fits),
        (_, Some(high)) => above(&negated(high)?, |number| negated(number).is_some_and(|back| fits(&back)))
            .and_then(|number| negated(&number)),
        (Some(low), None) => above(low, fits),
        (None, None) => None,
    }
}

fn negated(number: &Number) -> Option<Number> {
    let text = number.to_string();
    Number::parse(text.strip_prefix('-').map_or_else(|| format!("-{text}"), str::to_owned).as_str()).ok()
}

/// A number above one that is not negative, as far above as `fits` allows: digits are appended, each of
/// which brings it nearer.
fn above(low: &Number, fits: impl Fn(&Number) -> bool) -> Option<Number> {
    let text = low.to_string();
    let (digits, power) = match text.split_once('e') {
        Some((digits, power)) => (digits, format!("e{power}")),
        None => (&*text, String::new()),
    };
    let digits = if digits.contains('.') { digits.to_owned() } else { format!("{digits}.") };
    let tried =
        std::iter::once(Number::parse(&format!("{text}0")).ok()).chain((0..400_usize).flat_map(|zeros| {
            ["5", "1"].map(|last| Number::parse(&format!("{digits}{}{last}{power}", "0".repeat(zeros))).ok())
        }));
    tried.flatten().find(|number| fits(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn there_is_a_number_between_any_two() {
        let texts = [
            "-1e40",
            "-12345678901234567890.5",
            "-10.5",
            "-10",
            "-0.001",
            "-1e-40",
            "0",
            "1e-40",
            "0.1",
            "0.11",
            "1",
            "1.5",
            "500",
            "501",
            "9007199254740993",
            "12345678901234567890",
            "12345678901234567890.5",
            "1e40",
            "1.01e40",
        ];
        for (index, low) in texts.iter().enumerate() {
            for high in texts.get(index + 1..).unwrap() {
                let (low, high) = (number(low), number(high));
                let found = between(Some(&low), Some(&high)).unwrap_or_else(|| panic!("{low} {high}"));
                assert!(low < found && found < high, "{low} < {found} < {high}");
            }
            let low = number(low);
            assert!(between(Some(&low), None).unwrap() > low, "{low}");
            assert!(between(None, Some(&low)).unwrap() < low, "{low}");
        }
    }

    #[test]
    fn plain_numbers_are_preferred() {
        for (low, high, expected) in [
            (Some("500"), None, "501"),
            (Some("0"), Some("500"), "1"),
            (Some("500"), Some("501"), "500.5"),
            (Some("25"), Some("500"), "26"),
            (None, Some("0"), "-1"),
            (Some("99.99"), Some("100.01"), "100"),
        ] {
            let (low, high) = (low.map(number), high.map(number));
            assert_eq!(between(low.as_ref(), high.as_ref()), Some(number(expected)), "{low:?} {high:?}");
        }
    }
}
