//! Changes of an input, for the runner without libFuzzer.

use faramesh_oracle::generate::Choices;

/// Longest input.
const MOST: usize = 32 << 10;
/// Bytes that mean something to some reader.
const TELLING: &[u8] = b"{}[]()\"\\,:;=!<>@*/.#$ \n\t-+eE0159_\x00\x01\x7F\x80\xC3\xA9\xF0\x9F\xFF";

/// The input with one to eight changes; `other` lends pieces.
#[must_use]
pub fn mutated(input: &[u8], other: &[u8], choices: &mut Choices<'_>) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=choices.below(8) {
        let at = choices.below(bytes.len() + 1);
        let longest = if choices.percent(80) { 8 } else { 256 };
        let length = 1 + choices.below(longest);
        match choices.below(7) {
            0 => drop(bytes.drain(at..(at + length).min(bytes.len()))),
            1 => {
                let from = choices.below(bytes.len() + 1);
                let piece: Vec<u8> = bytes.iter().skip(from).take(length).copied().collect();
                drop(bytes.splice(at..at, piece));
            }
            2 => {
                let from = choices.below(other.len() + 1);
                let piece: Vec<u8> = other.iter().skip(from).take(length).copied().collect();
                drop(bytes.splice(at..at, piece));
            }
            3 => {
                let byte = TELLING.get(choices.below(TELLING.len())).copied().unwrap_or(0);
                bytes.insert(at, byte);
            }
            kind => {
                let telling = TELLING.get(choices.below(TELLING.len())).copied().unwrap_or(0);
                let any = u8::try_from(choices.below(256)).unwrap_or(0);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = match kind {
                        4 => any,
                        5 => telling,
                        _ => *byte ^ (1 << choices.below(8)),
                    };
                }
            }
        }
    }
    bytes.truncate(MOST);
    bytes
}
