//! The check that bytes are canonical JSON, for what nearly every record is: ASCII without an escape. It only
//! says yes or no, and whoever gets a no asks [`crate::scan`], which takes everything and says why not.
//!
//! INVARIANT narrower: what it accepts, the other accepts as well.

use faramesh_call::number::Number;

use crate::scan::MAX_DEPTH;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;
/// Gathers the highest bit of each byte of a word in the highest byte.
const GATHER: u64 = 0x0002_0408_1020_4081;
/// Bytes whose quotes are looked for together.
const BLOCK: usize = 64;

/// A walk over the bytes.
pub(crate) struct Quick<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Where the block begins whose quotes are known.
    block: usize,
    /// A bit for each byte of the block that is a quote and was not taken.
    quotes: u64,
    depth: u32,
}

/// The quotes of a block of ASCII.
#[inline]
fn quotes_of(block: &[u8; BLOCK]) -> u64 {
    let mut quotes = 0_u64;
    for eight in block.as_chunks::<8>().0.iter().rev() {
        // No byte is above 127, so adding carries into no other: the highest bit stays clear at quotes alone.
        let others = (u64::from_le_bytes(*eight) ^ (ONES * 0x22)).wrapping_add(!HIGH);
        quotes = quotes << 8 | (!others & HIGH).wrapping_mul(GATHER) >> 56;
    }
    quotes
}

impl<'a> Quick<'a> {
    /// `None` for bytes that are not for it.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        // As signed numbers, what is not ASCII is below the control characters.
        let mut others = false;
        for byte in bytes {
            others |= byte.cast_signed() < 0x20 || *byte == b'\\';
        }
        let mut walk = Self { bytes, position: 0, block: 0, quotes: 0, depth: 0 };
        if others {
            return None;
        }
        walk.enter()?;
        Some(walk)
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.position == self.bytes.len()
    }

    /// The byte that stands here; 0, which stands nowhere, at the end.
    #[inline]
    pub(crate) fn byte(&self) -> u8 {
        self.bytes.get(self.position).copied().unwrap_or(0)
    }

    /// Takes `mark` when it stands here.
    #[inline]
    pub(crate) fn take(&mut self, mark: u8) -> bool {
        let found = self.byte() == mark;
        self.position += usize::from(found);
        found
    }

    /// Takes these bytes when they stand here. Quotes among them are not taken.
    #[inline]
    fn take_all<const N: usize>(&mut self, bytes: &[u8; N]) -> bool {
        let found = self.bytes.get(self.position..).and_then(<[u8]>::first_chunk) == Some(bytes);
        self.position += if found { N } else { 0 };
        found
    }

    /// Takes the name of a member, with its quotes and the colon, when it stands here.
    #[inline]
    pub(crate) fn name<const N: usize>(&mut self, name: &[u8; N]) -> bool {
        self.take_all(name) && self.skip_name()
    }

    /// Takes the two quotes of a name.
    fn skip_name(&mut self) -> bool {
        self.next_quote().is_some() && self.next_quote().is_some()
    }

    #[inline]
    pub(crate) fn value(&mut self) -> bool {
        match self.byte() {
            b'"' => self.string().is_some(),
            b'0'..=b'9' | b'-' => self.number(),
            b'{' => self.object(),
            b'[' => self.list(),
            b't' => self.take_all(b"true"),
            b'f' => self.take_all(b"false"),
            b'n' => self.take_all(b"null"),
            _ => false,
        }
    }

    fn list(&mut self) -> bool {
        self.position += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return false;
        }
        if !self.take(b']') {
            loop {
                if !self.value() {
                    return false;
                }
                if !self.take(b',') {
                    break;
                }
            }
            if !self.take(b']') {
                return false;
            }
        }
        self.depth -= 1;
        true
    }

    fn object(&mut self) -> bool {
        self.position += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return false;
        }
        if !self.take(b'}') {
            let mut before: &[u8] = &[];
            let mut is_first = true;
            loop {
                let Some(key) = self.string() else { return false };
                if (!is_first && !is_behind(before, key)) || !self.take(b':') || !self.value() {
                    return false;
                }
                (before, is_first) = (key, false);
                if !self.take(b',') {
                    break;
                }
            }
            if !self.take(b'}') {
                return false;
            }
        }
        self.depth -= 1;
        true
    }

    /// Takes a string, and gives what stands between its quotes.
    #[inline]
    fn string(&mut self) -> Option<&'a [u8]> {
        if self.byte() != b'"' {
            return None;
        }
        // Every quote belongs to a string, so the next one is the one that stands here.
        let start = self.next_quote().filter(|start| *start == self.position)? + 1;
        let end = self.next_quote()?;
        self.position = end + 1;
        self.bytes.get(start..end)
    }

    /// Where the next quote stands that was not taken.
    #[inline]
    fn next_quote(&mut self) -> Option<usize> {
        while self.quotes == 0 {
            self.block = self.block.wrapping_add(BLOCK);
            self.enter()?;
        }
        let place = self.quotes.trailing_zeros();
        self.quotes &= self.quotes - 1;
        Some(self.block + usize::try_from(place).unwrap_or(0))
    }

    /// Looks for the quotes of a block; `None` behind the end.
    fn enter(&mut self) -> Option<()> {
        let rest = self.bytes.get(self.block..)?;
        self.quotes = match rest.first_chunk() {
            Some(whole) => quotes_of(whole),
            None => {
                let mut last = [0; BLOCK];
                last.get_mut(..rest.len())?.copy_from_slice(rest);
                quotes_of(&last)
            }
        };
        (!rest.is_empty()).then_some(())
    }

    #[inline]
    fn number(&mut self) -> bool {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let length = rest.iter().take(19).take_while(|byte| byte.is_ascii_digit()).count();
        // Nothing may follow a zero.
        let plain = if rest.first() == Some(&b'0') { length == 1 } else { (1..=18).contains(&length) };
        let ends = !matches!(rest.get(length), Some(b'.' | b'e' | b'E' | b'+' | b'-' | b'0'..=b'9'));
        if plain && ends {
            self.position += length;
            return true;
        }
        self.long_number(rest)
    }

    fn long_number(&mut self, rest: &[u8]) -> bool {
        let part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().position(|byte| !part(byte)).unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default();
        let number = std::str::from_utf8(text).ok().and_then(|text| Number::parse(text).ok());
        let mut shortest = Vec::with_capacity(text.len());
        if let Some(number) = number {
            number.write(&mut shortest);
        }
        self.position += length;
        shortest == text && !text.is_empty()
    }
}

/// Whether a key comes behind another one. Most differ in the first byte.
#[inline]
fn is_behind(before: &[u8], key: &[u8]) -> bool {
    match (before.first(), key.first()) {
        (Some(before), Some(key)) if before != key => before < key,
        _ => before < key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Scan;

    fn quick(bytes: &[u8]) -> bool {
        Quick::new(bytes).is_some_and(|mut walk| walk.value() && walk.is_at_end())
    }

    fn exact(bytes: &[u8]) -> bool {
        Scan::new(bytes).is_ok_and(|mut scan| scan.value().is_ok() && scan.end().is_ok())
    }

    #[test]
    fn quotes_are_found_in_every_place() {
        for place in 0..BLOCK {
            for other in [0, 0x20, 0x21, 0x23, 0x5c, 0x7f, b'x'] {
                let mut block = [other; BLOCK];
                block[place] = b'"';
                assert_eq!(quotes_of(&block), 1 << place);
                block[BLOCK - 1 - place] = b'"';
                assert_eq!(quotes_of(&block), 1 << place | 1 << (BLOCK - 1 - place));
            }
        }
    }

    #[test]
    fn both_walks_agree_on_every_text_and_on_every_change_of_it() {
        let texts = [
            r#"{"a":1,"aa":[true,false,null,{}],"b":"","c":-12.5,"d":[[],[0,"x",-1,1e-7,1e+21]]}"#.to_owned(),
            r#"{"a":{"b":{"c":[1,2,3]}},"long":"0123456789012345678901234567890123456789012345678901234567890123456789"}"#
                .to_owned(),
            "[9007199254740993,100000000000000000000,999999999999999999,9999999999999999999]".to_owned(),
            "null".to_owned(),
            format!("\"{}\"", "x".repeat(200)),
        ];
        let (mut accepted, mut tried) = (0, 0);
        for text in &texts {
            assert!(quick(text.as_bytes()) && exact(text.as_bytes()), "{text}");
            for place in 0..text.len() {
                let bytes = text.as_bytes();
                let mut changed =
                    vec![bytes[..place].to_vec(), [&bytes[..place], &bytes[place + 1..]].concat()];
                for byte in *b" \"\\,:]}[{0a.-e\n\x7f" {
                    changed.push([&bytes[..place], &[byte], &bytes[place + 1..]].concat());
                    changed.push([&bytes[..place], &[byte], &bytes[place..]].concat());
                }
                for bytes in changed {
                    let plain = bytes.iter().all(|byte| (0x20..0x80).contains(byte) && *byte != b'\\');
                    let expected = plain && exact(&bytes);
                    assert_eq!(quick(&bytes), expected, "{}", String::from_utf8_lossy(&bytes));
                    (accepted, tried) = (accepted + u32::from(expected), tried + 1);
                }
            }
        }
        assert!(accepted > 1_000 && tried > 10 * 1_000, "{accepted} of {tried}");
        let nested = |depth: usize| ("[".repeat(depth) + &"]".repeat(depth)).into_bytes();
        assert!(quick(&nested(72)) && !quick(&nested(73)));
    }
}
