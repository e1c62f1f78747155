//! Sources that are too large to print: in an example `⟨text ×500⟩` stands for 500 times the text, in which
//! `№` is the number of the repetition and `\n` a line break.

/// Largest text that an example expands to, in bytes.
pub const EXPANDED_BYTES: usize = 16 << 20;

/// The example with every `⟨text ×n⟩` written out; `None` when one is malformed or the whole too large.
#[must_use]
pub fn expanded(example: &str) -> Option<String> {
    let mut source = String::with_capacity(example.len());
    let mut rest = example;
    while let Some((before, after)) = rest.split_once('⟨') {
        let (inner, end) = after.split_once('⟩')?;
        let (text, times) = inner.rsplit_once('×')?;
        let text = text.strip_suffix(' ')?.replace("\\n", "\n");
        let times: usize = times.parse().ok()?;
        let size = text.len().checked_mul(times)?.checked_add(source.len())?;
        if size > EXPANDED_BYTES {
            return None;
        }
        source.push_str(before);
        if text.contains('№') {
            source.extend((1..=times).map(|number| text.replace('№', &number.to_string())));
        } else {
            source.push_str(&text.repeat(times));
        }
        rest = end;
    }
    source.push_str(rest);
    Some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions() {
        for (example, expected) in [
            ("plain", Some("plain")),
            ("a⟨b ×3⟩c", Some("abbbc")),
            ("⟨(  ×2⟩⟨x\\n ×2⟩", Some("( ( x\nx\n")),
            ("⟨t№; ×2⟩", Some("t1;t2;")),
            ("⟨b 3⟩", None),
            ("⟨b ×3", None),
            ("⟨bb ×99999999999⟩", None),
        ] {
            assert_eq!(expanded(example), expected.map(str::to_owned), "{example}");
        }
    }
}
