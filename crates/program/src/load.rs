//! Bytes to a program. The loader trusts nothing: sizes are bounded, every reference is checked to
//! point backwards, and a regular expression that does not compile within its limit is an error.
//!
//! Layout: magic `FMSP`, format version (u16, little endian), length of the image (u32), the image,
//! length of the sources (u32), the sources, SHA-256 over all of that. The policy's hash is SHA-256
//! over everything up to and including the image.

use sha2::{Digest, Sha256};

use crate::image::{Expression, Fact, Image, Operand, RuleEffect, RuleImage, Sources, Step};
use crate::pattern::Pattern;
use crate::program::Program;

/// First bytes of a program.
pub const MAGIC: &[u8; 4] = b"FMSP";
/// Version of the format.
pub const FORMAT: u16 = 6;
/// Bytes of the checksum at the end.
const CHECKSUM_BYTES: usize = 32;
/// Largest program, in bytes.
pub const MAX_BYTES: usize = 256 << 20;
/// Most rules of a program.
pub const MAX_RULES: usize = 100_000;
/// Longest regular expression, in bytes.
pub const MAX_REGEX_BYTES: usize = 1 << 10;
/// Largest compiled regular expression, in bytes.
pub const MAX_REGEX_COMPILED_BYTES: usize = 256 << 10;
/// Longest text of a setting, in bytes.
pub const MAX_TEXT_BYTES: usize = 64 << 10;
/// Most members on the way to a value.
pub const MAX_STEPS: usize = 256;
/// Deepest condition.
pub const MAX_DEPTH: u32 = 128;

/// Why bytes are no program that can be run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not a program at all.
    #[error("these bytes are not a compiled policy")]
    NotAProgram,
    /// Written by another version.
    #[error("the compiled policy has format {found}, and this daemon reads format {FORMAT}")]
    Format {
        /// The format that was found.
        found: u16,
    },
    /// Cut short, or with bytes after its end.
    #[error("the compiled policy is damaged: {0}")]
    Damaged(&'static str),
    /// Beyond a limit.
    #[error("the compiled policy is beyond a limit: {0}")]
    Limit(&'static str),
    /// A regular expression that does not compile.
    #[error("a regular expression of the compiled policy does not compile: `{0}`")]
    Regex(String),
}

/// The bytes of a program.
///
/// # Errors
/// The image is larger than the format can hold.
pub fn encode(image: &Image, sources: &Sources) -> Result<Vec<u8>, LoadError> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    append(&mut bytes, &postcard::to_stdvec(image).map_err(|_| LoadError::Damaged("it cannot be written"))?)?;
    append(
        &mut bytes,
        &postcard::to_stdvec(sources).map_err(|_| LoadError::Damaged("it cannot be written"))?,
    )?;
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    if bytes.len() > MAX_BYTES { Err(LoadError::Limit("size")) } else { Ok(bytes) }
}

fn append(bytes: &mut Vec<u8>, section: &[u8]) -> Result<(), LoadError> {
    let length = u32::try_from(section.len()).map_err(|_| LoadError::Limit("size"))?;
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(section);
    Ok(())
}

/// The part of a program's bytes that the policy's hash is taken over: it decides, and the places in
/// the source that follow it only name. `None` when the bytes are none of a program.
#[must_use]
pub fn hashed_part(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(MAGIC.as_slice())?;
    let (_version, rest) = rest.split_first_chunk::<2>()?;
    let (_image, rest) = section(rest).ok()?;
    bytes.get(..bytes.len() - rest.len())
}

/// Loads a program for deciding.
///
/// # Errors
/// The bytes are damaged, of another format, or beyond a limit.
pub fn load(bytes: &[u8]) -> Result<Program, LoadError> {
    let (image, sources, hash) = decode(bytes)?;
    validate(&image)?;
    let regexes = image.regexes.iter().map(|text| Pattern::new(text)).collect::<Result<_, _>>()?;
    Program::new(image, &sources, hash, regexes)
}

/// Reads the parts of a program without preparing it for deciding.
///
/// # Errors
/// The bytes are damaged, of another format, or beyond a limit.
pub fn decode(bytes: &[u8]) -> Result<(Image, Sources, [u8; 32]), LoadError> {
    if bytes.len() > MAX_BYTES {
        return Err(LoadError::Limit("size"));
    }
    if !bytes.starts_with(MAGIC) {
        return Err(LoadError::NotAProgram);
    }
    let body = bytes.len().saturating_sub(CHECKSUM_BYTES);
    let (bytes, checksum) = bytes.split_at_checked(body).ok_or(LoadError::NotAProgram)?;
    let rest = bytes.strip_prefix(MAGIC.as_slice()).ok_or(LoadError::NotAProgram)?;
    let (version, rest) = rest.split_first_chunk().ok_or(LoadError::NotAProgram)?;
    let found = u16::from_le_bytes(*version);
    if found != FORMAT {
        return Err(LoadError::Format { found });
    }
    // The disk may have changed a byte; another policy than the one that was applied must not run.
    if Sha256::digest(bytes).as_slice() != checksum {
        return Err(LoadError::Damaged("its checksum does not match"));
    }
    let (image, rest) = section(rest)?;
    let hashed = bytes.get(..bytes.len() - rest.len()).unwrap_or_default();
    let (sources, rest) = section(rest)?;
    if !rest.is_empty() {
        return Err(LoadError::Damaged("bytes follow its end"));
    }
    let image = postcard::from_bytes(image).map_err(|_| LoadError::Damaged("its image does not read"))?;
    let sources = postcard::from_bytes(sources).map_err(|_| LoadError::Damaged("its sources do not read"))?;
    Ok((image, sources, Sha256::digest(hashed).into()))
}

fn section(bytes: &[u8]) -> Result<(&[u8], &[u8]), LoadError> {
    const CUT: LoadError = LoadError::Damaged("it is cut short");
    let (length, rest) = bytes.split_first_chunk().ok_or(CUT)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| CUT)?;
    rest.split_at_checked(length).ok_or(CUT)
}

/// INVARIANT: after this, every index of the image is in bounds and every reference points
/// backwards, so evaluation terminates and its depth is at most 128.
fn validate(image: &Image) -> Result<(), LoadError> {
    if image.agents.iter().map(|agent| agent.rules.len()).sum::<usize>() > MAX_RULES {
        return Err(LoadError::Limit("number of rules"));
    }
    crate::blocks::validate(image)?;
    let operand_depths = depths(image.operands.len(), |index| operand_parts(image, index))?;
    depths(image.expressions.len(), |index| expression_parts(image, index, &operand_depths))?;
    let known =
        |condition: &u32| usize::try_from(*condition).is_ok_and(|index| index < image.expressions.len());
    let mandatory_first =
        |rules: &[RuleImage]| rules.is_sorted_by_key(|rule| rule.effect != RuleEffect::DenyAlways);
    let phases = image.agents.iter().flat_map(|agent| &agent.blocks.phases).map(|phase| &phase.rules);
    if !image.agents.iter().map(|agent| &agent.rules).chain(phases).all(|rules| mandatory_first(rules)) {
        return Err(LoadError::Damaged("a `deny!` rule stands after another rule"));
    }
    let rules = image.agents.iter().flat_map(|agent| &agent.rules);
    if rules.filter_map(|rule| rule.condition).all(|condition| known(&condition)) {
        Ok(())
    } else {
        Err(LoadError::Damaged("a rule names no condition"))
    }
}

/// Depth of each entry of a table whose entries refer backwards.
fn depths(count: usize, parts: impl Fn(usize) -> Option<(Vec<u32>, u32)>) -> Result<Vec<u32>, LoadError> {
    let mut depths: Vec<u32> = Vec::with_capacity(count);
    for index in 0..count {
        let (references, base) = parts(index).ok_or(LoadError::Damaged("a reference is out of bounds"))?;
        let mut depth = base;
        for reference in references {
            let below = usize::try_from(reference).ok().and_then(|at| depths.get(at));
            depth = depth.max(*below.ok_or(LoadError::Damaged("a reference points forwards"))?);
        }
        if depth >= MAX_DEPTH {
            return Err(LoadError::Limit("depth of a condition"));
        }
        depths.push(depth + 1);
    }
    Ok(depths)
}

/// References to other operands; `None` when a reference to another table is out of bounds.
fn operand_parts(image: &Image, index: usize) -> Option<(Vec<u32>, u32)> {
    let within = |at: u32, length: usize| usize::try_from(at).is_ok_and(|at| at < length);
    match image.operands.get(index)? {
        Operand::Constant(at) => within(*at, image.constants.len()).then(|| (Vec::new(), 0)),
        Operand::Path(at) => within(*at, image.paths.len()).then(|| (Vec::new(), 0)),
        Operand::Fact(fact) => fact_is_bounded(fact).then(|| (Vec::new(), 0)),
        Operand::List(items) => Some((items.clone(), 0)),
        Operand::Lower(of) | Operand::Length(of) | Operand::Domain(of) => Some((vec![*of], 0)),
    }
}

fn fact_is_bounded(fact: &Fact) -> bool {
    let (texts, steps): (&[&String], &[Step]) = match fact {
        Fact::SessionCalls | Fact::SessionCost => (&[], &[]),
        Fact::SessionSum { pattern, field, .. } => (&[pattern], field),
        Fact::SessionCount { pattern, .. } | Fact::HistoryContains { pattern, .. } => (&[pattern], &[]),
        Fact::Purpose(text) => (&[text], &[]),
        Fact::Selector { name, steps } => (&[name], steps),
    };
    steps.len() <= MAX_STEPS && texts.iter().all(|text| text.len() <= MAX_TEXT_BYTES)
}

/// References to other expressions, and the depth that the operands bring along.
fn expression_parts(image: &Image, index: usize, operands: &[u32]) -> Option<(Vec<u32>, u32)> {
    let depth_of = |operand: &u32| usize::try_from(*operand).ok().and_then(|at| operands.get(at)).copied();
    let leaf = |used: &[u32]| {
        let depths: Option<Vec<u32>> = used.iter().map(depth_of).collect();
        depths.map(|depths| (Vec::new(), depths.into_iter().max().unwrap_or(0)))
    };
    match image.expressions.get(index)? {
        Expression::Constant(_) => Some((Vec::new(), 0)),
        Expression::Not(part) => Some((vec![*part], 0)),
        Expression::All(parts) | Expression::Any(parts) => Some((parts.clone(), 0)),
        Expression::Compare { left, right, .. } => leaf(&[*left, *right]),
        Expression::In { item, list } => leaf(&[*item, *list]),
        Expression::Contains { whole, part } => leaf(&[*whole, *part]),
        Expression::StartsWith { text, affix } | Expression::EndsWith { text, affix } => {
            leaf(&[*text, *affix])
        }
        Expression::Within { path, folder } => leaf(&[*path, *folder]),
        Expression::Truth(operand) => leaf(&[*operand]),
        Expression::Matches { text, regex } => {
            usize::try_from(*regex).is_ok_and(|at| at < image.regexes.len()).then_some(())?;
            leaf(&[*text])
        }
        Expression::Has(path) => {
            usize::try_from(*path).is_ok_and(|at| at < image.paths.len()).then(|| (Vec::new(), 0))
        }
    }
}
